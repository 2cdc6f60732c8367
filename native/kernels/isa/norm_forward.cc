#include "../norm.h"
#include "strips.h"
#include "table.h"

namespace gradring::GRADRING_ISA {
namespace {

template <class T, class Lanes>
void addStats(const NormStats& call, const Strip& strip, Lanes lanes) {
  const T* x = static_cast<const T*>(call.x) + strip.offset;
  const Vec pivot = load(call.pivot + strip.channel, lanes);
  Sum sum, square;
  forSlots(strip.pixels, [&](int64_t i, int slot) {
    const Vec value = load(x + i * strip.stride, lanes) - pivot;
    sum.parts[slot] += value;
    square.parts[slot] += value * value;
  });
  addTo(call.sum + strip.channel, sum.total(), lanes);
  addTo(call.square + strip.channel, square.total(), lanes);
}

enum class Second { none, plain, normed };

template <class T, Second second, class Lanes>
void applyStrip(const NormApply& call, const Strip& strip, Lanes lanes) {
  const T* x = static_cast<const T*>(call.first.x) + strip.offset;
  const T* other = static_cast<const T*>(call.second.x) + strip.offset;
  T* y = static_cast<T*>(call.y) + strip.offset;
  const Vec scale = load(call.first.scale + strip.channel, lanes);
  Vec shift = load(call.first.shift + strip.channel, lanes);
  Vec otherScale = {};
  if constexpr (second == Second::normed) {
    otherScale = load(call.second.scale + strip.channel, lanes);
    shift += load(call.second.shift + strip.channel, lanes);
  }
  const Vec slope = splat(call.slope), offset = splat(call.offset);
  forSlots(strip.pixels, [&](int64_t i, int) {
    const int64_t at = i * strip.stride;
    Vec value = scale * load(x + at, lanes) + shift;
    if constexpr (second == Second::plain) value += load(other + at, lanes);
    if constexpr (second == Second::normed) value += otherScale * load(other + at, lanes);
    store(y + at, (value > 0 ? value : slope * value) + offset, lanes);
  });
}

// The mean of each 2×2 pixels of one or two rows, which are still in the cache.
template <class T, class Lanes>
void poolRows(const Strip& rows, int64_t rowWidth, const T* y, T* pooled, Lanes lanes) {
  const int64_t height = rows.pixels / rowWidth;
  const T* from = y + rows.offset;
  for (int64_t column = 0; column < rowWidth; column += 2) {
    const int64_t columns = smaller(2, rowWidth - column);
    Vec sum = {};
    for (int64_t row = 0; row < height; row++) {
      const T* at = from + (row * rowWidth + column) * rows.stride;
      sum += load(at, lanes);
      if (columns == 2) sum += load(at + rows.stride, lanes);
    }
    store(pooled + column / 2 * rows.stride, sum * (1.f / static_cast<float>(height * columns)), lanes);
  }
}

template <class T, Second second>
void applyAndPool(const NormApply& call, Range range) {
  const Images& shape = call.shape;
  const Images half = halved(shape);
  T* y = static_cast<T*>(call.y);
  for (int64_t n = range.begin; n < range.end; n++) {
    for (int64_t row = 0; row < shape.height; row += 2) {
      const int64_t pixels = smaller(2, shape.height - row) * shape.width;
      forPixels(shape, n, row * shape.width, pixels, [&](const Strip& strip, auto lanes) {
        applyStrip<T, second>(call, strip, lanes);
        const int64_t pooled = offsetOf(half, n, strip.channel, row / 2 * half.width);
        poolRows(strip, shape.width, y, static_cast<T*>(call.pooled) + pooled, lanes);
      });
    }
  }
}

template <class T, Second second>
void apply(const NormApply& call, Range range) {
  if (call.pooled) {
    applyAndPool<T, second>(call, range);
    return;
  }
  forStrips(call.shape, range,
            [&](const Strip& strip, auto lanes) { applyStrip<T, second>(call, strip, lanes); });
}

}  // namespace

void normStats(const NormStats& call, Range range) {
  for (int64_t c = 0; c < call.shape.channels; c++) call.sum[c] = call.square[c] = 0;
  withType(call.shape.type, [&](auto type) {
    forStrips(call.shape, range,
              [&](const Strip& strip, auto lanes) { addStats<decltype(type)>(call, strip, lanes); });
  });
}

void normApply(const NormApply& call, Range range) {
  withType(call.shape.type, [&](auto type) {
    using T = decltype(type);
    if (!call.second.x) {
      apply<T, Second::none>(call, range);
    } else if (!call.second.scale) {
      apply<T, Second::plain>(call, range);
    } else {
      apply<T, Second::normed>(call, range);
    }
  });
}

}  // namespace gradring::GRADRING_ISA
