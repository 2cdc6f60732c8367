// Optimizer steps, sums; the scalar maths of a batch norm.
#include <algorithm>

#include "kernels_check.h"

namespace gradring::test {
namespace {

constexpr int64_t length = 45;

void testSgd(const Kernels& kernels, Checks& checks, std::mt19937& random, double momentum, bool nesterov) {
  std::vector<float> values = randomFloats(random, length), momenta = randomFloats(random, length);
  const std::vector<double> start(values.begin(), values.end()), held(momenta.begin(), momenta.end());
  const std::vector<float> gradients = randomFloats(random, length);
  const int64_t begin = 3;
  for (const int64_t step : {1, 2}) {
    std::vector<float> at = values, moving = momenta;
    kernels.flat.sgd({at.data(), gradients.data(), moving.data(), 0.1, 0.01, momentum, 0.3, nesterov, step},
                     {begin, length});
    Difference difference;
    for (int64_t i = 0; i < length; i++) {
      const double gradient = gradients[i] + 0.01 * start[i];
      const double next = momentum == 0 ? gradient : momentum * held[i] + (step == 1 ? 1 : 0.7) * gradient;
      const double change = nesterov ? gradient + momentum * next : next;
      difference.add(at[i], i < begin ? start[i] : start[i] - 0.1 * change);
      if (momentum != 0) difference.add(moving[i], i < begin ? held[i] : next);
    }
    checks.near("sgd momentum " + std::to_string(momentum) + (nesterov ? " nesterov" : "") + " step " +
                    std::to_string(step),
                difference.error, difference.size, 5e-7);
  }
}

void testAdam(const Kernels& kernels, Checks& checks, std::mt19937& random, bool decoupled, int64_t step) {
  std::vector<float> values = randomFloats(random, length), means = randomFloats(random, length),
                     squares = randomFloats(random, length);
  for (float& square : squares) square *= square;
  const std::vector<float> gradients = randomFloats(random, length), start = values, mean = means,
                           square = squares;
  constexpr double lr = 0.01, decay = 0.1, beta1 = 0.9, beta2 = 0.99, epsilon = 1e-6;
  kernels.flat.adam({values.data(), gradients.data(), means.data(), squares.data(), lr, decay, beta1, beta2,
                     epsilon, decoupled, step},
                    {0, length});
  Difference difference;
  for (int64_t i = 0; i < length; i++) {
    const double value = start[i] * (decoupled ? 1 - lr * decay : 1);
    const double gradient = gradients[i] + (decoupled ? 0 : decay) * value;
    const double first = beta1 * mean[i] + (1 - beta1) * gradient,
                 second = beta2 * square[i] + (1 - beta2) * gradient * gradient;
    const double steps = static_cast<double>(step);
    const double root = std::sqrt(second) / std::sqrt(1 - std::pow(beta2, steps));
    difference.add(means[i], first);
    difference.add(squares[i], second);
    difference.add(values[i], value - lr / (1 - std::pow(beta1, steps)) * first / (root + epsilon));
  }
  checks.near(std::string(decoupled ? "adamw" : "adam") + " step " + std::to_string(step), difference.error,
              difference.size, 5e-7);
}

void testElements(const Kernels& kernels, Checks& checks, std::mt19937& random) {
  const std::vector<float> a = randomFloats(random, length), b = randomFloats(random, length);
  std::vector<float> sum = a, scaled = a;
  kernels.flat.accumulate(sum.data(), b.data(), {2, length});
  kernels.flat.scale(scaled.data(), 0.3f, {2, length});
  bool same = true;
  for (int64_t i = 0; i < length; i++) {
    same = same && sum[i] == (i < 2 ? a[i] : a[i] + b[i]);
    same = same && scaled[i] == (i < 2 ? a[i] : a[i] * 0.3f);
  }
  checks.that("accumulate, scale", same);
}

// The ring of src/allreduce/ring.ts, chunk by chunk.
void testSumChunk(const Kernels& kernels, Checks& checks, std::mt19937& random, int64_t replicas) {
  std::vector<std::vector<float>> buffers;
  std::vector<float*> pointers;
  for (int64_t r = 0; r < replicas; r++) buffers.push_back(randomFloats(random, length));
  for (auto& buffer : buffers) pointers.push_back(buffer.data());
  const auto before = buffers;
  bool same = true;
  for (int64_t chunk = 0; chunk < replicas; chunk++) {
    const Range range{chunk * length / replicas, (chunk + 1) * length / replicas};
    kernels.flat.sumChunk(pointers.data(), replicas, chunk, range);
    for (int64_t i = range.begin; i < range.end; i++) {
      float sum = before[chunk][i];
      for (int64_t s = 1; s < replicas; s++) sum = before[(chunk + s) % replicas][i] + sum;
      for (const auto& buffer : buffers) same = same && buffer[i] == sum;
    }
  }
  checks.that("chunk sums of " + std::to_string(replicas) + " replicas", same);
}

// The coefficients against the gradient of Σ w·y by finite differences.
void testCoefficients(Checks& checks, std::mt19937& random) {
  constexpr int64_t count = 7;
  constexpr double epsilon = 1e-3;
  const std::vector<float> x = randomFloats(random, count), w = randomFloats(random, count);
  const float gamma = 1.3f;
  const auto moments = [&](const std::vector<double>& at) {
    double mean = 0, variance = 0;
    for (const double value : at) mean += value / count;
    for (const double value : at) variance += (value - mean) * (value - mean) / count;
    return std::pair(mean, variance);
  };
  const auto loss = [&](const std::vector<double>& at) {
    const auto [mean, variance] = moments(at);
    double sum = 0;
    for (int64_t i = 0; i < count; i++) sum += w[i] * gamma * (at[i] - mean) / std::sqrt(variance + epsilon);
    return sum;
  };
  std::vector<double> at(x.begin(), x.end());
  const auto [mean, variance] = moments(at);
  double sum = 0, product = 0;
  for (int64_t i = 0; i < count; i++) {
    sum += w[i];
    product += w[i] * (x[i] - mean);
  }
  const float floatMean = static_cast<float>(mean), floatVariance = static_cast<float>(variance);
  float p, q, r, dGamma, dBeta;
  normCoefficients({1, 1, count, epsilon, &sum, &product, &floatMean, &floatVariance, &gamma, &p, &q, &r,
                    &dGamma, &dBeta});
  Difference difference;
  for (int64_t i = 0; i < count; i++) {
    constexpr double step = 1e-5;
    std::vector<double> up = at, down = at;
    up[i] += step;
    down[i] -= step;
    difference.add(p * w[i] + q * x[i] + r, (loss(up) - loss(down)) / (2 * step));
  }
  difference.add(dGamma, loss(at) / gamma);
  difference.add(dBeta, sum);
  checks.near("coefficients", difference.error, difference.size, 1e-6);
}

}  // namespace

void testFlat(const Kernels& kernels, Checks& checks) {
  std::mt19937 random(5);
  for (const double momentum : {0.0, 0.9}) testSgd(kernels, checks, random, momentum, false);
  testSgd(kernels, checks, random, 0.9, true);
  for (const int64_t step : {1, 100}) {
    for (const bool decoupled : {false, true}) testAdam(kernels, checks, random, decoupled, step);
  }
  testCoefficients(checks, random);
  testElements(kernels, checks, random);
  for (const int64_t replicas : {1, 2, 3, 5}) testSumChunk(kernels, checks, random, replicas);
}

}  // namespace gradring::test
