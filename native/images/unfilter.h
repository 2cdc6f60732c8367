// Undoes the filters of PNG rows.
//
// Source: PNG specification, third edition, section 9.
#pragma once
#include <cstddef>
#include <cstdint>

namespace gradring::images {

// Whether every row names a filter that exists.
bool filtersExist(const uint8_t* filtered, size_t rows, size_t rowBytes);

// Writes the rows of `filtered` (each a filter type and `rowBytes` bytes) into `target`, one after the other.
// `samples`: bytes of a pixel, 1 … 4. `above`: `rowBytes` zeros, the row above the first.
void unfilter(const uint8_t* filtered, size_t rows, size_t rowBytes, unsigned samples, const uint8_t* above,
              uint8_t* target);

}  // namespace gradring::images
