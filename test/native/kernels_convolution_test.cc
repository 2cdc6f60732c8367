#include <algorithm>

#include "kernels_check.h"

namespace gradring::test {
namespace {

struct Case {
  DirectShape shape;
  int64_t images;
  Batch x, dy;
  std::vector<float> filter, bias;

  Case(std::mt19937& random, const DirectShape& direct, int64_t count)
      : shape(direct),
        images(count),
        x(randomBatch(random, direct.in, count)),
        dy(randomBatch(random, direct.out, count)),
        filter(randomFloats(random, directFilterFloats(direct))),
        bias(randomFloats(random, direct.out.channels)) {}

  std::string name() const {
    return std::to_string(shape.kernelHeight) + "x" + std::to_string(shape.kernelWidth) + " s" +
           std::to_string(shape.strideHeight) + " " + nameOf(shape.in) + " to " +
           std::to_string(shape.out.channels);
  }

  // visit(n, output pixel, input pixel, tap) for all that meet inside the image.
  template <class Visit>
  void forTaps(const Visit& visit) const {
    for (int64_t n = 0; n < images; n++) {
      for (int64_t pixel = 0; pixel < shape.out.pixels(); pixel++) {
        for (int64_t tap = 0; tap < shape.kernelHeight * shape.kernelWidth; tap++) {
          const int64_t row =
              pixel / shape.out.width * shape.strideHeight - shape.padTop + tap / shape.kernelWidth;
          const int64_t column =
              pixel % shape.out.width * shape.strideWidth - shape.padLeft + tap % shape.kernelWidth;
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
      : y(test.images * test.shape.out.elements()),
        dx(test.images * test.shape.in.elements()),
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

// What loops give, beside the direct sums.
struct Results {
  Batch y, dx;
  std::vector<float> dFilter;

  explicit Results(const Case& test)
      : y(test.shape.out, test.images), dx(test.shape.in, test.images), dFilter(test.filter.size()) {}

  void check(Checks& checks, const std::string& name, const Expected& expected) const {
    compare(checks, name, y, expected.y);
    compare(checks, name + " dx", dx, expected.dx);
    Difference difference;
    for (size_t i = 0; i < dFilter.size(); i++) difference.add(dFilter[i], expected.dFilter[i]);
    checks.near(name + " filter gradient", difference.error, difference.size, 2e-5);
  }
};

void testDirect(const Kernels& kernels, Checks& checks, Case& test) {
  const DirectShape& shape = test.shape;
  const DirectKernels& direct = kernels.direct;
  std::vector<float> packed(test.filter.size()), scratch(directScratch(shape)), part(test.filter.size());
  Results results(test);
  direct.packFilter(shape, test.filter.data(), false, packed.data());
  DirectConvolve forward{shape,         test.x.data(), packed.data(), test.bias.data(), results.y.data(),
                         scratch.data()};
  direct.forward(forward, {0, 1});
  direct.forward(forward, {1, test.images});
  direct.packFilter(shape, test.filter.data(), true, packed.data());
  direct.backwardData({shape, test.dy.data(), packed.data(), nullptr, results.dx.data(), scratch.data()},
                      {0, test.images});
  direct.backwardFilter({shape, test.x.data(), test.dy.data(), results.dFilter.data(), scratch.data()},
                        {0, 2});
  direct.backwardFilter({shape, test.x.data(), test.dy.data(), part.data(), scratch.data()},
                        {2, test.images});
  kernels.flat.accumulate(results.dFilter.data(), part.data(), {0, static_cast<int64_t>(part.size())});
  results.check(checks, "direct " + test.name(), Expected(test));
}

void testWinograd(const Kernels& kernels, Checks& checks, Case& test) {
  const DirectShape& direct = test.shape;
  const WinogradShape shape{direct.in, direct.out, direct.kernelHeight, direct.padTop, direct.padLeft};
  const WinogradShape backward = winogradBackward(shape);
  const WinogradKernels& winograd = kernels.winograd;
  const int64_t floats = winogradFilterFloats(shape);
  std::vector<float> transformed(floats), scratch(winogradScratch(shape)), gradients(2 * floats);
  Results results(test);
  winograd.transformFilter(shape, test.filter.data(), false, transformed.data());
  WinogradConvolve forward{
      shape, test.x.data(), transformed.data(), test.bias.data(), results.y.data(), scratch.data()};
  winograd.convolve(forward, {0, 1});
  winograd.convolve(forward, {1, test.images});
  winograd.transformFilter(backward, test.filter.data(), true, transformed.data());
  winograd.convolve(
      {backward, test.dy.data(), transformed.data(), nullptr, results.dx.data(), scratch.data()},
      {0, test.images});
  winograd.backwardFilter({shape, test.x.data(), test.dy.data(), gradients.data(), scratch.data()}, {0, 2});
  winograd.backwardFilter({shape, test.x.data(), test.dy.data(), gradients.data() + floats, scratch.data()},
                          {2, test.images});
  winograd.filterGradient(shape, gradients.data(), 2, results.dFilter.data());
  results.check(checks, "winograd " + test.name(), Expected(test));
}

// Padded as TensorFlow's 'same' is: the odd cell after the image.
DirectShape sameShape(const Images& in, int64_t outs, int64_t kernel, int64_t stride) {
  Images out = in;
  out.channels = outs;
  out.height = (in.height + stride - 1) / stride;
  out.width = (in.width + stride - 1) / stride;
  const auto pad = [&](int64_t size, int64_t windows) {
    return std::max<int64_t>(0, (windows - 1) * stride + kernel - size) / 2;
  };
  return {in, out, kernel, kernel, stride, stride, pad(in.height, out.height), pad(in.width, out.width)};
}

}  // namespace

void testConvolution(const Kernels& kernels, Checks& checks) {
  std::mt19937 random(6);
  for (const Type type : {Type::f32, Type::bf16}) {
    for (const int64_t kernel : {1, 3, 5}) {
      for (const auto [height, width, ins, outs] : {std::array<int64_t, 4>{28, 28, 16, 16},
                                                    {7, 7, 48, 32},
                                                    {4, 4, 16, 64},
                                                    {9, 14, 32, 16},
                                                    {1, 3, 16, 16}}) {
        const Images in{height, width, ins, Layout::blocked, type};
        for (const int64_t stride : {1, 2}) {
          Case test(random, sameShape(in, outs, kernel, stride), height == 4 ? 17 : 3);
          testDirect(kernels, checks, test);
          if (stride == 1 && kernel != 1) testWinograd(kernels, checks, test);
        }
      }
      // Without padding, and with more on one side.
      const Images in{12, 11, 16, Layout::blocked, type};
      for (const int64_t extra : {0, 1}) {
        const Images out{13 - kernel + extra, 12 - kernel + extra, 32, Layout::blocked, type};
        Case test(random, {in, out, kernel, kernel, 1, 1, kernel == 1 ? 0 : extra, 0}, 3);
        if (kernel != 1) testWinograd(kernels, checks, test);
        testDirect(kernels, checks, test);
      }
    }
  }
}

}  // namespace gradring::test
