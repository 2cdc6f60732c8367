// What CUDA alone has, with a plain meaning on every other device: it does nothing, or what it would do anyway.
#pragma once
#include <functional>
#include <memory>
#include <vector>
#include "torch.h"

namespace gradring {

// Page-locks memory that others allocated, so that the GPU copies to and from it directly. Memory that is locked
// already, by another replica, is left as it is.
void pinMemory(void* data, size_t bytes);
void unpinMemory(void* data);

// Work on one device over memory that never moves. On CUDA, after a few times to warm up, it is recorded as a graph
// once and replayed from then on; on other devices it is simply done each time.
class Recording {
 public:
  Recording(c10::Device device, bool enabled);
  ~Recording();
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

  // `work` has to do the same on the same addresses each time; `addresses` says which these are, beyond its own: when
  // they are others than at the recording, it is recorded anew.
  void run(const std::vector<const void*>& addresses, const std::function<void()>& work);

 private:
  struct Graph;
  void record(const std::function<void()>& work);

  const c10::Device device_;
  const bool enabled_;
  int timesRun_ = 0;
  std::vector<const void*> addresses_;
  std::unique_ptr<Graph> graph_;
};

}  // namespace gradring
