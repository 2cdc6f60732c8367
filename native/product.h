#pragma once
#include "torch.h"

namespace gradring {

// out = a · b, or out += a · b, all matrices; out is fp32, and its rows lie together, if only as part of the columns
// of another one. The operands are first cast to `type`, the sums are in fp32.
//
// float32 on a processor goes through oneDNN, where it is at hand: the BLAS that a distribution's LibTorch is linked
// with may be the reference one, thirty times slower.
void product(const at::Tensor& a, const at::Tensor& b, at::Tensor out, at::ScalarType type, bool add = false);

}  // namespace gradring
