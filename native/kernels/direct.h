// Direct convolution of many small images: some of them at once, side by side, so that what lies outside an
// image costs nothing. Any stride; kernels up to 7×7. Images are blocked. Sums are in fp32; so are the
// products, but for the gradient of the filter in bf16 where there is AVX512_BF16.
//
// Measured on Zen 4, 128 images, one thread, ms forward / backward by data / by filter, oneDNN 2.6 in
// brackets:
//   fp32  256 → 256, 3×3 stride 2 at 4×4: 4.1 / 4.1 / 4.6  (4.9 / 6.7 / 8.3)
//   fp32  128 → 128, 3×3 stride 2 at 7×7: 4.2 / 4.1 / 4.1  (4.0 / 4.5 / 5.6)
//   bf16, by filter, 3×3 stride 2: 32 channels at 28×28 2.4 (3.0), 64 at 14×14 2.2 (3.4), 128 at 7×7 2.2
//   (4.7),
//                                  256 at 4×4 2.9 (7.7)
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
