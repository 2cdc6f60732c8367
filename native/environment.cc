#include "environment.h"

namespace gradring {

int64_t Environment::keep(at::Tensor tensor) {
  if (free_.empty()) {
    tensors_.push_back(std::move(tensor));
    return static_cast<int64_t>(tensors_.size()) - 1;
  }
  const int64_t handle = free_.back();
  free_.pop_back();
  tensors_[handle] = std::move(tensor);
  return handle;
}

const at::Tensor& Environment::tensor(int64_t handle) const {
  const bool known = handle >= 0 && handle < static_cast<int64_t>(tensors_.size()) && tensors_[handle].defined();
  TORCH_CHECK(known, "there is no tensor ", handle, " (it was disposed, or belongs to another thread)");
  return tensors_[handle];
}

void Environment::drop(int64_t handle) {
  tensor(handle);
  tensors_[handle].reset();
  free_.push_back(handle);
}

void Environment::open(c10::Device device, int threads) {
  device_ = device;
  threads_ = threads;
  // ATen's first call would otherwise choose for itself, and keep it for the life of the thread.
  at::set_num_threads(threads);
  if (device.type() != c10::kCUDA) return;
  const c10::impl::VirtualGuardImpl guard(device.type());
  guard.setDevice(device);
  // The default stream is shared by all threads of the process.
  guard.exchangeStream(guard.getStreamFromGlobalPool(device, false));
}

void Environment::clear() {
  attached_.clear();
  tensors_.clear();
  free_.clear();
}

}  // namespace gradring
