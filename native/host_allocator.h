// LibTorch's processor memory, kept for the next tensor.
#pragma once

namespace gradring {

// An environment that uses LibTorch's allocations on the processor. With the first one of the process large blocks
// begin to be kept when they are freed; with the last one they are given back.
class HostAllocatorUser {
 public:
  HostAllocatorUser();
  ~HostAllocatorUser();
  HostAllocatorUser(const HostAllocatorUser&) = delete;
  HostAllocatorUser& operator=(const HostAllocatorUser&) = delete;
};

}  // namespace gradring
