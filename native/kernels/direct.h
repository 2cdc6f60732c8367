// Direct convolution of many small images: some of them at once, side by side, so that what lies outside an
// image costs nothing. Any stride; kernels up to 7×7. The maths is in fp32 for both types. Images are
// blocked.
#pragma once
#include "images.h"

namespace gradring {

struct DirectShape {
  Images in, out;  // blocked, of one type
  int64_t kernelHeight = 3, kernelWidth = 3, strideHeight = 1, strideWidth = 1, padTop = 0, padLeft = 0;
};

// Floats of a packed filter, and of the scratch memory that one call at a time needs.
int64_t directFilterFloats(const DirectShape&);
int64_t directScratch(const DirectShape&);

// Forward y = x ∗ filter [+ bias]; backward `from` is dy and `to` dx. The filter is packed for that
// direction.
struct DirectConvolve {
  DirectShape shape;
  const void* from = nullptr;
  const float* filter = nullptr;
  const float* bias = nullptr;
  void* to = nullptr;
  float* scratch = nullptr;
};

// The gradient of the filter over the range, written (not added).
struct DirectGradient {
  DirectShape shape;
  const void* x = nullptr;
  const void* dy = nullptr;
  float* dFilter = nullptr;  // HWIO
  float* scratch = nullptr;
};

struct DirectKernels {
  void (*packFilter)(const DirectShape&, const float* filter, bool backward, float* packed);  // from HWIO
  void (*forward)(const DirectConvolve&, Range);
  void (*backwardData)(const DirectConvolve&, Range);
  void (*backwardFilter)(const DirectGradient&, Range);
};

}  // namespace gradring
