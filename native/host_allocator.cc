// The C library gives large blocks back to the kernel at each free, and gets them page by page at the next use: a
// fifth of a training step. LibTorch has one processor allocator for the process, and therefore so have we: it is
// the one thing here that environments share.
#include "host_allocator.h"
#include <c10/core/CPUAllocator.h>
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <new>
#include "torch.h"
#ifdef __linux__
#include <sys/mman.h>
#endif

namespace gradring {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kHugePage = size_t{2} << 20;
// Smaller ones the C library keeps by itself.
constexpr size_t kSmallestKept = size_t{256} << 10;

// In front of every block: what was asked of the C library.
struct alignas(kAlignment) Header {
  size_t bytes;
};

// An eighth of waste at most, so that blocks of nearly the same size serve each other.
size_t rounded(size_t bytes) {
  size_t power = kSmallestKept;
  while (power * 2 <= bytes) power *= 2;
  const size_t step = power / 8;
  return (bytes + step - 1) / step * step;
}

Header* fromSystem(size_t bytes) {
  void* block = nullptr;
  if (posix_memalign(&block, bytes >= 2 * kHugePage ? kHugePage : kAlignment, bytes) != 0) return nullptr;
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  if (bytes >= 2 * kHugePage) madvise(block, bytes, MADV_HUGEPAGE);
#endif
  return new (block) Header{bytes};
}

class KeptBlocks {
 public:
  void* take(size_t wanted) {
    const size_t bytes = wanted + sizeof(Header);
    if (bytes < kSmallestKept) return dataOf(required(fromSystem(bytes), wanted));
    const size_t size = rounded(bytes);
    const std::lock_guard lock(mutex_);
    Header* block = reuse(size);
    if (!block) block = fromSystem(size);
    if (!block) {
      // The kept ones may be of the wrong sizes.
      releaseAll();
      block = required(fromSystem(size), wanted);
    }
    used_ += size;
    most_ = std::max(most_, used_);
    return dataOf(block);
  }

  void give(void* data) {
    if (!data) return;
    Header* block = static_cast<Header*>(data) - 1;
    if (block->bytes < kSmallestKept) return std::free(block);
    const std::lock_guard lock(mutex_);
    used_ -= block->bytes;
    // What was never needed at once will not be needed again.
    if (used_ + kept_ + block->bytes > most_) return std::free(block);
    kept_ += block->bytes;
    free_.emplace(block->bytes, block);
  }

  void addUser() {
    const std::lock_guard lock(mutex_);
    users_++;
  }

  void removeUser() {
    const std::lock_guard lock(mutex_);
    if (--users_ > 0) return;
    releaseAll();
    most_ = used_;
  }

 private:
  static void* dataOf(Header* block) { return block + 1; }

  static Header* required(Header* block, size_t wanted) {
    TORCH_CHECK(block, "not enough memory: ", wanted, " bytes could not be allocated");
    return block;
  }

  Header* reuse(size_t size) {
    const auto found = free_.find(size);
    if (found == free_.end()) return nullptr;
    Header* block = found->second;
    free_.erase(found);
    kept_ -= size;
    return block;
  }

  void releaseAll() {
    for (const auto& [size, block] : free_) std::free(block);
    free_.clear();
    kept_ = 0;
  }

  std::mutex mutex_;
  std::multimap<size_t, Header*> free_;
  size_t used_ = 0;
  size_t kept_ = 0;
  size_t most_ = 0;
  int users_ = 0;
};

// Never destroyed: tensors may be freed while the process ends.
KeptBlocks& keptBlocks() {
  static auto* const blocks = new KeptBlocks;
  return *blocks;
}

void giveBack(void* data) { keptBlocks().give(data); }

class HostAllocator final : public at::Allocator {
 public:
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 2)
  at::DataPtr allocate(size_t bytes) override { return allocated(bytes); }
  void copy_data(void* target, const void* source, size_t bytes) const override {
    std::memcpy(target, source, bytes);
  }
#else
  at::DataPtr allocate(size_t bytes) const override { return allocated(bytes); }
#endif
  at::DeleterFnPtr raw_deleter() const override { return giveBack; }

 private:
  static at::DataPtr allocated(size_t bytes) {
    void* data = bytes == 0 ? nullptr : keptBlocks().take(bytes);
    return {data, data, giveBack, c10::Device(c10::kCPU)};
  }
};

void install() {
  static const bool installed = [] {
    // Above LibTorch's own, and any that another library set without asking for more.
    c10::SetCPUAllocator(new HostAllocator, 100);
    return true;
  }();
  static_cast<void>(installed);
}

}  // namespace

HostAllocatorUser::HostAllocatorUser() {
  install();
  keptBlocks().addUser();
}

HostAllocatorUser::~HostAllocatorUser() { keptBlocks().removeUser(); }

}  // namespace gradring
