#include "table.h"

#define GRADRING_TEXT(word) #word
#define GRADRING_NAME(word) GRADRING_TEXT(word)

namespace gradring::GRADRING_ISA {

Kernels table() {
  return {GRADRING_NAME(GRADRING_ISA),
          {normStats, normApply, normBackwardReduce, normBackwardApply},
          stemKernels(),
          poolKernels(),
          layoutKernels(),
          flatKernels(),
          winogradKernels(),
          directKernels()};
}

}  // namespace gradring::GRADRING_ISA
