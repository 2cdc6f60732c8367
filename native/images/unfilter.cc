#include "unfilter.h"

#include <cstring>

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

// A row whose pixels depend on the one to the left. Three bytes are moved faster as four, of which the next pixel
// overwrites the last; the last pixel of a row has no such next one.
template <Filter filter, size_t samples>
void chained(const uint8_t* from, const uint8_t* above, size_t rowBytes, uint8_t* to) {
  constexpr size_t width = samples == 3 ? 4 : samples;
  Lanes left = {};
  Lanes corner = {};
  size_t at = 0;
  for (; at + width <= rowBytes; at += samples) {
    const Lanes up = load<width>(above + at);
    left = (load<width>(from + at) + predict<filter>(left, up, corner)) & 255;
    store<width>(left, to + at);
    corner = up;
  }
  for (; at < rowBytes; at += samples) {
    const Lanes up = load<samples>(above + at);
    left = (load<samples>(from + at) + predict<filter>(left, up, corner)) & 255;
    store<samples>(left, to + at);
    corner = up;
  }
}

template <size_t samples>
void unfilterRow(uint8_t filter, const uint8_t* from, const uint8_t* above, size_t rowBytes, uint8_t* to) {
  switch (filter) {
    case kNone:
      std::memcpy(to, from, rowBytes);
      return;
    case kSub:
      chained<kSub, samples>(from, above, rowBytes, to);
      return;
    case kUp:
      for (size_t i = 0; i < rowBytes; i++) to[i] = from[i] + above[i];
      return;
    case kAverage:
      chained<kAverage, samples>(from, above, rowBytes, to);
      return;
    default:
      chained<kPaeth, samples>(from, above, rowBytes, to);
  }
}

template <size_t samples>
void unfilterRows(const uint8_t* filtered, size_t rows, size_t rowBytes, const uint8_t* above, uint8_t* target) {
  for (size_t row = 0; row < rows; row++) {
    unfilterRow<samples>(filtered[0], filtered + 1, above, rowBytes, target);
    above = target;
    filtered += rowBytes + 1;
    target += rowBytes;
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
