#include "kernels_check.h"

namespace gradring::test {
namespace {

constexpr int64_t images = 3;

struct Case {
  WinogradShape shape;
  Batch x, dy;
  std::vector<float> filter, bias;

  Case(std::mt19937& random, const WinogradShape& winograd)
      : shape(winograd),
        x(randomBatch(random, winograd.in, images)),
        dy(randomBatch(random, winograd.out, images)),
        filter(randomFloats(
            random, winograd.kernel * winograd.kernel * winograd.in.channels * winograd.out.channels)),
        bias(randomFloats(random, winograd.out.channels)) {}

  std::string name() const {
    return std::to_string(shape.kernel) + "x" + std::to_string(shape.kernel) + " " + nameOf(shape.in) +
           " to " + std::to_string(shape.out.channels);
  }

  // visit(n, output pixel, input pixel, tap) for all that meet inside the image.
  template <class Visit>
  void forTaps(const Visit& visit) const {
    for (int64_t n = 0; n < images; n++) {
      for (int64_t pixel = 0; pixel < shape.out.pixels(); pixel++) {
        for (int64_t tap = 0; tap < shape.kernel * shape.kernel; tap++) {
          const int64_t row = pixel / shape.out.width - shape.padTop + tap / shape.kernel;
          const int64_t column = pixel % shape.out.width - shape.padLeft + tap % shape.kernel;
          if (row < 0 || row >= shape.in.height || column < 0 || column >= shape.in.width) continue;
          visit(n, pixel, row * shape.in.width + column, tap);
        }
      }
    }
  }
};

// What the direct sums give for y, dx and dFilter.
struct Expected {
  std::vector<double> y, dx, dFilter;

  explicit Expected(const Case& test)
      : y(images * test.shape.out.elements()),
        dx(images * test.shape.in.elements()),
        dFilter(test.filter.size()) {
    const Images &in = test.shape.in, &out = test.shape.out;
    std::vector<double> x(dx.size()), dy(y.size());
    test.x.forEach([&](int64_t n, int64_t p, int64_t c) {
      x[(n * in.pixels() + p) * in.channels + c] = test.x.at(n, p, c);
    });
    test.dy.forEach([&](int64_t n, int64_t p, int64_t c) {
      dy[(n * out.pixels() + p) * out.channels + c] = test.dy.at(n, p, c);
    });
    for (size_t i = 0; i < y.size(); i++) y[i] = test.bias[i % out.channels];
    test.forTaps([&](int64_t n, int64_t pixel, int64_t from, int64_t tap) {
      const int64_t to = (n * out.pixels() + pixel) * out.channels,
                    at = (n * in.pixels() + from) * in.channels;
      for (int64_t c = 0; c < in.channels; c++) {
        const int64_t place = (tap * in.channels + c) * out.channels;
        for (int64_t k = 0; k < out.channels; k++) {
          y[to + k] += x[at + c] * test.filter[place + k];
          dx[at + c] += dy[to + k] * test.filter[place + k];
          dFilter[place + k] += x[at + c] * dy[to + k];
        }
      }
    });
  }
};

void compare(Checks& checks, const std::string& name, const Batch& actual,
             const std::vector<double>& expected) {
  Difference difference;
  const Images& shape = actual.shape();
  actual.forEach([&](int64_t n, int64_t pixel, int64_t c) {
    difference.add(actual.at(n, pixel, c), expected[(n * shape.pixels() + pixel) * shape.channels + c]);
  });
  checks.near(name, difference.error, difference.size, shape.type == Type::f32 ? 1e-5 : 5e-3);
}

void testConvolution(const Kernels& kernels, Checks& checks, Case& test) {
  const WinogradShape &shape = test.shape, backward = winogradBackward(shape);
  const WinogradKernels& winograd = kernels.winograd;
  const int64_t floats = winogradFilterFloats(shape);
  const Expected expected(test);
  std::vector<float> transformed(floats), scratch(winogradScratch(shape)), gradients(2 * floats),
      dFilter(test.filter.size());
  Batch y(shape.out, images), dx(shape.in, images);
  winograd.transformFilter(shape, test.filter.data(), false, transformed.data());
  winograd.convolve({shape, test.x.data(), transformed.data(), test.bias.data(), y.data(), scratch.data()},
                    {0, 1});
  winograd.convolve({shape, test.x.data(), transformed.data(), test.bias.data(), y.data(), scratch.data()},
                    {1, images});
  compare(checks, "winograd " + test.name(), y, expected.y);
  winograd.transformFilter(backward, test.filter.data(), true, transformed.data());
  winograd.convolve({backward, test.dy.data(), transformed.data(), nullptr, dx.data(), scratch.data()},
                    {0, images});
  compare(checks, "winograd backward " + test.name(), dx, expected.dx);
  winograd.backwardFilter({shape, test.x.data(), test.dy.data(), gradients.data(), scratch.data()}, {0, 2});
  winograd.backwardFilter({shape, test.x.data(), test.dy.data(), gradients.data() + floats, scratch.data()},
                          {2, images});
  winograd.filterGradient(shape, gradients.data(), 2, dFilter.data());
  Difference difference;
  for (size_t i = 0; i < dFilter.size(); i++) difference.add(dFilter[i], expected.dFilter[i]);
  checks.near("winograd filter gradient " + test.name(), difference.error, difference.size, 2e-5);
}

}  // namespace

void testWinograd(const Kernels& kernels, Checks& checks) {
  std::mt19937 random(6);
  for (const Type type : {Type::f32, Type::bf16}) {
    for (const int64_t kernel : {3, 5}) {
      for (const auto [height, width, ins, outs] : {std::array<int64_t, 4>{28, 28, 16, 16},
                                                    {7, 7, 48, 32},
                                                    {4, 4, 16, 64},
                                                    {9, 14, 32, 16},
                                                    {1, 3, 16, 16}}) {
        const Images in{height, width, ins, Layout::blocked, type},
            out{height, width, outs, Layout::blocked, type};
        Case test(random, {in, out, kernel, kernel / 2, kernel / 2});
        testConvolution(kernels, checks, test);
      }
      // Without padding, and with more on one side.
      const Images in{12, 11, 16, Layout::blocked, type};
      Case valid(random, {in, {13 - kernel, 12 - kernel, 32, Layout::blocked, type}, kernel, 0, 0});
      Case uneven(random, {in, {14 - kernel, 13 - kernel, 32, Layout::blocked, type}, kernel, 1, 0});
      testConvolution(kernels, checks, valid);
      testConvolution(kernels, checks, uneven);
    }
  }
}

}  // namespace gradring::test
