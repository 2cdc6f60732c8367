// The device of this environment, and how operations run on it.
#include <cstdlib>
#include "../cuda.h"
#include "ops.h"

namespace gradring {
namespace {

constexpr c10::DeviceType kDeviceTypes[] = {c10::kCPU, c10::kCUDA, c10::kMPS};

// kind (0 cpu, 1 cuda, 2 mps), index, processor threads, bf16, tf32, deterministic, CUDA graph
void openDevice(Call& call) {
  const c10::DeviceType type = kDeviceTypes[call.integer()];
  const int64_t index = call.integer();
  const int64_t threads = call.integer();
  auto& environment = call.environment();
  TORCH_CHECK(type != c10::kCUDA || at::hasCUDA(), "this LibTorch has no CUDA");
  environment.open(type == c10::kCPU ? c10::Device(type) : c10::Device(type, index), static_cast<int>(threads));
  environment.setBf16(call.flag());
  const bool tf32 = call.flag();
  const bool deterministic = call.flag();
  environment.setCudaGraph(call.flag());
  // These are LibTorch's own switches, one set for the process: replicas of a process agree on them.
  at::globalContext().setAllowTF32CuBLAS(tf32);
  at::globalContext().setAllowTF32CuDNN(tf32);
  at::globalContext().setDeterministicCuDNN(deterministic);
  at::globalContext().setBenchmarkCuDNN(!deterministic);
  if (type != c10::kCUDA || !deterministic) return;
  // Without it cuBLAS may take another workspace, and with it another order of sums, at every run.
  setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", 0);
  at::globalContext().setDeterministicAlgorithms(true, false);
}

// memory of JavaScript's own, shared memory too
void pin(Call& call) { pinMemory(call.memory(0).data, call.memory(0).bytes); }
void unpin(Call& call) { unpinMemory(call.memory(0).data); }

// Waits until the device has done what it was given.
void synchronize(Call& call) {
  const c10::Device device = call.environment().device();
  if (device.is_cpu()) return;
  const c10::impl::VirtualGuardImpl guard(device.type());
  guard.synchronizeStream(guard.getStream(device));
}

void clear(Call& call) { call.environment().clear(); }

}  // namespace

void registerDevice(Registry& registry) {
  registry.add("openDevice", openDevice);
  registry.add("pin", pin);
  registry.add("unpin", unpin);
  registry.add("synchronize", synchronize);
  registry.add("clear", clear);
}

}  // namespace gradring
