#include "../stem.h"

#include <initializer_list>

#include "strips.h"
#include "table.h"

namespace gradring::GRADRING_ISA {
namespace {

// One input image with its border of zeros: a tap of the kernel is then a fixed distance from its pixel.
struct Padded {
  const float* pixels;
  int64_t rowStride, step;  // from output row to output row, from output pixel to output pixel

  const float* at(int64_t row, int64_t column) const { return pixels + row * rowStride + column * step; }
};

constexpr int64_t mostTaps = 7 * 7 * 4;

struct Taps {
  int64_t count = 0;
  int32_t offset[mostTaps];
};

int64_t paddedWidth(const StemShape& shape) {
  return ((shape.out.width - 1) * shape.stride + shape.kernelWidth) * shape.channels;
}

Taps tapsOf(const StemShape& shape) {
  Taps taps;
  for (int64_t row = 0; row < shape.kernelHeight; row++) {
    for (int64_t i = 0; i < shape.kernelWidth * shape.channels; i++) {
      taps.offset[taps.count++] = static_cast<int32_t>(row * paddedWidth(shape) + i);
    }
  }
  return taps;
}

Padded pad(const StemShape& shape, const float* image, float* scratch) {
  const int64_t rowFloats = paddedWidth(shape), imageRow = shape.width * shape.channels;
  const int64_t rows = (shape.out.height - 1) * shape.stride + shape.kernelHeight;
  const int64_t left = smaller(rowFloats, shape.padLeft * shape.channels);
  const int64_t copied = smaller(imageRow, rowFloats - left);
  for (int64_t row = 0; row < rows; row++) {
    float* to = scratch + row * rowFloats;
    const int64_t from = row - shape.padTop;
    const bool inside = from >= 0 && from < shape.height;
    for (int64_t i = 0; i < left; i++) to[i] = 0;
    for (int64_t i = 0; i < copied; i++) to[left + i] = inside ? image[from * imageRow + i] : 0;
    for (int64_t i = left + copied; i < rowFloats; i++) to[i] = 0;
  }
  return {scratch, rowFloats * shape.stride, shape.channels * shape.stride};
}

struct RowOutput {
  Vec bias, pivot;
  Sum sum, square;
  int64_t stride;
};

// `count` neighbouring output pixels of one vector of channels, their sums in registers.
template <int count, class T>
void convolvePixels(const float* x, int64_t step, const Taps& taps, const float* filter, int64_t filterStride,
                    T* z, RowOutput& out) {
  Vec sums[count];
#pragma GCC unroll 14
  for (int i = 0; i < count; i++) sums[i] = out.bias;
  for (int64_t tap = 0; tap < taps.count; tap++) {
    const Vec weight = load(filter + tap * filterStride, Full{});
    const float* from = x + taps.offset[tap];
#pragma GCC unroll 14
    for (int i = 0; i < count; i++) sums[i] += weight * splat(from[i * step]);
  }
#pragma GCC unroll 14
  for (int i = 0; i < count; i++) {
    store(z + i * out.stride, sums[i], Full{});
    const Vec value = sums[i] - out.pivot;
    out.sum.parts[i % 4] += value;
    out.square.parts[i % 4] += value * value;
  }
}

template <class T>
void convolveRow(const StemForward& call, const Taps& taps, const float* x, int64_t step, int64_t channel,
                 T* z, RowOutput& out) {
  const Images& shape = call.shape.out;
  const float* filter = call.filter + channel;
  int64_t column = 0;
  const auto run = [&](auto count) {
    for (; column + count.value <= shape.width; column += count.value) {
      convolvePixels<count.value>(x + column * step, step, taps, filter, shape.channels,
                                  z + column * out.stride, out);
    }
  };
  if constexpr (width == 16) run(Count<14>{});
  run(Count<7>{});
  run(Count<4>{});
  run(Count<1>{});
}

template <class T>
void forwardImage(const StemForward& call, const Taps& taps, int64_t n) {
  const StemShape& shape = call.shape;
  const Padded x = pad(shape, call.x + n * shape.height * shape.width * shape.channels, call.scratch);
  for (int64_t c = 0; c < shape.out.channels; c += width) {
    RowOutput out{};
    out.stride = strideOf(shape.out);
    if (call.bias) out.bias = load(call.bias + c, Full{});
    if (call.sum) out.pivot = load(call.pivot + c, Full{});
    for (int64_t row = 0; row < shape.out.height; row++) {
      T* z = static_cast<T*>(call.z) + offsetOf(shape.out, n, c, row * shape.out.width);
      convolveRow(call, taps, x.at(row, 0), x.step, c, z, out);
      if (!call.sum) continue;
      addTo(call.sum + c, out.sum.total(), Full{});
      addTo(call.square + c, out.square.total(), Full{});
      out.sum = out.square = {};
    }
  }
}

// A block of output pixels, at most tilePixels: the gradient dz of one vector of channels, formed once for
// all taps.
constexpr int64_t tilePixels = 256;

struct Tile {
  int64_t row, rows, column, columns;
};

template <class T>
void formGradient(const StemBackward& call, int64_t n, int64_t c, const Tile& tile, float* dz) {
  const Images& shape = call.shape.out;
  const int64_t stride = strideOf(shape);
  Vec p = splat(1), q = {}, r = {};
  if (call.p) {
    p = load(call.p + c, Full{});
    q = load(call.q + c, Full{});
    r = load(call.r + c, Full{});
  }
  for (int64_t row = 0; row < tile.rows; row++) {
    const int64_t at = offsetOf(shape, n, c, (tile.row + row) * shape.width + tile.column);
    const T* g = static_cast<const T*>(call.g) + at;
    const T* z = static_cast<const T*>(call.p ? call.z : call.g) + at;
    for (int64_t i = 0; i < tile.columns; i++, dz += width) {
      store(dz, p * load(g + i * stride, Full{}) + (q * load(z + i * stride, Full{}) + r), Full{});
    }
  }
}

// The gradients of `count` taps, held in registers over the whole tile.
template <int count>
void addTaps(const Padded& x, const Tile& tile, const float* dz, const int32_t* offsets, float* dFilter,
             int64_t filterStride, int64_t wanted) {
  Vec sums[count];
#pragma GCC unroll 25
  for (int tap = 0; tap < count; tap++) sums[tap] = Vec{};
  int64_t offset[count];
  for (int tap = 0; tap < count; tap++) offset[tap] = offsets[smaller(tap, wanted - 1)];
  for (int64_t row = 0; row < tile.rows; row++) {
    const float* from = x.at(tile.row + row, tile.column);
    for (int64_t i = 0; i < tile.columns; i++, from += x.step, dz += width) {
      const Vec gradient = load(dz, Full{});
#pragma GCC unroll 25
      for (int tap = 0; tap < count; tap++) sums[tap] += gradient * splat(from[offset[tap]]);
    }
  }
  // A run-time index would put the sums into memory: the comparison is made for each instead.
#pragma GCC unroll 25
  for (int tap = 0; tap < count; tap++) {
    if (tap >= wanted) break;
    float* to = dFilter + tap * filterStride;
    store(to, load(to, Full{}) + sums[tap], Full{});
  }
}

constexpr int64_t tapsAtOnce = width == 16 ? 25 : 12;

void addTile(const StemBackward& call, const Taps& taps, const Padded& x, const Tile& tile, const float* dz,
             int64_t c) {
  const int64_t channels = call.shape.out.channels;
  const int64_t groups = (taps.count + tapsAtOnce - 1) / tapsAtOnce,
                most = (taps.count + groups - 1) / groups;
  for (int64_t first = 0; first < taps.count; first += most) {
    const int64_t wanted = smaller(most, taps.count - first);
    const auto run = [&](auto count) {
      addTaps<count.value>(x, tile, dz, taps.offset + first, call.dFilter + first * channels + c, channels,
                           wanted);
    };
    if (wanted <= 9) {
      run(Count<9>{});
    } else if (wanted <= 12) {
      run(Count<12>{});
    } else if constexpr (width == 16) {
      if (wanted <= 18) {
        run(Count<18>{});
      } else {
        run(Count<25>{});
      }
    }
  }
}

template <class T>
void backwardImage(const StemBackward& call, const Taps& taps, int64_t n) {
  const StemShape& shape = call.shape;
  const Padded x = pad(shape, call.x + n * shape.height * shape.width * shape.channels, call.scratch);
  const int64_t columns = smaller(tilePixels, shape.out.width), rows = tilePixels / columns;
  alignas(64) float dz[tilePixels * width];
  for (int64_t c = 0; c < shape.out.channels; c += width) {
    for (int64_t row = 0; row < shape.out.height; row += rows) {
      for (int64_t column = 0; column < shape.out.width; column += columns) {
        const Tile tile{row, smaller(rows, shape.out.height - row), column,
                        smaller(columns, shape.out.width - column)};
        formGradient<T>(call, n, c, tile, dz);
        addTile(call, taps, x, tile, dz, c);
      }
    }
  }
}

void forward(const StemForward& call, Range range) {
  const Taps taps = tapsOf(call.shape);
  for (double* sums : {call.sum, call.square}) {
    for (int64_t c = 0; call.sum && c < call.shape.out.channels; c++) sums[c] = 0;
  }
  withType(call.shape.out.type, [&](auto type) {
    for (int64_t n = range.begin; n < range.end; n++) forwardImage<decltype(type)>(call, taps, n);
  });
}

void backwardFilter(const StemBackward& call, Range range) {
  const Taps taps = tapsOf(call.shape);
  for (int64_t i = 0; i < taps.count * call.shape.out.channels; i++) call.dFilter[i] = 0;
  withType(call.shape.out.type, [&](auto type) {
    for (int64_t n = range.begin; n < range.end; n++) backwardImage<decltype(type)>(call, taps, n);
  });
}

}  // namespace

StemKernels stemKernels() { return {forward, backwardFilter}; }

}  // namespace gradring::GRADRING_ISA
