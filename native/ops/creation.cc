// Tensors made of numbers alone.
#include "cast.h"
#include "ops.h"

namespace gradring {
namespace {

// dtype, shape, value
void fill(Call& call) {
  const at::ScalarType type = typeOf(call.integer());
  const Ints shape = call.integers();
  const double value = call.number();
  call.give(at::full(shape, type == at::kFloat ? rounded(value) : value, call.options(type)));
}

// dtype, length, start, step
void range(Call& call) {
  const at::ScalarType type = typeOf(call.integer());
  const int64_t length = call.integer();
  const double start = call.number();
  const double step = call.number();
  at::Tensor values = at::arange(length, call.options(widestType(call.environment().device())));
  call.give(castTo(values.mul_(step).add_(start), type));
}

// length, start, stop: both of them included
void linSpace(Call& call) {
  const int64_t length = call.integer();
  const double start = call.number();
  const double stop = call.number();
  call.give(at::linspace(start, stop, length, call.options()));
}

// indices, dtype, depth, value at the index, value elsewhere. An index outside 0 … depth − 1 has no place.
void oneHot(Call& call) {
  const at::Tensor indices = call.tensor();
  const at::ScalarType type = typeOf(call.integer());
  const int64_t depth = call.integer();
  const double on = call.number();
  const double off = call.number();
  const at::Tensor hot = indices.unsqueeze(-1).eq(at::arange(depth, indices.options()));
  call.give(at::full(hot.sizes(), off, call.options(type)).masked_fill_(hot, on));
}

}  // namespace

void registerCreation(Registry& registry) {
  registry.add("fill", fill);
  registry.add("range", range);
  registry.add("linSpace", linSpace);
  registry.add("oneHot", oneHot);
}

}  // namespace gradring
