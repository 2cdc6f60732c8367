// Direct convolution for first layers: 1 to 4 input channels, odd kernels up to 7×7, stride 1 or 2, output
// channels a multiple of 16. Its input needs no gradient, so there is none.
#pragma once
#include "images.h"

namespace gradring {

struct StemShape {
  int64_t height = 0, width = 0, channels = 0;  // of x: NHWC, f32
  int64_t kernelHeight = 0, kernelWidth = 0, stride = 1;
  int64_t padTop = 0, padLeft = 0;
  Images out;
};

// Floats of scratch memory that one call at a time needs.
int64_t stemScratch(const StemShape&);

// z = x ∗ filter [+ bias], and if sum is given per channel Σ(z − pivot) and Σ(z − pivot)² over the range,
// written (not added), as NormStats has them (of z before it is rounded to bf16).
struct StemForward {
  StemShape shape;
  const float* x = nullptr;
  const float* filter = nullptr;  // HWIO
  const float* bias = nullptr;
  void* z = nullptr;
  const float* pivot = nullptr;
  double* sum = nullptr;
  double* square = nullptr;
  float* scratch = nullptr;
};

// dFilter = Σ x ⊗ dz over the range, written (not added), where dz = p·g + q·z + r per channel is formed on
// the fly: the backward pass of the batch norm after the convolution. Without one, p is null and dz = g.
struct StemBackward {
  StemShape shape;
  const float* x = nullptr;
  const void* g = nullptr;
  const void* z = nullptr;
  const float* p = nullptr;
  const float* q = nullptr;
  const float* r = nullptr;
  float* dFilter = nullptr;  // HWIO
  float* scratch = nullptr;
};

struct StemKernels {
  void (*forward)(const StemForward&, Range);
  void (*backwardFilter)(const StemBackward&, Range);
};

}  // namespace gradring
