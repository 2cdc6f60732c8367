#include <initializer_list>

#include "../norm.h"
#include "strips.h"
#include "table.h"

namespace gradring::GRADRING_ISA {
namespace {

// Adds the gradient of the 2×2 average pool to that of its pixels: one or two rows of an image.
template <class T, class Lanes>
void spreadRows(const Strip& rows, int64_t rowWidth, const T* pooled, T* g, Lanes lanes, bool add) {
  const int64_t height = rows.pixels / rowWidth;
  for (int64_t column = 0; column < rowWidth; column++) {
    const int64_t cells = height * (column / 2 * 2 + 2 <= rowWidth ? 2 : 1);
    const Vec share = load(pooled + column / 2 * rows.stride, lanes) * (1.f / static_cast<float>(cells));
    for (int64_t row = 0; row < height; row++) {
      T* at = g + rows.offset + (row * rowWidth + column) * rows.stride;
      store(at, add ? share + load(at, lanes) : share, lanes);
    }
  }
}

template <class T, class Lanes>
void addStrip(const Strip& strip, const T* a, const T* b, T* sum, Lanes lanes) {
  forSlots(strip.pixels, [&](int64_t i, int) {
    const int64_t at = strip.offset + i * strip.stride;
    store(sum + at, load(a + at, lanes) + load(b + at, lanes), lanes);
  });
}

template <class T, class Lanes>
void copyStrip(const Strip& strip, const T* from, T* to, Lanes lanes) {
  forSlots(strip.pixels, [&](int64_t i, int) {
    const int64_t at = strip.offset + i * strip.stride;
    store(to + at, load(from + at, lanes), lanes);
  });
}

enum class Second { none, plain, normed };

// The gradient before the activation, in place in g, and its sums. `dy` is where the gradient after it lies.
template <class T, Second second, class Lanes>
void reduceStrip(const NormBackwardReduce& call, const T* dy, const Strip& strip, Lanes lanes) {
  const T* x = static_cast<const T*>(call.first.x) + strip.offset;
  const T* other = static_cast<const T*>(call.second.x) + strip.offset;
  T* g = static_cast<T*>(call.g) + strip.offset;
  dy += strip.offset;
  const Vec scale = load(call.first.scale + strip.channel, lanes);
  Vec shift = load(call.first.shift + strip.channel, lanes);
  const Vec mean = call.firstMean ? load(call.firstMean + strip.channel, lanes) : Vec{};
  Vec otherScale = {}, otherMean = {};
  if constexpr (second == Second::normed) {
    otherScale = load(call.second.scale + strip.channel, lanes);
    shift += load(call.second.shift + strip.channel, lanes);
    otherMean = load(call.secondMean + strip.channel, lanes);
  }
  const Vec slope = splat(call.slope);
  Sum sum, product, otherProduct;
  forSlots(strip.pixels, [&](int64_t i, int slot) {
    const int64_t at = i * strip.stride;
    const Vec value = load(x + at, lanes);
    Vec before = scale * value + shift, otherValue = {};
    if constexpr (second != Second::none) otherValue = load(other + at, lanes);
    if constexpr (second == Second::plain) before += otherValue;
    if constexpr (second == Second::normed) before += otherScale * otherValue;
    Vec gradient = load(dy + at, lanes);
    gradient = before > 0 ? gradient : slope * gradient;
    store(g + at, gradient, lanes);
    sum.parts[slot] += gradient;
    product.parts[slot] += gradient * (value - mean);
    if constexpr (second == Second::normed) otherProduct.parts[slot] += gradient * (otherValue - otherMean);
  });
  if (call.sum) addTo(call.sum + strip.channel, sum.total(), lanes);
  if (call.firstProduct) addTo(call.firstProduct + strip.channel, product.total(), lanes);
  if (second == Second::normed && call.secondProduct) {
    addTo(call.secondProduct + strip.channel, otherProduct.total(), lanes);
  }
}

// Row pair by row pair, as the pool's gradient comes; the strip is then read again from the cache.
template <class T, Second second>
void reducePooled(const NormBackwardReduce& call, Range range) {
  const Images& shape = call.shape;
  const Images half = halved(shape);
  const T *dy = static_cast<const T*>(call.dy ? call.dy : call.dyExtra),
          *pool = static_cast<const T*>(call.dyPooled);
  T* g = static_cast<T*>(call.g);
  for (int64_t n = range.begin; n < range.end; n++) {
    for (int64_t row = 0; row < shape.height; row += 2) {
      const int64_t pixels = smaller(2, shape.height - row) * shape.width;
      forPixels(shape, n, row * shape.width, pixels, [&](const Strip& strip, auto lanes) {
        if (call.dy && call.dyExtra) {
          addStrip(strip, dy, static_cast<const T*>(call.dyExtra), g, lanes);
        } else if (dy && dy != g) {
          copyStrip(strip, dy, g, lanes);
        }
        const int64_t pooled = offsetOf(half, n, strip.channel, row / 2 * half.width);
        spreadRows(strip, shape.width, pool + pooled, g, lanes, dy != nullptr);
        reduceStrip<T, second>(call, g, strip, lanes);
      });
    }
  }
}

template <class T, Second second>
void reduce(const NormBackwardReduce& call, Range range) {
  if (call.dyPooled) {
    reducePooled<T, second>(call, range);
    return;
  }
  const T *dy = static_cast<const T*>(call.dy ? call.dy : call.dyExtra),
          *extra = static_cast<const T*>(call.dyExtra);
  T* g = static_cast<T*>(call.g);
  const bool both = call.dy && extra;
  forStrips(call.shape, range, [&](const Strip& strip, auto lanes) {
    if (both) addStrip(strip, dy, extra, g, lanes);
    reduceStrip<T, second>(call, both ? g : dy, strip, lanes);
  });
}

template <class T, bool two, class Lanes>
void applyStrip(const NormBackwardApply& call, const Strip& strip, Lanes lanes) {
  const T* g = static_cast<const T*>(call.g) + strip.offset;
  struct Term {
    const T* x;
    T* dx;
    Vec p, q, r;
  };
  const auto term = [&](const NormGradient& from) {
    return Term{static_cast<const T*>(from.x) + strip.offset, static_cast<T*>(from.dx) + strip.offset,
                load(from.p + strip.channel, lanes), load(from.q + strip.channel, lanes),
                load(from.r + strip.channel, lanes)};
  };
  const Term first = term(call.first), second = two ? term(call.second) : first;
  forSlots(strip.pixels, [&](int64_t i, int) {
    const int64_t at = i * strip.stride;
    const Vec gradient = load(g + at, lanes), x = load(first.x + at, lanes),
              other = load(second.x + at, lanes);
    store(first.dx + at, first.p * gradient + (first.q * x + first.r), lanes);
    if (two) store(second.dx + at, second.p * gradient + (second.q * other + second.r), lanes);
  });
}

}  // namespace

void normBackwardReduce(const NormBackwardReduce& call, Range range) {
  for (double* sums : {call.sum, call.firstProduct, call.secondProduct}) {
    for (int64_t c = 0; sums && c < call.shape.channels; c++) sums[c] = 0;
  }
  withType(call.shape.type, [&](auto type) {
    using T = decltype(type);
    if (!call.second.x) {
      reduce<T, Second::none>(call, range);
    } else if (!call.second.scale) {
      reduce<T, Second::plain>(call, range);
    } else {
      reduce<T, Second::normed>(call, range);
    }
  });
}

void normBackwardApply(const NormBackwardApply& call, Range range) {
  withType(call.shape.type, [&](auto type) {
    using T = decltype(type);
    forStrips(call.shape, range, [&](const Strip& strip, auto lanes) {
      if (call.second.x) {
        applyStrip<T, true>(call, strip, lanes);
      } else {
        applyStrip<T, false>(call, strip, lanes);
      }
    });
  });
}

}  // namespace gradring::GRADRING_ISA
