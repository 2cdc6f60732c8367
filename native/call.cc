#include "call.h"

namespace gradring {
namespace {

// The dtypes that tfjs has, and how the frame writes them.
int dtypeCode(at::ScalarType type) {
  if (type == at::kFloat) return 0;
  return type == at::kInt ? 1 : 2;
}

at::ScalarType tfjsType(at::ScalarType type) {
  if (type == at::kBool) return at::kBool;
  return at::isIntegralType(type, false) ? at::kInt : at::kFloat;
}

}  // namespace

Ints Call::integers() {
  Ints values(static_cast<size_t>(integer()));
  for (auto& value : values) value = integer();
  return values;
}

std::vector<double> Call::numbers() {
  std::vector<double> values(static_cast<size_t>(integer()));
  for (auto& value : values) value = number();
  return values;
}

at::Tensor Call::tensorOf(int64_t handle) {
  const Ints shape = integers();
  const at::Tensor& tensor = environment_.tensor(handle);
  return tensor.sizes() == at::IntArrayRef(shape) ? tensor : tensor.view(shape);
}

at::Tensor Call::tensor() {
  const int64_t handle = integer();
  return tensorOf(handle);
}

c10::optional<at::Tensor> Call::optionalTensor() {
  const int64_t handle = integer();
  if (handle >= 0) return tensorOf(handle);
  integers();
  return {};
}

Memory Call::memory(size_t index) const {
  TORCH_CHECK(memories_[index].data != nullptr || memories_[index].bytes == 0, "argument ", index, " is no typed array");
  return memories_[index];
}

void Call::give(at::Tensor result) {
  result = result.to(tfjsType(result.scalar_type())).contiguous();
  TORCH_CHECK(written_ + 3 + result.dim() <= kFrameLength, "too many results for one call");
  const auto shape = result.sizes();
  frame_[written_] = static_cast<double>(environment_.keep(result));
  frame_[written_ + 1] = dtypeCode(result.scalar_type());
  frame_[written_ + 2] = static_cast<double>(shape.size());
  written_ += 3;
  for (const int64_t size : shape) frame_[written_++] = static_cast<double>(size);
}

}  // namespace gradring
