// The state of one Node environment (the main thread or one worker): its device, its tensors, its options.
#pragma once
#include <cstdint>
#include <memory>
#include <typeindex>
#include <unordered_map>
#include <utility>
#include <vector>
#include "torch.h"

namespace gradring {

class Environment {
 public:
  Environment() = default;
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  // Takes a tensor in; the number is its handle until drop().
  int64_t keep(at::Tensor tensor);
  // Throws when no tensor has that handle.
  const at::Tensor& tensor(int64_t handle) const;
  void drop(int64_t handle);

  // Makes `device` the one of this environment: its operations run there, on a stream of their own.
  void open(c10::Device device, int threads);
  c10::Device device() const { return device_; }
  // Processor threads that one operation may use.
  int threads() const { return threads_; }

  // Convolutions and matrix products in bfloat16.
  bool bf16() const { return bf16_; }
  void setBf16(bool on) { bf16_ = on; }
  // Whether CUDA records a step as a graph and replays it.
  bool cudaGraph() const { return cudaGraph_; }
  void setCudaGraph(bool on) { cudaGraph_ = on; }

  // The one T of this environment, made at first use and destroyed with it.
  template <class T>
  T& attach() {
    auto& slot = attached_[std::type_index(typeid(T))];
    if (!slot) slot = std::make_shared<T>();
    return *static_cast<T*>(slot.get());
  }

  // Frees every tensor and attached object.
  void clear();

 private:
  c10::Device device_{c10::kCPU};
  int threads_ = 1;
  bool bf16_ = false;
  bool cudaGraph_ = false;
  std::vector<at::Tensor> tensors_;
  std::vector<int64_t> free_;
  std::unordered_map<std::type_index, std::shared_ptr<void>> attached_;
};

}  // namespace gradring
