// Comparisons and logic, with broadcasting; their results are bool. Selection by condition.
#include "cast.h"
#include "ops.h"

namespace gradring {
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
  call.give(at::where(castTo(condition, at::kBool), yes.to(type), no.to(type)));
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
