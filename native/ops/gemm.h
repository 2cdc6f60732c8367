// Products of matrices: those of float32 on a processor by oneDNN, where it is at hand. The BLAS that a
// distribution's LibTorch is linked with may be the reference one, thirty times slower.
#pragma once
#include "ops.h"

namespace gradring {

// a […, m, k] times b […, k, n]; the leading axes broadcast.
at::Tensor matrixProduct(const at::Tensor& a, const at::Tensor& b);

}  // namespace gradring
