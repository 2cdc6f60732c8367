// What the tests of the CPU loops share: images in any layout and type, seen as doubles, and a tally of
// checks.
#pragma once
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "../../native/kernels/kernels.h"

namespace gradring::test {

inline float fromBf16(uint16_t half) {
  const uint32_t bits = static_cast<uint32_t>(half) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// N images; elements are read and written by image, pixel and channel.
class Batch {
 public:
  Batch(Images shape, int64_t count)
      : shape_(shape), count_(count), floats_(count * shape.elements()), halves_(floats_.size()) {}

  const Images& shape() const { return shape_; }
  int64_t count() const { return count_; }
  void* data() { return shape_.type == Type::f32 ? static_cast<void*>(floats_.data()) : halves_.data(); }

  double at(int64_t n, int64_t pixel, int64_t c) const {
    const int64_t i = index(n, pixel, c);
    return shape_.type == Type::f32 ? floats_[i] : fromBf16(halves_[i]);
  }

  void set(int64_t n, int64_t pixel, int64_t c, double value) {
    const int64_t i = index(n, pixel, c);
    floats_[i] = static_cast<float>(value);
    uint32_t bits;
    std::memcpy(&bits, &floats_[i], sizeof bits);
    halves_[i] = static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
  }

  void forEach(const std::function<void(int64_t, int64_t, int64_t)>& visit) const {
    for (int64_t n = 0; n < count_; n++) {
      for (int64_t pixel = 0; pixel < shape_.pixels(); pixel++) {
        for (int64_t c = 0; c < shape_.channels; c++) visit(n, pixel, c);
      }
    }
  }

 private:
  int64_t index(int64_t n, int64_t pixel, int64_t c) const {
    if (shape_.layout == Layout::nhwc) return (n * shape_.pixels() + pixel) * shape_.channels + c;
    const int64_t block = n * shape_.channels / blockSize + c / blockSize;
    return (block * shape_.pixels() + pixel) * blockSize + c % blockSize;
  }

  Images shape_;
  int64_t count_;
  std::vector<float> floats_;
  std::vector<uint16_t> halves_;
};

class Checks {
 public:
  explicit Checks(std::string table) : table_(std::move(table)) {}

  // `error` relative to `size`, the largest value there is.
  void near(const std::string& what, double error, double size, double bound) {
    const double relative = error / (size > 0 ? size : 1);
    const bool good = relative <= bound;
    std::printf("%s %-7s %-70s %.2e\n", good ? "ok  " : "FAIL", table_.c_str(), what.c_str(), relative);
    if (!good) failures_++;
  }

  void that(const std::string& what, bool holds) { near(what, holds ? 0 : 1, 1, 0); }

  int failures() const { return failures_; }

 private:
  std::string table_;
  int failures_ = 0;
};

// The largest difference and the largest value of a series of comparisons.
struct Difference {
  double error = 0, size = 0;

  void add(double actual, double expected) {
    const double difference = std::fabs(actual - expected);
    error = std::isfinite(actual) ? std::fmax(error, difference) : INFINITY;
    size = std::fmax(size, std::fabs(expected));
  }
};

inline Batch randomBatch(std::mt19937& random, Images shape, int64_t count, double mean = 0) {
  Batch batch(shape, count);
  std::normal_distribution<double> normal(mean, 1);
  batch.forEach([&](int64_t n, int64_t pixel, int64_t c) { batch.set(n, pixel, c, normal(random)); });
  return batch;
}

inline std::vector<float> randomFloats(std::mt19937& random, int64_t count, double mean = 0) {
  std::normal_distribution<float> normal(static_cast<float>(mean), 1);
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

inline std::string nameOf(const Images& shape) {
  return std::string(shape.layout == Layout::nhwc ? "nhwc " : "blocked ") +
         (shape.type == Type::f32 ? "f32 " : "bf16 ") + std::to_string(shape.height) + "x" +
         std::to_string(shape.width) + "x" + std::to_string(shape.channels);
}

// What an output may be off by, relative to its largest value.
inline double tolerance(const Images& shape) { return shape.type == Type::f32 ? 2e-6 : 5e-3; }

// Odd sizes and even ones, channels that fill vectors and that do not, both layouts, both types.
inline std::vector<Images> testShapes() {
  std::vector<Images> shapes;
  for (const Type type : {Type::f32, Type::bf16}) {
    for (const auto [height, width, channels] :
         {std::array<int64_t, 3>{1, 1, 10}, {5, 7, 3}, {4, 4, 48}, {9, 6, 20}, {28, 28, 16}}) {
      shapes.push_back({height, width, channels, Layout::nhwc, type});
      if (channels % blockSize == 0) shapes.push_back({height, width, channels, Layout::blocked, type});
    }
    shapes.push_back({7, 5, 32, Layout::blocked, type});
    shapes.push_back({19, 18, 16, Layout::blocked, type});
  }
  return shapes;
}

void testNorm(const Kernels& kernels, Checks& checks);
void testStem(const Kernels& kernels, Checks& checks);
void testPool(const Kernels& kernels, Checks& checks);
void testLayout(const Kernels& kernels, Checks& checks);
void testFlat(const Kernels& kernels, Checks& checks);
void testConvolution(const Kernels& kernels, Checks& checks);

}  // namespace gradring::test
