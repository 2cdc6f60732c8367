#pragma once
#include "../torch.h"

namespace gradring {

// out = a · b, or out += a · b: each a matrix, part of the columns of one, or a transpose; out is fp32. The
// operands are first cast to `type`, the sums are in fp32.
void product(const at::Tensor& a, const at::Tensor& b, at::Tensor out, at::ScalarType type, bool add = false);

}  // namespace gradring
