#include "kernels_check.h"

namespace gradring::test {
namespace {

constexpr int64_t images = 3;

struct Case {
  StemShape shape;
  std::vector<float> x, filter, bias;

  Case(std::mt19937& random, const StemShape& stem)
      : shape(stem),
        x(randomFloats(random, images * stem.height * stem.width * stem.channels)),
        filter(
            randomFloats(random, stem.kernelHeight * stem.kernelWidth * stem.channels * stem.out.channels)),
        bias(randomFloats(random, stem.out.channels)) {}

  std::string name() const {
    return std::to_string(shape.kernelHeight) + "x" + std::to_string(shape.kernelWidth) + "x" +
           std::to_string(shape.channels) + " s" + std::to_string(shape.stride) + " to " + nameOf(shape.out);
  }

  // visit(tap, value of x) for what output pixel `pixel` of image n sees; zeros left out.
  template <class Visit>
  void forTaps(int64_t n, int64_t pixel, const Visit& visit) const {
    const int64_t top = pixel / shape.out.width * shape.stride - shape.padTop;
    const int64_t left = pixel % shape.out.width * shape.stride - shape.padLeft;
    for (int64_t i = 0; i < shape.kernelHeight; i++) {
      for (int64_t j = 0; j < shape.kernelWidth; j++) {
        const int64_t row = top + i, column = left + j;
        if (row < 0 || row >= shape.height || column < 0 || column >= shape.width) continue;
        for (int64_t c = 0; c < shape.channels; c++) {
          visit(
              (i * shape.kernelWidth + j) * shape.channels + c,
              static_cast<double>(x[((n * shape.height + row) * shape.width + column) * shape.channels + c]));
        }
      }
    }
  }
};

void testForward(const Kernels& kernels, Checks& checks, const Case& test, std::mt19937& random) {
  const Images& out = test.shape.out;
  const std::vector<float> pivot = randomFloats(random, out.channels);
  std::vector<float> scratch(stemScratch(test.shape));
  std::vector<double> sum(out.channels), square(out.channels), sumExpected(out.channels),
      squareExpected(out.channels);
  Batch z(out, images);
  kernels.stem.forward({test.shape, test.x.data(), test.filter.data(), test.bias.data(), z.data(),
                        pivot.data(), sum.data(), square.data(), scratch.data()},
                       {0, images});
  Difference difference, sums;
  z.forEach([&](int64_t n, int64_t pixel, int64_t c) {
    double value = test.bias[c];
    test.forTaps(n, pixel, [&](int64_t tap, double x) { value += x * test.filter[tap * out.channels + c]; });
    difference.add(z.at(n, pixel, c), value);
    sumExpected[c] += value - pivot[c];
    squareExpected[c] += (value - pivot[c]) * (value - pivot[c]);
  });
  for (int64_t c = 0; c < out.channels; c++) {
    sums.add(sum[c], sumExpected[c]);
    sums.add(square[c], squareExpected[c]);
  }
  checks.near("stem forward " + test.name(), difference.error, difference.size, tolerance(out));
  checks.near("stem sums " + test.name(), sums.error, sums.size, 2e-6);
}

void testBackward(const Kernels& kernels, Checks& checks, const Case& test, std::mt19937& random,
                  bool normed) {
  const Images& out = test.shape.out;
  Batch g = randomBatch(random, out, images), z = randomBatch(random, out, images);
  const std::vector<float> p = randomFloats(random, out.channels), q = randomFloats(random, out.channels),
                           r = randomFloats(random, out.channels);
  std::vector<float> scratch(stemScratch(test.shape)), dFilter(test.filter.size());
  std::vector<double> expected(test.filter.size());
  StemBackward call{test.shape, test.x.data(), g.data(),       nullptr,       nullptr,
                    nullptr,    nullptr,       dFilter.data(), scratch.data()};
  if (normed) {
    call.z = z.data();
    call.p = p.data();
    call.q = q.data();
    call.r = r.data();
  }
  kernels.stem.backwardFilter(call, {0, images});
  g.forEach([&](int64_t n, int64_t pixel, int64_t c) {
    const double dz = normed ? p[c] * g.at(n, pixel, c) + q[c] * z.at(n, pixel, c) + r[c] : g.at(n, pixel, c);
    test.forTaps(n, pixel, [&](int64_t tap, double x) { expected[tap * out.channels + c] += x * dz; });
  });
  Difference difference;
  for (size_t i = 0; i < expected.size(); i++) difference.add(dFilter[i], expected[i]);
  checks.near("stem backward filter " + test.name() + (normed ? " norm" : ""), difference.error,
              difference.size, 3e-6);
}

StemShape shapeOf(int64_t size, int64_t channels, int64_t kernel, int64_t stride, Images out) {
  out.height = (size + stride - 1) / stride;
  out.width = (size + 1 + stride - 1) / stride;
  // As TensorFlow's 'same' has it: the odd cell of padding comes after the image.
  const auto padding = [&](int64_t in, int64_t windows) {
    return std::max<int64_t>(0, (windows - 1) * stride + kernel - in) / 2;
  };
  return {size,
          size + 1,
          channels,
          kernel,
          kernel,
          stride,
          padding(size, out.height),
          padding(size + 1, out.width),
          out};
}

}  // namespace

void testStem(const Kernels& kernels, Checks& checks) {
  std::mt19937 random(2);
  for (const Type type : {Type::f32, Type::bf16}) {
    for (const Layout layout : {Layout::nhwc, Layout::blocked}) {
      for (const auto [size, channels, kernel, stride] : {std::array<int64_t, 4>{28, 1, 5, 1},
                                                          {17, 3, 3, 2},
                                                          {9, 4, 7, 1},
                                                          {32, 3, 3, 1},
                                                          {20, 2, 5, 2},
                                                          {300, 1, 1, 1}}) {
        const Case test(
            random, shapeOf(size, channels, kernel, stride, {0, 0, channels == 3 ? 48 : 16, layout, type}));
        testForward(kernels, checks, test, random);
        for (const bool normed : {false, true}) testBackward(kernels, checks, test, random, normed);
      }
    }
  }
}

}  // namespace gradring::test
