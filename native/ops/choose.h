// Choosing between two tensors, element by element.
#pragma once
#include "ops.h"

namespace gradring {

// `yes` where the bool tensor `condition` is true, `no` elsewhere; the three broadcast, both have the same dtype.
at::Tensor choose(const at::Tensor& condition, const at::Tensor& yes, const at::Tensor& no);

}  // namespace gradring
