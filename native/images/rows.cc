#include "rows.h"

#include <algorithm>
#include <cstring>

namespace gradring::images {
namespace {

// Rows that are on their way from memory while one is copied: their places are known, and the processor cannot guess.
constexpr size_t kAhead = 4;
// Of a row, so much; what follows in memory it fetches by itself.
constexpr size_t kMostPrefetched = 1024;
constexpr size_t kLine = 64;

void prefetch(const Rows& from, uint32_t number) {
  if (number >= from.count) return;
  const uint8_t* row = from.source + size_t{number} * from.bytes;
  const size_t bytes = std::min(from.bytes, kMostPrefetched);
  for (size_t at = 0; at < bytes; at += kLine) __builtin_prefetch(row + at);
}

}  // namespace

size_t copyRows(const Rows& from, uint8_t wanted, const uint32_t* numbers, size_t count, uint8_t* target) {
  for (size_t i = 0; i < std::min(kAhead, count); i++) prefetch(from, numbers[i]);
  for (size_t i = 0; i < count; i++) {
    if (i + kAhead < count) prefetch(from, numbers[i + kAhead]);
    const size_t row = numbers[i];
    if (row >= from.count) return i;
    // Acquires the bytes of whoever wrote the row, and then its state.
    if (from.states != nullptr && __atomic_load_n(from.states + row, __ATOMIC_SEQ_CST) != wanted) return i;
    std::memcpy(target + i * from.bytes, from.source + row * from.bytes, from.bytes);
  }
  return count;
}

}  // namespace gradring::images
