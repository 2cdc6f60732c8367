// The loops of one instruction set, by family; table.cc gathers them.
#pragma once
#include "../kernels.h"

namespace gradring::GRADRING_ISA {

void normStats(const NormStats&, Range);
void normApply(const NormApply&, Range);
void normBackwardReduce(const NormBackwardReduce&, Range);
void normBackwardApply(const NormBackwardApply&, Range);

StemKernels stemKernels();
PoolKernels poolKernels();
LayoutKernels layoutKernels();
LossKernels lossKernels();
FlatKernels flatKernels();

Kernels table();

}  // namespace gradring::GRADRING_ISA
