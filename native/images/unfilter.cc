#include "unfilter.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <cstring>
#include <type_traits>

namespace gradring::images {
namespace {

enum Filter : uint8_t { kNone, kSub, kUp, kAverage, kPaeth };

// The samples of a pixel are the first bytes of a register; wider, for differences of bytes, its lanes.
using Bytes = uint8_t __attribute__((vector_size(16)));
using Words = uint32_t __attribute__((vector_size(16)));
using Lanes = int16_t __attribute__((vector_size(16)));

// Exactly `count` bytes; the others are zero.
template <size_t count>
Bytes load(const uint8_t* from) {
  uint32_t word = 0;
  std::memcpy(&word, from, count);
  return Bytes(Words{word});
}

template <size_t count>
void store(Bytes bytes, uint8_t* to) {
  const uint32_t word = Words(bytes)[0];
  std::memcpy(to, &word, count);
}

#ifdef __SSE2__
Lanes widen(Bytes bytes) { return Lanes(_mm_unpacklo_epi8(__m128i(bytes), _mm_setzero_si128())); }
Bytes narrow(Lanes lanes) { return Bytes(_mm_packus_epi16(__m128i(lanes), __m128i(lanes))); }
Bytes meanRoundedUp(Bytes a, Bytes b) { return Bytes(_mm_avg_epu8(__m128i(a), __m128i(b))); }
#else
using Half = uint8_t __attribute__((vector_size(8)));

Lanes widen(Bytes bytes) {
  Half half;
  std::memcpy(&half, &bytes, sizeof half);
  return __builtin_convertvector(half, Lanes);
}

Bytes narrow(Lanes lanes) {
  const Half half = __builtin_convertvector(lanes, Half);
  Bytes bytes = {};
  std::memcpy(&bytes, &half, sizeof half);
  return bytes;
}

Bytes meanRoundedUp(Bytes a, Bytes b) { return narrow((widen(a) + widen(b) + 1) >> 1); }
#endif

// Which of left, up and corner is nearest to left + up − corner; of equals the first. Without distances: below the
// smaller and above the larger of left and up, 3 corner − left − up says which it is.
//
// Source: Fabian Giesen's formulation, in stb_image; the tests compare all 2^24 cases with the specification's.
Lanes paeth(Lanes left, Lanes up, Lanes corner) {
  const Lanes threshold = corner + corner + corner - up - left;
  const Lanes smaller = left < up ? left : up, larger = left < up ? up : left;
  const Lanes other = larger <= threshold ? smaller : corner;
  return threshold <= smaller ? larger : other;
}

// A pixel after the other, each from the bytes of the row, the pixel to the left and the one above.
template <Filter filter>
class Undo;

template <>
class Undo<kSub> {
 public:
  Bytes next(Bytes bytes, Bytes) { return left_ += bytes; }

 private:
  Bytes left_ = {};
};

// Processors have a mean that is rounded up, and the filter rounds down. Of inverted bytes the one is the other; so
// pixel = bytes + mean, rounded down, is inverted = mean of the inverted, rounded up − bytes.
template <>
class Undo<kAverage> {
 public:
  Bytes next(Bytes bytes, Bytes up) {
    inverted_ = meanRoundedUp(inverted_, ~up) - bytes;
    return ~inverted_;
  }

 private:
  Bytes inverted_ = ~Bytes{};
};

template <>
class Undo<kPaeth> {
 public:
  Bytes next(Bytes bytes, Bytes up) {
    const Lanes above = widen(up);
    left_ = (widen(bytes) + paeth(left_, above, corner_)) & 255;
    corner_ = above;
    return narrow(left_);
  }

 private:
  Lanes left_ = {};
  Lanes corner_ = {};
};

// The pixels of a row, one after the other.
template <Filter filter, size_t samples>
class Chain {
 public:
  Chain(const uint8_t* from, uint8_t* to) : from_(from), to_(to) {}

  // Moves `width` bytes, though a pixel has `samples`.
  template <size_t width>
  Bytes next(Bytes up) {
    const Bytes pixel = undo_.next(load<width>(from_), up);
    store<width>(pixel, to_);
    from_ += samples;
    to_ += samples;
    return pixel;
  }

 private:
  const uint8_t* from_;
  uint8_t* to_;
  Undo<filter> undo_;
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
  Bytes up = upper.template next<width>(load<width>(above));
  for (size_t at = samples; at < last; at += samples) {
    const Bytes next = upper.template next<width>(load<width>(above + at));
    lower.template next<width>(up);
    up = next;
  }
  const Bytes next = upper.template next<samples>(load<samples>(above + last));
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
