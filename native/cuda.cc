#include "cuda.h"
#include <mutex>
#if GRADRING_CUDA
#include <ATen/cuda/CUDAGraph.h>
#include <cuda_runtime_api.h>
#endif

namespace gradring {

#if GRADRING_CUDA

namespace {

// cuDNN chooses its algorithms, and libraries allocate their workspaces, in the first runs: neither may be recorded.
constexpr int kWarmUpRuns = 3;

// CUDA allows one recording at a time in a process.
std::mutex& recordingMutex() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace

void pinMemory(void* data, size_t bytes) {
  const cudaError_t error = cudaHostRegister(data, bytes, cudaHostRegisterPortable);
  if (error == cudaSuccess) return;
  // Clears it: the next call would report it as its own.
  cudaGetLastError();
  TORCH_CHECK(error == cudaErrorHostMemoryAlreadyRegistered, "pinning ", bytes, " bytes: ", cudaGetErrorString(error));
}

void unpinMemory(void* data) {
  if (cudaHostUnregister(data) != cudaSuccess) cudaGetLastError();
}

struct Recording::Graph {
  at::cuda::CUDAGraph graph;
};

void Recording::run(const std::vector<const void*>& addresses, const std::function<void()>& work) {
  if (!enabled_ || !device_.is_cuda()) return work();
  if (graph_ && addresses == addresses_) return graph_->graph.replay();
  graph_.reset();
  if (addresses != addresses_) timesRun_ = 0;
  addresses_ = addresses;
  if (timesRun_ < kWarmUpRuns) {
    timesRun_++;
    return work();
  }
  record(work);
  // Recording only takes the work down.
  graph_->graph.replay();
}

void Recording::record(const std::function<void()>& work) {
  const std::lock_guard lock(recordingMutex());
  auto graph = std::make_unique<Graph>();
#if TORCH_VERSION_MAJOR >= 2
  // Other replicas of this process go on with their own work meanwhile.
  graph->graph.capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
#else
  graph->graph.capture_begin();
#endif
  try {
    work();
  } catch (...) {
    // A stream left in recording would refuse everything that follows.
    graph->graph.capture_end();
    throw;
  }
  graph->graph.capture_end();
  graph_ = std::move(graph);
}

#else

void pinMemory(void*, size_t) {}
void unpinMemory(void*) {}

struct Recording::Graph {};

void Recording::run(const std::vector<const void*>&, const std::function<void()>& work) { work(); }

#endif

Recording::Recording(c10::Device device, bool enabled) : device_(device), enabled_(enabled) {}
Recording::~Recording() = default;

}  // namespace gradring
