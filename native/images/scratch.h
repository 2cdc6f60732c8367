// Memory that is kept from image to image, unless one took very much.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace gradring::images {

class Scratch {
 public:
  // At least so many bytes, whatever is in them.
  uint8_t* take(size_t bytes) {
    if (memory_.size() < bytes) memory_.resize(bytes);
    return memory_.data();
  }

  // Ends the use of what was taken.
  void release() {
    if (memory_.size() > kMostKept) std::vector<uint8_t>().swap(memory_);
  }

 private:
  static constexpr size_t kMostKept = size_t{64} << 20;
  std::vector<uint8_t> memory_;
};

}  // namespace gradring::images
