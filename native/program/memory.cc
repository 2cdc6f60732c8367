#include "memory.h"
#include <algorithm>
#include <cstdlib>
#include <new>
#include <numeric>
#ifdef __linux__
#include <sys/mman.h>
#endif

namespace gradring {

namespace {
constexpr int64_t kAlignment = 64;
constexpr int64_t kLargePage = 2 << 20;

int64_t roundUp(int64_t bytes, int64_t unit) { return (bytes + unit - 1) / unit * unit; }
}  // namespace

int MemoryPlan::add(int64_t bytes) {
  buffers_.push_back({roundUp(std::max<int64_t>(bytes, 1), kAlignment)});
  return static_cast<int>(buffers_.size()) - 1;
}

void MemoryPlan::use(int buffer, int time) {
  buffers_[buffer].first = std::min(buffers_[buffer].first, time);
  buffers_[buffer].last = std::max(buffers_[buffer].last, time);
}

int64_t MemoryPlan::firstGap(const Buffer& wanted, const std::vector<int>& placed) const {
  std::vector<std::pair<int64_t, int64_t>> taken;
  for (int index : placed) {
    const Buffer& other = buffers_[index];
    if (other.first <= wanted.last && wanted.first <= other.last)
      taken.push_back({other.offset, other.offset + other.bytes});
  }
  std::sort(taken.begin(), taken.end());
  int64_t offset = 0;
  for (const auto& [begin, end] : taken) {
    if (begin - offset >= wanted.bytes) break;
    offset = std::max(offset, end);
  }
  return offset;
}

void MemoryPlan::place() {
  std::vector<int> order(buffers_.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int a, int b) { return buffers_[a].bytes > buffers_[b].bytes; });
  std::vector<int> placed;
  for (int index : order) {
    Buffer& buffer = buffers_[index];
    if (buffer.last < 0) continue;
    buffer.offset = firstGap(buffer, placed);
    bytes_ = std::max(bytes_, buffer.offset + buffer.bytes);
    placed.push_back(index);
  }
}

at::Tensor allocateBlock(int64_t bytes, c10::Device device) {
  const auto options = at::TensorOptions().dtype(at::kByte).device(device);
  if (!device.is_cpu()) return at::empty({bytes}, options);
#if defined(__linux__)
  const int64_t size = roundUp(std::max<int64_t>(bytes, 1), bytes >= kLargePage ? kLargePage : kAlignment);
  void* memory = std::aligned_alloc(bytes >= kLargePage ? kLargePage : kAlignment, size);
  if (memory == nullptr) throw std::bad_alloc();
  if (bytes >= kLargePage) madvise(memory, size, MADV_HUGEPAGE);
  return at::from_blob(memory, {bytes}, [](void* p) { std::free(p); }, options);
#else
  return at::empty({bytes}, options);  // 64-byte aligned
#endif
}

}  // namespace gradring
