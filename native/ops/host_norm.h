// Batch norm of a training step on the processor, with the hand-written loops: exact where LibTorch 1.13's own rounds
// to 4e-6, and in fewer passes.
#pragma once
#include "ops.h"

namespace gradring {

struct NormResult {
  at::Tensor y, mean, variance;  // [.., C], [C], [C] (biased)
};

// x float32 [.., C] on the processor, not empty; scale and offset [C]
NormResult hostNormTrain(const at::Tensor& x, const c10::optional<at::Tensor>& scale,
                         const c10::optional<at::Tensor>& offset, double epsilon, int threads);

struct NormGradients {
  at::Tensor x, scale, offset;
};

NormGradients hostNormTrainGrad(const at::Tensor& dy, const at::Tensor& x, const at::Tensor& mean,
                                const at::Tensor& variance, const c10::optional<at::Tensor>& scale, double epsilon,
                                int threads);

}  // namespace gradring
