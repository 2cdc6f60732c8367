#pragma once
#include <string>
#include "ops.h"

namespace gradring {

// Of two tensors as one product of matrices, by ours and not by the BLAS that at::einsum takes. No axis may be
// named twice in one of them.
at::Tensor contraction(const at::Tensor& first, const at::Tensor& second, const std::string& equation);

}  // namespace gradring
