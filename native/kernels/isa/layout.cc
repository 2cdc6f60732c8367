#include "../layout.h"

#include "strips.h"
#include "table.h"
#include "windows.h"

namespace gradring::GRADRING_ISA {
namespace {

template <class From, class To>
void convertImages(const Convert& call, Range range) {
  constexpr int64_t tile = 64;  // pixels: what one vector leaves of a cache line, the next one finds there
  const Images& from = call.from;
  Images to = from;
  to.layout = call.layout;
  for (int64_t n = range.begin; n < range.end; n++) {
    for (int64_t first = 0; first < from.pixels(); first += tile) {
      const int64_t pixels = smaller(tile, from.pixels() - first);
      forVectors(from.channels, [&](int64_t c, auto lanes) {
        const From* source = static_cast<const From*>(call.source) + offsetOf(from, n, c, first);
        To* target = static_cast<To*>(call.target) + offsetOf(to, n, c, first);
        for (int64_t i = 0; i < pixels; i++) {
          store(target + i * strideOf(to), load(source + i * strideOf(from), lanes), lanes);
        }
      });
    }
  }
}

void convert(const Convert& call, Range range) {
  withType(call.from.type, [&](auto from) {
    withType(call.type, [&](auto to) { convertImages<decltype(from), decltype(to)>(call, range); });
  });
}

// `pixels` neighbouring pixels of image n, all channels, as NHWC.
template <class T>
void copyPixels(const Images& shape, const T* image, int64_t n, int64_t first, int64_t pixels, T* to) {
  if (shape.layout == Layout::nhwc) {
    __builtin_memcpy(to, image + (n * shape.pixels() + first) * shape.channels,
                     static_cast<size_t>(pixels * shape.channels) * sizeof(T));
    return;
  }
  for (int64_t i = 0; i < pixels; i++) {
    for (int64_t c = 0; c < shape.channels; c += blockSize, to += blockSize) {
      __builtin_memcpy(to, image + offsetOf(shape, n, c, first + i), blockSize * sizeof(T));
    }
  }
}

template <class T>
T* clear(T* to, int64_t count) {
  __builtin_memset(to, 0, static_cast<size_t>(count) * sizeof(T));
  return to + count;
}

Axis rowsOf(const Columns& call) {
  return {call.shape.height, call.outHeight, call.kernelHeight, call.strideHeight, call.padTop};
}

Axis columnsOf(const Columns& call) {
  return {call.shape.width, call.outWidth, call.kernelWidth, call.strideWidth, call.padLeft};
}

template <class T>
void imageToColumns(const Columns& call, int64_t n, T* to) {
  const Images& shape = call.shape;
  const Axis rows = rowsOf(call), columns = columnsOf(call);
  const int64_t kernelRow = call.kernelWidth * shape.channels;
  for (int64_t i = 0; i < call.outHeight; i++) {
    for (int64_t j = 0; j < call.outWidth; j++) {
      const Span cells = columns.cells(j);
      const int64_t left = (cells.begin - columns.start(j)) * shape.channels, length = cells.length();
      for (int64_t k = 0; k < call.kernelHeight; k++) {
        const int64_t row = rows.start(i) + k;
        if (row < 0 || row >= shape.height || length <= 0) {
          to = clear(to, kernelRow);
          continue;
        }
        to = clear(to, left);
        copyPixels(shape, static_cast<const T*>(call.image), n, row * shape.width + cells.begin, length, to);
        to = clear(to + length * shape.channels, kernelRow - left - length * shape.channels);
      }
    }
  }
}

template <class T>
void columnsToImage(const Columns& call, int64_t n, const T* from) {
  const Images& shape = call.shape;
  const Axis rows = rowsOf(call), columns = columnsOf(call);
  const int64_t kernelCells = call.kernelHeight * call.kernelWidth;
  forCells(rows, columns, [&](int64_t row, int64_t column, Span overRow, Span overColumn) {
    forVectors(shape.channels, [&](int64_t c, auto lanes) {
      Vec sum = {};
      for (int64_t i = overRow.begin; i < overRow.end; i++) {
        for (int64_t j = overColumn.begin; j < overColumn.end; j++) {
          const int64_t cell = (row - rows.start(i)) * call.kernelWidth + column - columns.start(j);
          sum += load(from + ((i * call.outWidth + j) * kernelCells + cell) * shape.channels + c, lanes);
        }
      }
      store(static_cast<T*>(call.image) + offsetOf(shape, n, c, row * shape.width + column), sum, lanes);
    });
  });
}

// body(n, columns of image n)
template <class Body>
void forColumns(const Columns& call, Range range, const Body& body) {
  const int64_t elements =
      call.outHeight * call.outWidth * call.kernelHeight * call.kernelWidth * call.shape.channels;
  withType(call.shape.type, [&](auto type) {
    for (int64_t n = range.begin; n < range.end; n++) {
      body(n, static_cast<decltype(type)*>(call.columns) + n * elements);
    }
  });
}

void toColumns(const Columns& call, Range range) {
  forColumns(call, range, [&](int64_t n, auto* columns) { imageToColumns(call, n, columns); });
}

void fromColumns(const Columns& call, Range range) {
  forColumns(call, range, [&](int64_t n, auto* columns) { columnsToImage(call, n, columns); });
}

template <class From, class To>
void convertFlat(const From* source, To* target, Range range) {
  forVectors(range.end - range.begin, [&](int64_t i, auto lanes) {
    store(target + range.begin + i, load(source + range.begin + i, lanes), lanes);
  });
}

}  // namespace

LayoutKernels layoutKernels() {
  return {convert, toColumns, fromColumns, convertFlat<float, Bf16>, convertFlat<Bf16, float>};
}

}  // namespace gradring::GRADRING_ISA
