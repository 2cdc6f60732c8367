// Convolution of stride 1 by Winograd's minimal filtering (Lavin and Gray, 2016): F(4×4, 3×3) and F(4×4,
// 5×5), whose tiles are multiplied channel by channel in a transformed space: a quarter and a sixth of the
// direct products. The maths is in fp32 for both types. Images are blocked.
//
// Measured on Zen 4, 128 images, one thread, ms forward / backward by data / by filter, the best of
// oneDNN 2.6 in brackets (its own Winograd where it has one):
//   16 →  16, 5×5 at 28×28  fp32 3.3 / 3.3 / 3.4 (10.4 / 10.4 / 10.5)  bf16 3.2 / 3.2 / 3.5 (5.0 / 5.0 / 5.8)
//   16 →  32, 3×3 at 28×28  fp32 3.9 / 5.2 / 6.1 (5.6 / 5.2 / 6.4)     bf16 3.2 / 3.6 / 3.4 (3.8 / 3.8 / 4.5)
//   32 →  64, 3×3 at 14×14  fp32 3.5 / 3.7 / 3.9 (5.0 / 5.4 / 6.1)     bf16 3.6 / 3.8 / 3.9 (3.7 / 3.6 / 4.6)
//   64 → 128, 3×3 at 7×7    fp32 3.2 / 3.2 / 3.3 (4.9 / 5.4 / 4.3)     bf16 3.1 / 3.2 / 3.4 (3.3 / 4.1 / 5.8)
//  128 → 256, 3×3 at 4×4    fp32 3.2 / 3.3 / 3.6 (4.6 / 4.7 / 4.2)     bf16 3.0 / 3.1 / 3.3 (3.6 / 3.6 / 5.2)
// Error (root mean square, fp32): 8e-7 for 3×3 and 1.7e-6 for 5×5, where direct sums have 2e-7.
#pragma once
#include "images.h"

namespace gradring {

struct WinogradShape {
  Images in, out;      // blocked, of one type
  int64_t kernel = 3;  // 3 or 5, square
  int64_t padTop = 0, padLeft = 0;
};

// Floats of a transformed filter, and of the scratch memory that one call at a time needs.
int64_t winogradFilterFloats(const WinogradShape&);
int64_t winogradScratch(const WinogradShape&);

// The convolution that gives dx from dy: its `in` is this one's `out`.
WinogradShape winogradBackward(const WinogradShape&);

// y = x ∗ filter [+ bias], the filter transformed before.
struct WinogradConvolve {
  WinogradShape shape;
  const void* x = nullptr;
  const float* filter = nullptr;
  const float* bias = nullptr;
  void* y = nullptr;
  float* scratch = nullptr;
};

// The transformed gradient of the filter over the range, written (not added).
struct WinogradGradient {
  WinogradShape shape;
  const void* x = nullptr;
  const void* dy = nullptr;
  float* dFilter = nullptr;  // winogradFilterFloats
  float* scratch = nullptr;
};

struct WinogradKernels {
  // HWIO filter → transformed; for the shape of winogradBackward (`backward`) turned round and transposed.
  void (*transformFilter)(const WinogradShape&, const float* filter, bool backward, float* transformed);
  void (*convolve)(const WinogradConvolve&, Range);
  void (*backwardFilter)(const WinogradGradient&, Range);
  // The sum of `parts` transformed gradients, one after the other, → HWIO.
  void (*filterGradient)(const WinogradShape&, const float* transformed, int64_t parts, float* dFilter);
};

}  // namespace gradring
