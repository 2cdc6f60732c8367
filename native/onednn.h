// oneDNN called directly: blocked layouts and Winograd, which ATen does not offer.
#pragma once
#ifndef GRADRING_ONEDNN
#define GRADRING_ONEDNN 0
#endif
#if GRADRING_ONEDNN
#include <dnnl.hpp>
#endif

namespace gradring {

#if GRADRING_ONEDNN
struct Onednn {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  mutable dnnl::stream stream{engine};
};
#else
struct Onednn {};
#endif

// Whether it has kernels for this processor in blocks of 16 channels and in bf16, which take AVX-512.
bool onednnHasKernels();
// Whether it multiplies bf16 by AMX.
bool onednnHasTiles();

}  // namespace gradring
