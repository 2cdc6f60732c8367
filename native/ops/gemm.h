// Products of stacks of matrices.
#pragma once
#include "ops.h"

namespace gradring {

// a […, m, k] times b […, k, n]; the leading axes broadcast.
at::Tensor matrixProduct(const at::Tensor& a, const at::Tensor& b);

}  // namespace gradring
