// Convolution of stride 1 by Winograd's minimal filtering (Lavin and Gray, 2016): F(4×4, 3×3) and F(4×4,
// 5×5), whose tiles are multiplied channel by channel in a transformed space: a quarter and a sixth of the
// direct products. The maths is in fp32 for both types. Images are blocked.
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
