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
  Images from{1, 1, count};
  kernels.layout.convert({from, Layout::nhwc, Type::bf16, values, halves}, {0, 1});
  from.type = Type::bf16;
  kernels.layout.convert({from, Layout::nhwc, Type::f32, halves, back}, {0, 1});
  checks.that("rounding to bf16", std::memcmp(halves, expected, sizeof halves) == 0);
  checks.that("back from bf16",
              back[0] == 1 && back[1] == 1.015625f && std::isinf(back[4]) && std::isnan(back[7]));
}

}  // namespace

void testLayout(const Kernels& kernels, Checks& checks) {
  std::mt19937 random(4);
  testRounding(kernels, checks);
  for (const Images& shape : testShapes()) {
    for (const Layout layout : {Layout::nhwc, Layout::blocked}) {
      for (const Type type : {Type::f32, Type::bf16})
        testConvert(kernels, checks, random, shape, layout, type);
    }
  }
}

}  // namespace gradring::test
