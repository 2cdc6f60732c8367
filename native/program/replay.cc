#include "replay.h"

namespace gradring {

namespace {

at::Tensor& copied(at::Tensor& fixed, const at::Tensor& given) {
  if (!fixed.defined()) fixed = at::empty_like(given);
  return fixed.copy_(given);
}

std::vector<const void*> addressesOf(const std::vector<at::Tensor>& tensors) {
  std::vector<const void*> addresses;
  for (const at::Tensor& tensor : tensors) addresses.push_back(tensor.data_ptr());
  return addresses;
}

}  // namespace

void Replay::forward(Run& run, const at::Tensor& x, at::ArrayRef<at::Tensor> weights) {
  copied(x_, x);
  weights_ = weights.vec();
  forward_.run(addressesOf(weights_), [&] { run.forward(x_, weights_); });
}

at::Tensor Replay::backward(Run& run, const at::Tensor& dy, at::ArrayRef<at::Tensor> gradients,
                            const std::function<void(int)>& done) {
  copied(dy_, dy);
  gradients_.resize(gradients.size());
  for (size_t slot = 0; slot < gradients.size(); slot++) {
    const bool wanted = gradients[slot].defined();
    if (wanted && !gradients_[slot].defined()) gradients_[slot] = at::empty_like(gradients[slot]);
    if (!wanted) gradients_[slot].reset();
  }
  backward_.run(addressesOf(weights_), [&] { dx_ = run.backward(dy_, gradients_, [](int) {}); });
  for (size_t slot = 0; slot < gradients.size(); slot++) {
    if (!gradients[slot].defined()) continue;
    at::Tensor target = gradients[slot];
    target.copy_(gradients_[slot]);
    done(static_cast<int>(slot));
  }
  return dx_;
}

}  // namespace gradring
