// The loops of one instruction set, by family; table.cc gathers them.
#pragma once
#include "../kernels.h"

namespace gradring::GRADRING_ISA {

void normStats(const NormStats&, Range);
void normApply(const NormApply&, Range);
void normBackwardReduce(const NormBackwardReduce&, Range);
void normBackwardApply(const NormBackwardApply&, Range);

void winogradTransformFilter(const WinogradShape&, const float* filter, bool backward, float* transformed);
void winogradFilterGradient(const WinogradShape&, const float* transformed, int64_t parts, float* dFilter);

// In bf16 with AVX512_BF16.
void addGradientsOfPairs(const DirectGradient&, Range);

StemKernels stemKernels();
PoolKernels poolKernels();
LayoutKernels layoutKernels();
FlatKernels flatKernels();
WinogradKernels winogradKernels();
DirectKernels directKernels();

Kernels table();

}  // namespace gradring::GRADRING_ISA
