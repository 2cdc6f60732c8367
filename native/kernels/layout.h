// From one layout and type to another, and the matrices of a convolution by matrix product.
#pragma once
#include "images.h"

namespace gradring {

// The same pixels in another layout, another type or both.
struct Convert {
  Images from;
  Layout layout = Layout::nhwc;
  Type type = Type::f32;
  const void* source = nullptr;
  void* target = nullptr;
};

// The image a convolution sees, as rows of a matrix:
// columns[N][outHeight·outWidth][kernelHeight][kernelWidth][C], of the images' type; zero outside the image.
// `image` may have either layout.
struct Columns {
  Images shape;
  int64_t outHeight = 0, outWidth = 0;
  int64_t kernelHeight = 3, kernelWidth = 3, strideHeight = 1, strideWidth = 1, padTop = 0, padLeft = 0;
  void* image = nullptr;
  void* columns = nullptr;
};

struct LayoutKernels {
  void (*convert)(const Convert&, Range);
  void (*toColumns)(const Columns&, Range);  // image → columns (im2col)
  void (*fromColumns)(const Columns&,
                      Range);  // columns → image, the transpose: each pixel the sum of its places
  // Elements [begin, end) from float to bf16 (nearest, ties to even) and back.
  void (*toBf16)(const float* source, uint16_t* target, Range);
  void (*fromBf16)(const uint16_t* source, float* target, Range);
};

}  // namespace gradring
