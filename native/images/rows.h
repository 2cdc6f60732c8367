// Rows of memory, gathered.
#pragma once
#include <cstddef>
#include <cstdint>

namespace gradring::images {

struct Rows {
  const uint8_t* source;
  // Of `source`, whole.
  size_t count;
  // Of each.
  size_t bytes;
  // A byte for each row, which other threads may write, or null.
  const uint8_t* states;
};

// Copies the rows of these numbers to the front of `target`, one after the other, up to the first that is not in
// `from` or whose state is not `wanted`. Returns how many it copied.
size_t copyRows(const Rows& from, uint8_t wanted, const uint32_t* numbers, size_t count, uint8_t* target);

}  // namespace gradring::images
