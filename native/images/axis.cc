#include "axis.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace gradring::images {
namespace {

// Positions between two pixels that weights are made for, and what their sum is.
constexpr int kPhases = 64;
constexpr int kOne = 4096;
// A box is used where this factor is left for the weights.
constexpr double kGap = 2;

double linear(double x) { return x < 1 ? 1 - x : 0; }

// Source: Mitchell and Netravali, "Reconstruction Filters in Computer Graphics", 1988; B = 0, C = 1/2.
double cubic(double x) {
  const double squared = x * x;
  const double cubed = squared * x;
  if (x <= 1) return (9 * cubed + -15 * squared + 6) / 6;
  if (x <= 2) return (-3 * cubed + 15 * squared + -24 * x + 12) / 6;
  return 0;
}

double sinc(double x) {
  if (x == 0) return 1;
  x *= 3.14159265358979323846;
  return std::sin(x) / x;
}

double lanczos3(double x) { return x <= 3 ? sinc(x) * sinc(x / 3) : 0; }

struct Shape {
  double (*at)(double distance);
  double radius;
};

Shape shapeOf(Kernel kernel) {
  switch (kernel) {
    case Kernel::kLinear:
      return {linear, 1};
    case Kernel::kCubic:
      return {cubic, 2};
    default:
      return {lanczos3, 3};
  }
}

// Writes the weights of pixels around a position that is `fraction` of a pixel beyond the one in the middle.
void weigh(const Shape& shape, size_t points, double factor, double fraction, int16_t* weights) {
  const double middle = fraction + static_cast<double>(points) / 2.0 - 1;
  std::vector<double> values(points);
  double sum = 0;
  for (size_t i = 0; i < points; i++) {
    values[i] = shape.at(std::fabs((static_cast<double>(i) - middle) / factor));
    sum += values[i];
  }
  for (size_t i = 0; i < points; i++) weights[i] = static_cast<int16_t>(values[i] / sum * kOne);
}

// Where the strip of a pixel begins.
size_t stripOf(const AxisPlan& plan, size_t pixel) {
  const auto strip = static_cast<ptrdiff_t>(plan.strip), beyond = static_cast<ptrdiff_t>(pixel) - plan.origin;
  return static_cast<size_t>(std::max<ptrdiff_t>(plan.origin + beyond / strip * strip, 0));
}

size_t roundUp(size_t value, size_t to) { return (value + to - 1) / to * to; }

}  // namespace

bool AxisPlan::operator==(const AxisPlan& other) const {
  return kernel == other.kernel && from == other.from && factor == other.factor && start == other.start &&
         count == other.count && strip == other.strip && origin == other.origin;
}

Axis::Axis(const AxisPlan& plan) : plan_(plan), boxed_(plan.from) {
  const auto from = static_cast<double>(plan.from);
  const double reduced = std::floor(from / plan.factor + 0.5);
  // Pixels that there would have to be for a whole number to come out.
  double extra = reduced * plan.factor - from;
  double factor = plan.factor;
  const double box = std::floor(from / reduced / kGap);
  if (box > 1) {
    box_ = static_cast<size_t>(box);
    boxed_ = (plan.from + box_ - 1) / box_;
    extra /= box;
    factor /= box;
  }
  firsts_.resize(plan.count);
  if (factor == 1) {
    for (size_t i = 0; i < plan.count; i++) firsts_[i] = static_cast<ptrdiff_t>(plan.start + i);
    weights_.resize(8);
    weights_[0] = kOne;
    places_.assign(plan.count, weights_.data());
    return;
  }
  const Shape shape = shapeOf(plan.kernel);
  points_ = static_cast<size_t>(2 * std::rint(shape.radius * factor)) + 1;
  const auto before = static_cast<ptrdiff_t>(points_ / 2);
  const double offset = (1 + extra) / 2 - 1;
  const size_t stride = roundUp(points_, 8);
  std::array<bool, kPhases + 1> made{};
  weights_.resize(made.size() * stride);
  places_.resize(plan.count);
  double at = 0;
  for (size_t i = 0; i < plan.count; i++) {
    // Added up from the start of a strip on: where a position is a tie, how it was rounded decides.
    const size_t pixel = plan.start + i, strip = stripOf(plan, pixel);
    if (i == 0 || pixel == strip) {
      at = (static_cast<double>(strip) + 0.5) * factor - 0.5 - offset;
      for (size_t skipped = strip; skipped < pixel; skipped++) at += factor;
    }
    const size_t phase = ((static_cast<size_t>(at * kPhases * 2) % (kPhases * 2)) + 1) / 2;
    firsts_[i] = static_cast<ptrdiff_t>(at) - before;
    int16_t* weights = weights_.data() + phase * stride;
    places_[i] = weights;
    if (!made[phase]) weigh(shape, points_, factor, static_cast<double>(phase) / kPhases, weights);
    made[phase] = true;
    at += factor;
  }
}

}  // namespace gradring::images
