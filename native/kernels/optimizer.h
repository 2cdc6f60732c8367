// Optimizer steps over ranges of flat buffers, one pass each; the rules are those of src/nn/sgd.ts and
// src/nn/adam.ts, in fp32.
#pragma once
#include "images.h"

namespace gradring {

struct SgdStep {
  float* values = nullptr;
  const float* gradients = nullptr;
  float* momenta = nullptr;  // read and written if momentum is not 0
  double lr = 0, weightDecay = 0, momentum = 0, dampening = 0;
  bool nesterov = false;
  int64_t step = 1;  // 1 for the first
};

struct AdamStep {
  float* values = nullptr;
  const float* gradients = nullptr;
  float* means = nullptr;
  float* squares = nullptr;
  double lr = 0, weightDecay = 0, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  bool decoupledDecay = false;  // AdamW
  int64_t step = 1;
};

struct FlatKernels {
  void (*sgd)(const SgdStep&, Range);
  void (*adam)(const AdamStep&, Range);
  void (*accumulate)(float* target, const float* source, Range);                  // target += source
  void (*scale)(float* target, float factor, Range);                              // target *= factor
  // Replaces elements of chunk `chunk` in all `replicas` buffers by their sum, added in the order of
  // src/allreduce/ring.ts (chunk, chunk+1, … mod replicas): the same bits as the ring's. The range lies in
  // the chunk.
  void (*sumChunk)(float* const* buffers, int64_t replicas, int64_t chunk, Range);
};

}  // namespace gradring
