#include "onednn.h"

namespace gradring {

#if GRADRING_ONEDNN
namespace {
// An instruction set's number has the bits of all that it includes.
bool includes(dnnl::cpu_isa wanted) {
  const auto bits = static_cast<unsigned>(wanted);
  return (static_cast<unsigned>(dnnl::get_effective_cpu_isa()) & bits) == bits;
}
}  // namespace

bool onednnHasKernels() { return includes(dnnl::cpu_isa::avx512_core); }
bool onednnHasTiles() { return includes(dnnl::cpu_isa::avx512_core_amx); }
#else
bool onednnHasKernels() { return false; }
bool onednnHasTiles() { return false; }
#endif

}  // namespace gradring
