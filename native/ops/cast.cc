#include "cast.h"

namespace gradring {

at::ScalarType typeOf(int64_t code) {
  constexpr at::ScalarType kTypes[] = {at::kFloat, at::kInt, at::kBool};
  TORCH_CHECK(code >= 0 && code < 3, "there is no dtype ", code);
  return kTypes[code];
}

at::Tensor castTo(const at::Tensor& x, at::ScalarType type) {
  if (type != at::kInt || !x.is_floating_point()) return x.to(type);
  return x.nan_to_num(0, 0, 0).to(at::kLong).to(at::kInt);
}

at::Tensor storeAs(const at::Tensor& result, at::ScalarType type) {
  return castTo(type == at::kBool ? castTo(result, at::kInt) : result, type);
}

at::Tensor arithmetic(const at::Tensor& x) { return x.scalar_type() == at::kBool ? x.to(at::kInt) : x; }

at::Tensor floating(const at::Tensor& x) { return x.is_floating_point() ? x : x.to(widestType(x.device())); }

at::ScalarType widestType(const c10::Device& device) {
  return device.type() == c10::kMPS ? at::kFloat : at::kDouble;
}

}  // namespace gradring
