#include "lines.h"

#include <immintrin.h>

#include <cstring>

namespace gradring::images {
namespace {

constexpr int kShift = 12;
constexpr int kHalf = 1 << (kShift - 1);

// Two weights, to be multiplied with samples that alternate.
__m256i pairOf(const int16_t* weights) {
  int32_t both;
  std::memcpy(&both, weights, sizeof both);
  return _mm256_set1_epi32(both);
}

// `values` of 16 bits, which alternate, times two weights.
void add(__m256i& sum, __m256i values, __m256i weights) {
  sum = _mm256_add_epi32(sum, _mm256_madd_epi16(values, weights));
}

void add(__m128i& sum, __m128i values, const int16_t* weights) {
  int32_t both;
  std::memcpy(&both, weights, sizeof both);
  sum = _mm_add_epi32(sum, _mm_madd_epi16(values, _mm_set1_epi32(both)));
}

// Of four sums, as bytes.
uint32_t bytesOf(__m128i sums) {
  const __m128i words = _mm_packs_epi32(_mm_srai_epi32(sums, kShift), _mm_setzero_si128());
  return static_cast<uint32_t>(_mm_cvtsi128_si32(_mm_packus_epi16(words, words)));
}

uint8_t weighGrey(const uint8_t* pixels, const int16_t* weights, size_t points) {
  __m128i sums = _mm_setzero_si128();
  for (size_t i = 0; i < points; i += 8) {
    const __m128i values = _mm_cvtepu8_epi16(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(pixels + i)));
    const __m128i eight = _mm_loadu_si128(reinterpret_cast<const __m128i*>(weights + i));
    sums = _mm_add_epi32(sums, _mm_madd_epi16(values, eight));
  }
  sums = _mm_hadd_epi32(sums, sums);
  sums = _mm_hadd_epi32(sums, sums);
  return static_cast<uint8_t>(bytesOf(_mm_add_epi32(sums, _mm_set1_epi32(kHalf))));
}

uint32_t weighColour(const uint8_t* pixels, const int16_t* weights, size_t points) {
  // The same sample of two pixels, side by side, each in 16 bits: of the first two pixels, and of the next.
  const __m128i two = _mm_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1);
  const __m128i next = _mm_setr_epi8(6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1);
  __m128i sums = _mm_set1_epi32(kHalf);
  for (size_t i = 0; i < points; i += 4) {
    const __m128i four = _mm_loadu_si128(reinterpret_cast<const __m128i*>(pixels + 3 * i));
    add(sums, _mm_shuffle_epi8(four, two), weights + i);
    if (i + 2 < points) add(sums, _mm_shuffle_epi8(four, next), weights + i + 2);
  }
  return bytesOf(sums);
}

// What a sum is multiplied with, for its upper eight bits to be the mean.
uint32_t reciprocal(size_t count) { return static_cast<uint32_t>((uint64_t{1} << 32) / (256 * count)); }

void meansOfGrey(const uint8_t* pixels, size_t count, size_t box, uint8_t* to) {
  const uint32_t factor = reciprocal(box);
  for (size_t i = 0; i < count; i++, pixels += box) {
    auto sum = static_cast<uint32_t>(box / 2);
    for (size_t j = 0; j < box; j++) sum += pixels[j];
    to[i] = static_cast<uint8_t>((sum * factor) >> 24);
  }
}

void meansOfColour(const uint8_t* pixels, size_t count, size_t box, uint8_t* to) {
  const __m128i factor = _mm_set1_epi32(static_cast<int>(reciprocal(box)));
  const __m128i half = _mm_set1_epi32(static_cast<int>(box / 2));
  for (size_t i = 0; i < count; i++, to += 3) {
    __m128i sums = half;
    for (size_t j = 0; j < box; j++, pixels += 3) {
      int32_t pixel;
      std::memcpy(&pixel, pixels, sizeof pixel);
      sums = _mm_add_epi32(sums, _mm_cvtepu8_epi32(_mm_cvtsi32_si128(pixel)));
    }
    const __m128i means = _mm_srli_epi32(_mm_mullo_epi32(sums, factor), 24);
    const __m128i words = _mm_packus_epi32(means, means);
    const int32_t bytes = _mm_cvtsi128_si32(_mm_packus_epi16(words, words));
    std::memcpy(to, &bytes, sizeof bytes);
  }
}

}  // namespace

void weighLines(const uint8_t* const* lines, const int16_t* weights, size_t points, size_t bytes, uint8_t* to) {
  const __m256i zero = _mm256_setzero_si256();
  const __m256i half = _mm256_set1_epi32(kHalf);
  for (size_t at = 0; at < bytes; at += 32) {
    __m256i a = half, b = half, c = half, d = half;
    for (size_t i = 0; i < points; i += 2) {
      const __m256i upper = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(lines[i] + at));
      const __m256i lower =
          i + 1 < points ? _mm256_loadu_si256(reinterpret_cast<const __m256i*>(lines[i + 1] + at)) : zero;
      const __m256i pair = pairOf(weights + i);
      const __m256i low = _mm256_unpacklo_epi8(upper, lower), high = _mm256_unpackhi_epi8(upper, lower);
      add(a, _mm256_unpacklo_epi8(low, zero), pair);
      add(b, _mm256_unpackhi_epi8(low, zero), pair);
      add(c, _mm256_unpacklo_epi8(high, zero), pair);
      add(d, _mm256_unpackhi_epi8(high, zero), pair);
    }
    // Packing undoes the order that unpacking gave them.
    const __m256i low = _mm256_packs_epi32(_mm256_srai_epi32(a, kShift), _mm256_srai_epi32(b, kShift));
    const __m256i high = _mm256_packs_epi32(_mm256_srai_epi32(c, kShift), _mm256_srai_epi32(d, kShift));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + at), _mm256_packus_epi16(low, high));
  }
}

void weighPixels(const uint8_t* line, const ptrdiff_t* firsts, const int16_t* const* weights, size_t count,
                 size_t points, unsigned samples, uint8_t* to) {
  if (samples == 1) {
    for (size_t i = 0; i < count; i++) to[i] = weighGrey(line + firsts[i], weights[i], points);
    return;
  }
  for (size_t i = 0; i < count; i++) {
    const uint32_t bytes = weighColour(line + 3 * firsts[i], weights[i], points);
    std::memcpy(to + 3 * i, &bytes, sizeof bytes);
  }
}

void addLine(const uint8_t* line, size_t bytes, uint32_t* sums) {
  for (size_t i = 0; i < bytes; i++) sums[i] += line[i];
}

void meanOfLines(const uint32_t* sums, size_t bytes, size_t lines, uint8_t* to) {
  const uint32_t factor = reciprocal(lines);
  const auto half = static_cast<uint32_t>(lines / 2);
  for (size_t i = 0; i < bytes; i++) to[i] = static_cast<uint8_t>(((sums[i] + half) * factor) >> 24);
}

void meansOfPixels(const uint8_t* pixels, size_t count, size_t box, unsigned samples, uint8_t* to) {
  if (samples == 1) return meansOfGrey(pixels, count, box, to);
  meansOfColour(pixels, count, box, to);
}

}  // namespace gradring::images
