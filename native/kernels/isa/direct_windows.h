// Which pixels a convolution joins.
#pragma once
#include "../direct.h"
#include "windows.h"

namespace gradring::GRADRING_ISA {

inline int64_t tapsOf(const DirectShape& shape) { return shape.kernelHeight * shape.kernelWidth; }

inline Axis rowsOf(const DirectShape& shape) {
  return {shape.in.height, shape.out.height, shape.kernelHeight, shape.strideHeight, shape.padTop};
}

inline Axis columnsOf(const DirectShape& shape) {
  return {shape.in.width, shape.out.width, shape.kernelWidth, shape.strideWidth, shape.padLeft};
}

// body(input pixel, output pixel) for all pairs that meet at one place of the kernel.
template <class Body>
inline void forPairs(const DirectShape& shape, int64_t tap, const Body& body) {
  const Axis down = rowsOf(shape), across = columnsOf(shape);
  for (int64_t i = 0; i < shape.out.height; i++) {
    const int64_t row = down.start(i) + tap / shape.kernelWidth;
    if (row < 0 || row >= shape.in.height) continue;
    for (int64_t j = 0; j < shape.out.width; j++) {
      const int64_t column = across.start(j) + tap % shape.kernelWidth;
      if (column >= 0 && column < shape.in.width) {
        body(row * shape.in.width + column, i * shape.out.width + j);
      }
    }
  }
}

}  // namespace gradring::GRADRING_ISA
