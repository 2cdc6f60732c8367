#include "kernels_check.h"

namespace gradring::test {
namespace {

enum class Second { none, plain, normed };

struct Case {
  Images shape;
  Second second;
  float slope, offset;
  bool pooled;

  std::string name() const {
    const char* terms[] = {"", " + x", " + norm"};
    return nameOf(shape) + terms[static_cast<int>(second)] + (pooled ? " pooled" : "") + " slope " +
           std::to_string(slope).substr(0, 3);
  }
};

constexpr int64_t images = 5;

struct Data {
  Batch x, other;
  std::vector<float> scale, shift, otherScale, otherShift, mean, otherMean;

  Data(std::mt19937& random, const Images& shape)
      : x(randomBatch(random, shape, images, 0.5)), other(randomBatch(random, shape, images)) {
    for (auto* list : {&scale, &shift, &otherScale, &otherShift, &mean, &otherMean}) {
      *list = randomFloats(random, shape.channels);
    }
  }

  NormTerm first() { return {x.data(), scale.data(), shift.data()}; }
  NormTerm second(Second kind) {
    if (kind == Second::none) return {};
    if (kind == Second::plain) return {other.data(), nullptr, nullptr};
    return {other.data(), otherScale.data(), otherShift.data()};
  }

  double before(Second kind, int64_t n, int64_t pixel, int64_t c) const {
    const double value = scale[c] * x.at(n, pixel, c) + shift[c];
    if (kind == Second::none) return value;
    if (kind == Second::plain) return value + other.at(n, pixel, c);
    return value + otherScale[c] * other.at(n, pixel, c) + otherShift[c];
  }
};

Images half(Images shape) {
  shape.height = (shape.height + 1) / 2;
  shape.width = (shape.width + 1) / 2;
  return shape;
}

// The pixels of a 2×2 cell.
std::vector<int64_t> cellsOf(const Images& shape, int64_t pixel) {
  const int64_t width = half(shape).width;
  const int64_t row = pixel / width * 2, column = pixel % width * 2;
  std::vector<int64_t> cells;
  for (int64_t i = row; i < std::min(row + 2, shape.height); i++) {
    for (int64_t j = column; j < std::min(column + 2, shape.width); j++) cells.push_back(i * shape.width + j);
  }
  return cells;
}

int64_t cellOf(const Images& shape, int64_t pixel) {
  return pixel / shape.width / 2 * half(shape).width + pixel % shape.width / 2;
}

void testStats(const Kernels& kernels, Checks& checks, std::mt19937& random, const Images& shape) {
  Batch x = randomBatch(random, shape, images, 100);
  std::vector<float> pivot(shape.channels);
  for (int64_t c = 0; c < shape.channels; c++) pivot[c] = static_cast<float>(x.at(0, 0, c));
  std::vector<double> sum(2 * shape.channels), square(2 * shape.channels);
  const NormStats call{shape, x.data(), pivot.data(), sum.data(), square.data()};
  kernels.norm.stats(call, {0, 2});
  NormStats rest = call;
  rest.sum += shape.channels;
  rest.square += shape.channels;
  kernels.norm.stats(rest, {2, images});
  std::vector<float> mean(shape.channels), variance(shape.channels);
  normMoments({shape.channels, 2, images * shape.pixels(), sum.data(), square.data(), pivot.data(),
               mean.data(), variance.data()});
  Difference means, variances;
  for (int64_t c = 0; c < shape.channels; c++) {
    double expected = 0, deviation = 0;
    const double count = images * static_cast<double>(shape.pixels());
    x.forEach([&](int64_t n, int64_t pixel, int64_t channel) {
      expected += channel == c ? x.at(n, pixel, c) / count : 0;
    });
    x.forEach([&](int64_t n, int64_t pixel, int64_t channel) {
      if (channel == c) deviation += std::pow(x.at(n, pixel, c) - expected, 2) / count;
    });
    means.add(mean[c], expected);
    variances.add(variance[c], deviation);
  }
  checks.near("stats mean " + nameOf(shape), means.error, means.size, 2e-7);
  checks.near("stats variance " + nameOf(shape), variances.error, variances.size, 2e-5);
}

void testApply(const Kernels& kernels, Checks& checks, std::mt19937& random, const Case& test) {
  const Images& shape = test.shape;
  Data data(random, shape);
  Batch y(shape, images), pooled(half(shape), images);
  NormApply call{shape, data.first(), data.second(test.second), test.slope, test.offset, y.data(), nullptr};
  if (test.pooled) call.pooled = pooled.data();
  kernels.norm.apply(call, {0, 3});
  kernels.norm.apply(call, {3, images});
  Difference difference, pool;
  y.forEach([&](int64_t n, int64_t pixel, int64_t c) {
    const double value = data.before(test.second, n, pixel, c);
    difference.add(y.at(n, pixel, c), (value > 0 ? value : test.slope * value) + test.offset);
  });
  checks.near("apply " + test.name(), difference.error, difference.size, tolerance(shape));
  if (!test.pooled) return;
  pooled.forEach([&](int64_t n, int64_t pixel, int64_t c) {
    double sum = 0;
    const auto cells = cellsOf(shape, pixel);
    for (const int64_t cell : cells) sum += y.at(n, cell, c);
    pool.add(pooled.at(n, pixel, c), sum / static_cast<double>(cells.size()));
  });
  checks.near("pooled " + test.name(), pool.error, pool.size, tolerance(shape));
}

// sources: 1 dy, 2 dyExtra, 4 dyPooled.
void testReduce(const Kernels& kernels, Checks& checks, std::mt19937& random, const Case& test, int sources) {
  const Images& shape = test.shape;
  Data data(random, shape);
  Batch dy = randomBatch(random, shape, images), extra = randomBatch(random, shape, images);
  Batch pooled = randomBatch(random, half(shape), images), g(shape, images);
  const int64_t channels = shape.channels;
  std::vector<double> sum(channels), first(channels), second(channels);
  std::vector<double> sumExpected(channels), firstExpected(channels), secondExpected(channels);
  NormBackwardReduce call;
  call.shape = shape;
  call.first = data.first();
  call.second = data.second(test.second);
  call.firstMean = data.mean.data();
  call.secondMean = test.second == Second::normed ? data.otherMean.data() : nullptr;
  call.slope = test.slope;
  if (sources & 1) call.dy = dy.data();
  if (sources & 2) call.dyExtra = extra.data();
  if (sources & 4) call.dyPooled = pooled.data();
  call.g = g.data();
  call.sum = sum.data();
  call.firstProduct = first.data();
  call.secondProduct = second.data();
  kernels.norm.backwardReduce(call, {0, images});
  Difference difference, sums;
  g.forEach([&](int64_t n, int64_t pixel, int64_t c) {
    double value = 0;
    if (sources & 1) value += dy.at(n, pixel, c);
    if (sources & 2) value += extra.at(n, pixel, c);
    const int64_t cell = cellOf(shape, pixel);
    if (sources & 4) value += pooled.at(n, cell, c) / static_cast<double>(cellsOf(shape, cell).size());
    if (data.before(test.second, n, pixel, c) <= 0) value *= test.slope;
    difference.add(g.at(n, pixel, c), value);
    sumExpected[c] += value;
    firstExpected[c] += value * (data.x.at(n, pixel, c) - data.mean[c]);
    secondExpected[c] += value * (data.other.at(n, pixel, c) - data.otherMean[c]);
  });
  for (int64_t c = 0; c < channels; c++) {
    sums.add(sum[c], sumExpected[c]);
    sums.add(first[c], firstExpected[c]);
    if (test.second == Second::normed) sums.add(second[c], secondExpected[c]);
  }
  const std::string name = test.name() + " sources " + std::to_string(sources);
  checks.near("reduce " + name, difference.error, difference.size, 2 * tolerance(shape));
  checks.near("reduce sums " + name, sums.error, sums.size, tolerance(shape));
}

void testBackwardApply(const Kernels& kernels, Checks& checks, std::mt19937& random, const Images& shape,
                       bool two) {
  Data data(random, shape);
  Batch g = randomBatch(random, shape, images), dx(shape, images), inPlace = g;
  NormBackwardApply call{shape, inPlace.data(), {}, {}};
  call.first = {data.x.data(), data.scale.data(), data.shift.data(), data.mean.data(), inPlace.data()};
  if (two)
    call.second = {data.other.data(), data.otherScale.data(), data.otherShift.data(), data.otherMean.data(),
                   dx.data()};
  kernels.norm.backwardApply(call, {0, images});
  Difference difference;
  g.forEach([&](int64_t n, int64_t pixel, int64_t c) {
    const double gradient = g.at(n, pixel, c);
    difference.add(inPlace.at(n, pixel, c),
                   data.scale[c] * gradient + data.shift[c] * data.x.at(n, pixel, c) + data.mean[c]);
    if (!two) return;
    difference.add(
        dx.at(n, pixel, c),
        data.otherScale[c] * gradient + data.otherShift[c] * data.other.at(n, pixel, c) + data.otherMean[c]);
  });
  checks.near("backward apply " + nameOf(shape) + (two ? " two" : ""), difference.error, difference.size,
              tolerance(shape));
}

}  // namespace

void testNorm(const Kernels& kernels, Checks& checks) {
  std::mt19937 random(1);
  for (const Images& shape : testShapes()) {
    testStats(kernels, checks, random, shape);
    for (const bool two : {false, true}) testBackwardApply(kernels, checks, random, shape, two);
    for (const Second second : {Second::none, Second::plain, Second::normed}) {
      for (const bool pooled : {false, true})
        testApply(kernels, checks, random, {shape, second, 0.1f, -0.4f, pooled});
      testApply(kernels, checks, random, {shape, second, 0, 0, false});
      for (const int sources : {1, 2, 3, 4, 5, 6, 7})
        testReduce(kernels, checks, random, {shape, second, 0.1f, 0, false}, sources);
    }
  }
}

}  // namespace gradring::test
