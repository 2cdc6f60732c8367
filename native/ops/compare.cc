// Comparisons and logic, with broadcasting; their results are bool. Selection by condition.
#include "cast.h"
#include "choose.h"

namespace gradring {

// On a processor by bits, in vector code: LibTorch 1.13's own takes a branch for each element, ten times as long.
at::Tensor choose(const at::Tensor& condition, const at::Tensor& yes, const at::Tensor& no) {
  if (!yes.is_cpu() || yes.element_size() != 4) return at::where(condition, yes, no);
  const at::Tensor mask = condition.to(at::kInt).neg_();
  const at::Tensor otherwise = no.view(at::kInt);
  at::Tensor bits = yes.view(at::kInt).bitwise_xor(otherwise).bitwise_and(mask).bitwise_xor_(otherwise);
  return bits.view(yes.scalar_type());
}

namespace {

template <at::Tensor (*function)(const at::Tensor&)>
void predicate(Call& call) {
  call.give(function(call.tensor()));
}

template <at::Tensor (*function)(const at::Tensor&, const at::Tensor&)>
void comparison(Call& call) {
  const at::Tensor a = call.tensor();
  call.give(function(a, call.tensor()));
}

// condition, chosen where it is true, chosen elsewhere
void select(Call& call) {
  const at::Tensor condition = call.tensor();
  const at::Tensor yes = call.tensor();
  const at::Tensor no = call.tensor();
  const auto type = at::promote_types(yes.scalar_type(), no.scalar_type());
  call.give(choose(castTo(condition, at::kBool), yes.to(type), no.to(type)));
}

}  // namespace

void registerCompare(Registry& registry) {
  registry.add("isFinite", predicate<at::isfinite>);
  registry.add("isInf", predicate<at::isinf>);
  registry.add("isNaN", predicate<at::isnan>);
  registry.add("logicalNot", predicate<at::logical_not>);

  registry.add("equal", comparison<at::eq>);
  registry.add("greater", comparison<at::gt>);
  registry.add("greaterEqual", comparison<at::ge>);
  registry.add("less", comparison<at::lt>);
  registry.add("lessEqual", comparison<at::le>);
  registry.add("logicalAnd", comparison<at::logical_and>);
  registry.add("logicalOr", comparison<at::logical_or>);
  registry.add("notEqual", comparison<at::ne>);

  registry.add("select", select);
}

}  // namespace gradring
