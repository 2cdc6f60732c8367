#include "../pool.h"

#include "strips.h"
#include "table.h"
#include "windows.h"

namespace gradring::GRADRING_ISA {
namespace {

typedef uint8_t ByteVec __attribute__((vector_size(width)));

void storeIndex(uint8_t* to, IntVec index, Full) {
  const ByteVec bytes = __builtin_convertvector(index, ByteVec);
  __builtin_memcpy(to, &bytes, sizeof bytes);
}

void storeIndex(uint8_t* to, IntVec index, Part part) {
  for (int i = 0; i < part.count; i++) to[i] = static_cast<uint8_t>(index[i]);
}

IntVec loadIndex(const uint8_t* from, Full) {
  ByteVec bytes;
  __builtin_memcpy(&bytes, from, sizeof bytes);
  return __builtin_convertvector(bytes, IntVec);
}

IntVec loadIndex(const uint8_t* from, Part part) {
  IntVec index = {};
  for (int i = 0; i < part.count; i++) index[i] = from[i];
  return index;
}

Axis rowsOf(const PoolShape& shape) {
  return {shape.in.height, shape.out.height, shape.kernelHeight, shape.strideHeight, shape.padTop};
}

Axis columnsOf(const PoolShape& shape) {
  return {shape.in.width, shape.out.width, shape.kernelWidth, shape.strideWidth, shape.padLeft};
}

// body(n, channel, lanes) with every vector of every image.
template <class Body>
void forImageVectors(const Images& shape, Range range, const Body& body) {
  for (int64_t n = range.begin; n < range.end; n++) {
    forVectors(shape.channels, [&](int64_t c, auto lanes) { body(n, c, lanes); });
  }
}

template <class T, class Lanes>
void maxWindow(const PoolForward& call, Span rows, Span columns, int64_t origin, const T* x, int64_t at,
               Lanes lanes) {
  const int64_t stride = strideOf(call.shape.in), inWidth = call.shape.in.width;
  Vec largest = {};
  IntVec where = {};
  bool first = true;
  for (int64_t row = rows.begin; row < rows.end; row++) {
    for (int64_t column = columns.begin; column < columns.end; column++) {
      const Vec value = load(x + (row * inWidth + column) * stride, lanes);
      const int32_t cell = static_cast<int32_t>(row * call.shape.kernelWidth + column - origin);
      const IntVec taken = first ? ~IntVec{} : value > largest;
      largest = taken ? value : largest;
      where = taken ? IntVec{} + cell : where;
      first = false;
    }
  }
  store(static_cast<T*>(call.y) + at, largest, lanes);
  if (call.where) storeIndex(call.where + at, where, lanes);
}

template <class T, class Lanes>
void averageWindow(const PoolForward& call, Span rows, Span columns, int64_t, const T* x, int64_t at,
                   Lanes lanes) {
  const int64_t stride = strideOf(call.shape.in), inWidth = call.shape.in.width;
  Vec sum = {};
  for (int64_t row = rows.begin; row < rows.end; row++) {
    for (int64_t column = columns.begin; column < columns.end; column++) {
      sum += load(x + (row * inWidth + column) * stride, lanes);
    }
  }
  const float share = 1.f / static_cast<float>(rows.length() * columns.length());
  store(static_cast<T*>(call.y) + at, sum * share, lanes);
}

template <bool maximum, class T>
void forward(const PoolForward& call, Range range) {
  const Images &in = call.shape.in, &out = call.shape.out;
  const Axis rows = rowsOf(call.shape), columns = columnsOf(call.shape);
  forImageVectors(in, range, [&](int64_t n, int64_t c, auto lanes) {
    const T* x = static_cast<const T*>(call.x) + offsetOf(in, n, c, 0);
    for (int64_t row = 0; row < out.height; row++) {
      int64_t at = offsetOf(out, n, c, row * out.width);
      for (int64_t column = 0; column < out.width; column++, at += strideOf(out)) {
        // What a cell's index in the window counts from.
        const int64_t origin = rows.start(row) * call.shape.kernelWidth + columns.start(column);
        if constexpr (maximum) {
          maxWindow<T>(call, rows.cells(row), columns.cells(column), origin, x, at, lanes);
        } else {
          averageWindow<T>(call, rows.cells(row), columns.cells(column), origin, x, at, lanes);
        }
      }
    }
  });
}

// Each pixel gathers from the windows over it.
template <bool maximum, class T>
void backward(const PoolBackward& call, Range range) {
  const Images &in = call.shape.in, &out = call.shape.out;
  const Axis rows = rowsOf(call.shape), columns = columnsOf(call.shape);
  forImageVectors(in, range, [&](int64_t n, int64_t c, auto lanes) {
    const int64_t start = offsetOf(out, n, c, 0), stride = strideOf(out);
    T* dx = static_cast<T*>(call.dx) + offsetOf(in, n, c, 0);
    forCells(rows, columns, [&](int64_t row, int64_t column, Span overRow, Span overColumn) {
      Vec sum = {};
      for (int64_t i = overRow.begin; i < overRow.end; i++) {
        for (int64_t j = overColumn.begin; j < overColumn.end; j++) {
          const int64_t at = start + (i * out.width + j) * stride;
          const Vec dy = load(static_cast<const T*>(call.dy) + at, lanes);
          if constexpr (maximum) {
            const int64_t cell = (row - rows.start(i)) * call.shape.kernelWidth + column - columns.start(j);
            const IntVec chosen = loadIndex(call.where + at, lanes) == static_cast<int32_t>(cell);
            sum += chosen ? dy : Vec{};
          } else {
            sum += dy * (1.f / static_cast<float>(rows.cells(i).length() * columns.cells(j).length()));
          }
        }
      }
      store(dx + (row * in.width + column) * strideOf(in), sum, lanes);
    });
  });
}

template <bool maximum>
void forwardOfType(const PoolForward& call, Range range) {
  withType(call.shape.in.type, [&](auto type) { forward<maximum, decltype(type)>(call, range); });
}

template <bool maximum>
void backwardOfType(const PoolBackward& call, Range range) {
  withType(call.shape.in.type, [&](auto type) { backward<maximum, decltype(type)>(call, range); });
}

void globalForward(const GlobalPool& call, Range range) {
  const Images& shape = call.shape;
  const float share = 1.f / static_cast<float>(shape.pixels());
  withType(shape.type, [&](auto type) {
    forImageVectors(shape, range, [&](int64_t n, int64_t c, auto lanes) {
      const auto* x = static_cast<const decltype(type)*>(call.x) + offsetOf(shape, n, c, 0);
      Sum sum;
      forSlots(shape.pixels(),
               [&](int64_t i, int slot) { sum.parts[slot] += load(x + i * strideOf(shape), lanes); });
      store(call.values + n * shape.channels + c, sum.total() * share, lanes);
    });
  });
}

void globalBackward(const GlobalPool& call, Range range) {
  const Images& shape = call.shape;
  const float share = 1.f / static_cast<float>(shape.pixels());
  withType(shape.type, [&](auto type) {
    forImageVectors(shape, range, [&](int64_t n, int64_t c, auto lanes) {
      auto* x = static_cast<decltype(type)*>(call.x) + offsetOf(shape, n, c, 0);
      const Vec value = load(call.values + n * shape.channels + c, lanes) * share;
      for (int64_t i = 0; i < shape.pixels(); i++) store(x + i * strideOf(shape), value, lanes);
    });
  });
}

}  // namespace

PoolKernels poolKernels() {
  return {forwardOfType<true>,   backwardOfType<true>, forwardOfType<false>,
          backwardOfType<false>, globalForward,        globalBackward};
}

}  // namespace gradring::GRADRING_ISA
