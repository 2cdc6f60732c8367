// Windows that slide along an axis, of pools and of convolutions.
#pragma once
#include "vector.h"

namespace gradring::GRADRING_ISA {

struct Span {
  int64_t begin = 0, end = 0;

  int64_t length() const { return end - begin; }
};

struct Axis {
  int64_t size, windows, kernel, stride, pad;

  int64_t start(int64_t window) const { return window * stride - pad; }

  // The real cells of a window.
  Span cells(int64_t window) const {
    return {larger(0, start(window)), smaller(size, start(window) + kernel)};
  }

  // Moves `span` on to the windows over a cell; to be called for cells 0, 1, … in turn, from an empty span
  // on.
  void advance(int64_t cell, Span& span) const {
    while (span.begin < windows && start(span.begin) + kernel <= cell) span.begin++;
    while (span.end < windows && start(span.end) <= cell) span.end++;
  }
};

// body(row, column, windows over the row, windows over the column) for every cell of an image.
template <class Body>
inline void forCells(const Axis& rows, const Axis& columns, const Body& body) {
  Span overRow;
  for (int64_t row = 0; row < rows.size; row++) {
    rows.advance(row, overRow);
    Span overColumn;
    for (int64_t column = 0; column < columns.size; column++) {
      columns.advance(column, overColumn);
      body(row, column, overRow, overColumn);
    }
  }
}

}  // namespace gradring::GRADRING_ISA
