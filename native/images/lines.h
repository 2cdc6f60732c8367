// The arithmetic of a reduction on lines of bytes. All need AVX2.
//
// Sums are of bytes times weights of 12 bits, rounded to the nearest byte. What is read and written may be followed by
// up to kSlack bytes that are read or overwritten too.
#pragma once
#include <cstddef>
#include <cstdint>

namespace gradring::images {

constexpr size_t kSlack = 32;

// A line from `points` lines; weights[points], if that is odd, is zero.
void weighLines(const uint8_t* const* lines, const int16_t* weights, size_t points, size_t bytes, uint8_t* to);

// `count` pixels of `samples` (1 or 3) bytes, each from `points` neighbouring ones. `firsts[i]`: the first of them;
// `weights[i]`: their weights, zero up to the next multiple of 8.
void weighPixels(const uint8_t* line, const ptrdiff_t* firsts, const int16_t* const* weights, size_t count,
                 size_t points, unsigned samples, uint8_t* to);

void addLine(const uint8_t* line, size_t bytes, uint32_t* sums);

// The means of `lines` lines from their sums.
void meanOfLines(const uint32_t* sums, size_t bytes, size_t lines, uint8_t* to);

// `count` means of `box` neighbouring pixels each.
void meansOfPixels(const uint8_t* pixels, size_t count, size_t box, unsigned samples, uint8_t* to);

}  // namespace gradring::images
