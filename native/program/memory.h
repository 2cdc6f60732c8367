// One block of memory for a run: every buffer has its place in it for the time that it is needed, found
// beforehand.
#pragma once
#include <vector>
#include "../torch.h"

namespace gradring {

class MemoryPlan {
 public:
  // A buffer, by number; needed at no time yet.
  int add(int64_t bytes);
  // It is needed at `time`, and so at all times between this and its other uses.
  void use(int buffer, int time);
  // Places all buffers, so that no two that are needed at one time overlap.
  void place();

  int64_t offset(int buffer) const { return buffers_[buffer].offset; }
  int64_t bytes() const { return bytes_; }

 private:
  struct Buffer {
    int64_t bytes;
    int first = INT32_MAX, last = -1;
    int64_t offset = -1;
  };
  int64_t firstGap(const Buffer& wanted, const std::vector<int>& placed) const;

  std::vector<Buffer> buffers_;
  int64_t bytes_ = 0;
};

// Uninitialised bytes on `device`, 64-byte aligned. On a processor with large pages where the system has
// them, since page faults otherwise take a fifth of a step.
at::Tensor allocateBlock(int64_t bytes, c10::Device device);

}  // namespace gradring
