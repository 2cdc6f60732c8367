// Softmax cross-entropy with integer labels, as src/engine/fused-kernels.ts says; rows are shifted by their
// maximum.
#pragma once
#include "images.h"

namespace gradring {

struct CrossEntropy {
  int64_t classes = 0;
  const float* logits = nullptr;    // [N][classes]
  const int32_t* labels = nullptr;  // [N]
  float weight = 1;
  double* loss = nullptr;          // one: weight · Σ losses over the range, written
  float* probabilities = nullptr;  // [N][classes], or null
  float* dLogits = nullptr;  // [N][classes], or null: weight · (probabilities − one-hot); may be `logits`
};

struct CrossEntropyGrad {
  int64_t classes = 0;
  const float* probabilities = nullptr;
  const int32_t* labels = nullptr;
  float factor = 1;  // dy · weight
  float* dLogits = nullptr;
};

struct LossKernels {
  // The first row of the range whose label is not one of the classes (nothing is written then), or −1.
  int64_t (*crossEntropy)(const CrossEntropy&, Range);
  void (*crossEntropyGrad)(const CrossEntropyGrad&, Range);
};

}  // namespace gradring
