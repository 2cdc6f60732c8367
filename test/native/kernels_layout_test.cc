#include "kernels_check.h"

namespace gradring::test {
namespace {

constexpr int64_t images = 3;

void testConvert(const Kernels& kernels, Checks& checks, std::mt19937& random, const Images& from,
                 Layout layout, Type type) {
  if (layout == Layout::blocked && from.channels % blockSize != 0) return;
  Images to = from;
  to.layout = layout;
  to.type = type;
  Batch source = randomBatch(random, from, images), target(to, images), rounded(to, images);
  kernels.layout.convert({from, layout, type, source.data(), target.data()}, {0, images});
  Difference difference;
  source.forEach([&](int64_t n, int64_t pixel, int64_t c) {
    rounded.set(n, pixel, c, source.at(n, pixel, c));
    difference.add(target.at(n, pixel, c), rounded.at(n, pixel, c));
  });
  checks.near("convert " + nameOf(from) + " to " + nameOf(to), difference.error, difference.size, 0);
}

void testColumns(const Kernels& kernels, Checks& checks, std::mt19937& random, const Images& shape,
                 int64_t stride) {
  const int64_t outHeight = (shape.height + stride - 1) / stride,
                outWidth = (shape.width + stride - 1) / stride;
  const int64_t pad = stride == 1 ? 1 : 0;  // as 'same' pads even sizes
  Batch x = randomBatch(random, shape, images), back(shape, images);
  Batch columns({outHeight, outWidth, 9 * shape.channels, Layout::nhwc, shape.type}, images);
  Columns call{shape, outHeight, outWidth, 3, 3, stride, stride, pad, pad, x.data(), columns.data()};
  kernels.layout.toColumns(call, {0, images});
  call.image = back.data();
  kernels.layout.fromColumns(call, {0, images});
  std::vector<double> sums(images * shape.elements());
  Difference there, again;
  columns.forEach([&](int64_t n, int64_t pixel, int64_t column) {
    const int64_t cell = column / shape.channels, c = column % shape.channels;
    const int64_t i = pixel / outWidth * stride - pad + cell / 3,
                  j = pixel % outWidth * stride - pad + cell % 3;
    const bool inside = i >= 0 && i < shape.height && j >= 0 && j < shape.width;
    const int64_t at = i * shape.width + j;
    there.add(columns.at(n, pixel, column), inside ? x.at(n, at, c) : 0);
    if (inside) sums[(n * shape.pixels() + at) * shape.channels + c] += columns.at(n, pixel, column);
  });
  back.forEach([&](int64_t n, int64_t pixel, int64_t c) {
    again.add(back.at(n, pixel, c), sums[(n * shape.pixels() + pixel) * shape.channels + c]);
  });
  const std::string name = nameOf(shape) + " s" + std::to_string(stride);
  checks.near("to columns " + name, there.error, there.size, 0);
  checks.near("from columns " + name, again.error, again.size, tolerance(shape));
}

// Ties, infinities, NaN and the largest float.
void testRounding(const Kernels& kernels, Checks& checks) {
  const uint32_t bits[] = {0x3f808000, 0x3f818000, 0x3f808001, 0x3f807fff, 0x7f800000, 0xff800000,
                           0x7f7fffff, 0x7fc00001, 0x7f800001, 0x80000000, 0x3f800000, 0x3f800000,
                           0x3f800000, 0x3f800000, 0x3f800000, 0x3f800000, 0x3f808000};
  const uint16_t expected[] = {0x3f80, 0x3f82, 0x3f81, 0x3f80, 0x7f80, 0xff80, 0x7f80, 0x7fc0, 0x7fc0,
                               0x8000, 0x3f80, 0x3f80, 0x3f80, 0x3f80, 0x3f80, 0x3f80, 0x3f80};
  constexpr int64_t count = 17;
  float values[count], back[count];
  uint16_t halves[count];
  std::memcpy(values, bits, sizeof values);
  kernels.layout.toBf16(values, halves, {0, count});
  kernels.layout.fromBf16(halves, back, {0, count});
  checks.that("rounding to bf16", std::memcmp(halves, expected, sizeof halves) == 0);
  checks.that("back from bf16",
              back[0] == 1 && back[1] == 1.015625f && std::isinf(back[4]) && std::isnan(back[7]));
}

}  // namespace

void testLayout(const Kernels& kernels, Checks& checks) {
  std::mt19937 random(4);
  testRounding(kernels, checks);
  for (const Images& shape : testShapes()) {
    for (const int64_t stride : {1, 2}) testColumns(kernels, checks, random, shape, stride);
    for (const Layout layout : {Layout::nhwc, Layout::blocked}) {
      for (const Type type : {Type::f32, Type::bf16})
        testConvert(kernels, checks, random, shape, layout, type);
    }
  }
}

}  // namespace gradring::test
