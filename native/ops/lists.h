// Lists of tensors as arguments.
#pragma once
#include "ops.h"

namespace gradring {

// Any number of them; an absent one ends the list.
inline std::vector<at::Tensor> readTensors(Call& call) {
  std::vector<at::Tensor> tensors;
  while (auto tensor = call.optionalTensor()) tensors.push_back(*tensor);
  return tensors;
}

}  // namespace gradring
