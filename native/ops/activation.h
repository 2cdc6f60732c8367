// The activation that tfjs fuses into a convolution or a matrix product.
#pragma once
#include "ops.h"

namespace gradring {

// In the order of `activations` in src/engine/torch/kernels/fused.ts.
enum class ActivationKind { linear, relu, relu6, elu, prelu, leakyrelu, sigmoid };

struct Activation {
  ActivationKind kind;
  double alpha;

  // kind, alpha (of leakyrelu)
  static Activation read(Call& call);
  // Overwrites `y`, which nobody else may hold. `slopes` are those of prelu.
  at::Tensor apply(at::Tensor y, const c10::optional<at::Tensor>& slopes) const;
};

}  // namespace gradring
