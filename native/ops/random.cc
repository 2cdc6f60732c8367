// Draws. They come from the processor's generator, so that a seed gives the same ones on every device.
#include <ATen/CPUGeneratorImpl.h>
#include <cstring>
#include "ops.h"

namespace gradring {
namespace {

// A seed may be a fraction: each number has its own sequence.
uint64_t seedOf(double number) {
  uint64_t bits;
  std::memcpy(&bits, &number, sizeof bits);
  return bits;
}

// probabilities [batch, events], number of draws, seed → int32 [batch, draws]
void multinomial(Call& call) {
  const at::Tensor probabilities = call.tensor();
  const int64_t draws = call.integer();
  const uint64_t seed = seedOf(call.number());
  const int64_t batch = probabilities.size(0);
  const at::Generator generator = at::detail::createCPUGenerator(seed);
  const at::Tensor uniform = at::rand({batch, draws}, generator, at::TensorOptions(at::kFloat));
  // The last event takes what is left, whatever the sums were rounded to.
  const at::Tensor bounds = probabilities.narrow(1, 0, probabilities.size(1) - 1).cumsum(1);
  call.give(at::searchsorted(bounds, uniform.to(probabilities.device()), false, true));
}

}  // namespace

void registerRandom(Registry& registry) { registry.add("multinomial", multinomial); }

}  // namespace gradring
