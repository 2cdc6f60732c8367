// Shapes that all hand-written loops share. Plain memory in, plain memory out: no ATen, no allocation, no
// threads. Every loop takes a range of images (or elements), so that the caller splits the work.
#pragma once
#include <cstddef>
#include <cstdint>

namespace gradring {

enum class Layout {
  nhwc,     // [N][H·W][C], any C
  blocked,  // [N][C/16][H·W][16], oneDNN's nChw16c; C a multiple of 16
};

enum class Type { f32, bf16 };  // bf16: the upper half of a float, kept in a uint16_t; the maths is in fp32

constexpr int64_t blockSize = 16;

// A batch of images, all of one size; which of them is said by a range of indices beside it.
struct Images {
  int64_t height = 1;
  int64_t width = 1;
  int64_t channels = 1;
  Layout layout = Layout::nhwc;
  Type type = Type::f32;

  int64_t pixels() const { return height * width; }
  int64_t elements() const { return height * width * channels; }  // of one image
};

// Images [begin, end) of a batch.
struct Range {
  int64_t begin = 0;
  int64_t end = 0;
};

}  // namespace gradring
