// Products of float32 matrices on a processor, where oneDNN is at hand: the BLAS that a distribution's LibTorch is
// linked with may be the reference one, a hundred times slower.
#pragma once
#include "ops.h"

namespace gradring {

// a […, m, k] times b […, k, n]; the leading axes broadcast.
at::Tensor matrixProduct(const at::Tensor& a, const at::Tensor& b);

}  // namespace gradring
