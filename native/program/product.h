#pragma once
#include "../torch.h"

namespace gradring {

// out = a · b, each a matrix or the transpose of one; out fp32 or as the operands are. Operands are first cast to
// `type`, sums are in fp32.
void product(const at::Tensor& a, const at::Tensor& b, at::Tensor out, at::ScalarType type);

}  // namespace gradring
