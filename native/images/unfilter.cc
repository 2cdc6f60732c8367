#include "unfilter.h"

#include <cstring>
#include <type_traits>

namespace gradring::images {
namespace {

enum Filter : uint8_t { kNone, kSub, kUp, kAverage, kPaeth };

// The samples of a pixel in lanes of 16 bits, wide enough for differences of bytes: one register of any processor.
using Bytes = uint8_t __attribute__((vector_size(8)));
using Lanes = int16_t __attribute__((vector_size(16)));

// Exactly `count` bytes; the other lanes are zero.
template <size_t count>
Lanes load(const uint8_t* from) {
  Bytes bytes = {};
  std::memcpy(&bytes, from, count);
  return __builtin_convertvector(bytes, Lanes);
}

template <size_t count>
void store(Lanes lanes, uint8_t* to) {
  const Bytes bytes = __builtin_convertvector(lanes, Bytes);
  std::memcpy(to, &bytes, count);
}

Lanes magnitude(Lanes value) { return value < 0 ? -value : value; }

// Which of left, up and corner is nearest to left + up − corner; of equals the first.
Lanes paeth(Lanes left, Lanes up, Lanes corner) {
  const Lanes toLeft = magnitude(up - corner);
  const Lanes toUp = magnitude(left - corner);
  const Lanes toCorner = magnitude(left + up - corner - corner);
  const Lanes other = toUp <= toCorner ? up : corner;
  return (toLeft <= toUp) & (toLeft <= toCorner) ? left : other;
}

template <Filter filter>
Lanes predict(Lanes left, Lanes up, Lanes corner) {
  if constexpr (filter == kSub) return left;
  if constexpr (filter == kAverage) return (left + up) >> 1;
  return paeth(left, up, corner);
}

// The pixels of a row, one after the other, each depending on the one to the left.
template <Filter filter, size_t samples>
class Chain {
 public:
  Chain(const uint8_t* from, uint8_t* to) : from_(from), to_(to) {}

  // Moves `width` bytes, though a pixel has `samples`.
  template <size_t width>
  Lanes next(Lanes up) {
    left_ = (load<width>(from_) + predict<filter>(left_, up, corner_)) & 255;
    store<width>(left_, to_);
    corner_ = up;
    from_ += samples;
    to_ += samples;
    return left_;
  }

 private:
  const uint8_t* from_;
  uint8_t* to_;
  Lanes left_ = {};
  Lanes corner_ = {};
};

// Three bytes are moved faster as four, of which the next pixel overwrites the last. The last pixel has no such next.
template <size_t samples>
constexpr size_t kWidth = samples == 3 ? 4 : samples;

template <Filter filter, size_t samples>
void chained(const uint8_t* from, const uint8_t* above, size_t rowBytes, uint8_t* to) {
  Chain<filter, samples> chain(from, to);
  const size_t last = rowBytes - samples;
  for (size_t at = 0; at < last; at += samples) chain.template next<kWidth<samples>>(load<kWidth<samples>>(above + at));
  chain.template next<samples>(load<samples>(above + last));
}

// Two rows at once, the second a pixel behind the first: while one waits for the pixel to the left, the other goes on.
template <Filter first, Filter second, size_t samples>
void chainedPair(const uint8_t* from, const uint8_t* above, size_t rowBytes, uint8_t* to) {
  constexpr size_t width = kWidth<samples>;
  Chain<first, samples> upper(from, to);
  Chain<second, samples> lower(from + rowBytes + 1, to + rowBytes);
  const size_t last = rowBytes - samples;
  if (last == 0) {
    lower.template next<samples>(upper.template next<samples>(load<samples>(above)));
    return;
  }
  Lanes up = upper.template next<width>(load<width>(above));
  for (size_t at = samples; at < last; at += samples) {
    const Lanes next = upper.template next<width>(load<width>(above + at));
    lower.template next<width>(up);
    up = next;
  }
  const Lanes next = upper.template next<samples>(load<samples>(above + last));
  lower.template next<width>(up);
  lower.template next<samples>(next);
}

// Sub has so little to do for a pixel that two rows at once are no faster.
constexpr bool pairs(uint8_t filter) { return filter == kAverage || filter == kPaeth; }

// Calls `work` with one of these, as a type.
template <class Work>
void averageOrPaeth(uint8_t filter, Work work) {
  if (filter == kAverage) return work(std::integral_constant<Filter, kAverage>());
  work(std::integral_constant<Filter, kPaeth>());
}

template <size_t samples>
void unfilterRow(uint8_t filter, const uint8_t* from, const uint8_t* above, size_t rowBytes, uint8_t* to) {
  if (filter == kNone) {
    std::memcpy(to, from, rowBytes);
  } else if (filter == kSub) {
    chained<kSub, samples>(from, above, rowBytes, to);
  } else if (filter == kUp) {
    for (size_t i = 0; i < rowBytes; i++) to[i] = from[i] + above[i];
  } else {
    averageOrPaeth(filter, [&](auto type) { chained<type, samples>(from, above, rowBytes, to); });
  }
}

template <size_t samples>
void unfilterPair(uint8_t first, uint8_t second, const uint8_t* from, const uint8_t* above, size_t rowBytes,
                  uint8_t* to) {
  averageOrPaeth(first, [&](auto upper) {
    averageOrPaeth(second, [&](auto lower) { chainedPair<upper, lower, samples>(from, above, rowBytes, to); });
  });
}

template <size_t samples>
void unfilterRows(const uint8_t* filtered, size_t rows, size_t rowBytes, const uint8_t* above, uint8_t* target) {
  for (size_t row = 0; row < rows;) {
    const uint8_t* from = filtered + row * (rowBytes + 1);
    uint8_t* to = target + row * rowBytes;
    const uint8_t* up = row == 0 ? above : to - rowBytes;
    if (row + 1 < rows && pairs(from[0]) && pairs(from[rowBytes + 1])) {
      unfilterPair<samples>(from[0], from[rowBytes + 1], from + 1, up, rowBytes, to);
      row += 2;
    } else {
      unfilterRow<samples>(from[0], from + 1, up, rowBytes, to);
      row += 1;
    }
  }
}

}  // namespace

bool filtersExist(const uint8_t* filtered, size_t rows, size_t rowBytes) {
  for (size_t row = 0; row < rows; row++)
    if (filtered[row * (rowBytes + 1)] > kPaeth) return false;
  return true;
}

void unfilter(const uint8_t* filtered, size_t rows, size_t rowBytes, unsigned samples, const uint8_t* above,
              uint8_t* target) {
  switch (samples) {
    case 1:
      return unfilterRows<1>(filtered, rows, rowBytes, above, target);
    case 2:
      return unfilterRows<2>(filtered, rows, rowBytes, above, target);
    case 3:
      return unfilterRows<3>(filtered, rows, rowBytes, above, target);
    default:
      return unfilterRows<4>(filtered, rows, rowBytes, above, target);
  }
}

}  // namespace gradring::images
