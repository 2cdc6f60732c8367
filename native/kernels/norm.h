// Batch norm with everything around it: activation, residual add, 2×2 average pool. Four passes over memory:
// stats and apply forward, reduce and apply backward. Layout and type of all images of a call are those of
// `shape`.
#pragma once
#include "images.h"

namespace gradring {

// Per channel Σ(x − pivot) and Σ(x − pivot)² over the range, written (not added). The pivot, anything near
// the mean (the moving mean, the first pixel), keeps the variance from cancelling; it must be the same for
// all parts.
struct NormStats {
  Images shape;
  const void* x = nullptr;
  const float* pivot = nullptr;  // [C]
  double* sum = nullptr;         // [C]
  double* square = nullptr;      // [C]
};

// scale·x + shift per channel; x itself if scale is null; nothing if x is null.
struct NormTerm {
  const void* x = nullptr;
  const float* scale = nullptr;  // [C]
  const float* shift = nullptr;  // [C], wanted where scale is
};

// y = act(first [+ second]) + offset, act(v) = v > 0 ? v : slope·v (0: relu, 1: none). y may be either term's
// x. pooled, if given, is the 2×2 average pool of y with stride 2, [⌈H/2⌉, ⌈W/2⌉]: at odd borders the mean of
// the real pixels.
struct NormApply {
  Images shape;
  NormTerm first, second;  // first.scale is never null
  float slope = 0;
  float offset = 0;
  void* y = nullptr;
  void* pooled = nullptr;
};

// g = (dy + dyExtra + dyPooled spread over its pixels) · act′(first [+ second]): the gradient of the sum of
// the terms, and per channel Σg, Σg·(x − mean) of each normed term, over the range, written (not added). Of
// the three gradients any may be null, not all. g may be dy or dyExtra. A product pointer may be null.
struct NormBackwardReduce {
  Images shape;
  NormTerm first, second;
  const float* firstMean = nullptr;   // [C]
  const float* secondMean = nullptr;  // [C], wanted where second.scale is
  float slope = 0;
  const void* dy = nullptr;
  const void* dyExtra = nullptr;
  const void* dyPooled = nullptr;
  void* g = nullptr;
  double* sum = nullptr;            // [C]
  double* firstProduct = nullptr;   // [C]
  double* secondProduct = nullptr;  // [C]
};

// dx = p·g + q·x + r per channel. dx may be g or x.
struct NormGradient {
  const void* x = nullptr;
  const float* p = nullptr;
  const float* q = nullptr;
  const float* r = nullptr;
  void* dx = nullptr;
};

// One or both terms (second.x null: one) from one reading of g.
struct NormBackwardApply {
  Images shape;
  const void* g = nullptr;
  NormGradient first, second;
};

struct NormKernels {
  void (*stats)(const NormStats&, Range);
  void (*apply)(const NormApply&, Range);
  void (*backwardReduce)(const NormBackwardReduce&, Range);
  void (*backwardApply)(const NormBackwardApply&, Range);
};

// The scalar maths between the passes, per channel. `count` is N·H·W of the whole batch; gamma and beta may
// be null (1 and 0).

// mean and biased variance from the sums of `parts` ranges, laid one after the other: sum[part][C].
struct NormMoments {
  int64_t channels = 0, parts = 1, count = 1;
  const double *sum = nullptr, *square = nullptr;
  const float* pivot = nullptr;
  float *mean = nullptr, *variance = nullptr;  // [C]
};
void normMoments(const NormMoments&);

// scale = γ/√(variance+ε), shift = β − scale·mean: a NormTerm.
struct NormScale {
  int64_t channels = 0;
  double epsilon = 0;
  const float *mean = nullptr, *variance = nullptr, *gamma = nullptr, *beta = nullptr;
  float *scale = nullptr, *shift = nullptr;  // [C]
};
void normScale(const NormScale&);

// p, q, r of NormGradient and the gradients of γ and β (null where not wanted), from the sums of `parts`
// ranges.
struct NormCoefficients {
  int64_t channels = 0, parts = 1, count = 1;
  double epsilon = 0;
  const double *sum = nullptr, *product = nullptr;  // [parts][C]
  const float *mean = nullptr, *variance = nullptr, *gamma = nullptr;
  float *p = nullptr, *q = nullptr, *r = nullptr;  // [C]
  float *dGamma = nullptr, *dBeta = nullptr;       // [C]
};
void normCoefficients(const NormCoefficients&);

}  // namespace gradring
