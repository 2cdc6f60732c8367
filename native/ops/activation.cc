#include "activation.h"
#include "choose.h"

namespace gradring {

Activation Activation::read(Call& call) {
  const auto kind = static_cast<ActivationKind>(call.integer());
  return {kind, call.number()};
}

at::Tensor Activation::apply(at::Tensor y, const c10::optional<at::Tensor>& slopes) const {
  switch (kind) {
    case ActivationKind::linear: return y;
    case ActivationKind::relu: return y.relu_();
    case ActivationKind::relu6: return y.clamp_(0, 6);
    case ActivationKind::elu: return at::elu_(y);
    case ActivationKind::prelu: return choose(y.lt(0), y * slopes.value(), y);
    case ActivationKind::leakyrelu: return at::leaky_relu_(y, alpha);
    case ActivationKind::sigmoid: return y.sigmoid_();
  }
  TORCH_CHECK(false, "unknown activation");
}

}  // namespace gradring
