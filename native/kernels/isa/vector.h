// One vector of floats, as wide as the instruction set this file is compiled for: GRADRING_ISA names it.
// Twice the native width would be two to four times slower, not faster.
#pragma once
#include <cstdint>

#include "../images.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#ifndef GRADRING_ISA
#error "compile this file once per instruction set, with -DGRADRING_ISA=base|v3|v4|v4bf16"
#endif

namespace gradring::GRADRING_ISA {

#if defined(__AVX512F__)
constexpr int width = 16;
#elif defined(__AVX2__)
constexpr int width = 8;
#else
constexpr int width = 4;
#endif

typedef float Vec __attribute__((vector_size(4 * width)));
typedef int32_t IntVec __attribute__((vector_size(4 * width)));
typedef uint32_t BitVec __attribute__((vector_size(4 * width)));
typedef uint16_t HalfVec __attribute__((vector_size(2 * width)));
typedef double DoubleVec __attribute__((vector_size(8 * width)));

using Bf16 = uint16_t;

// A number known to the compiler, as an argument.
template <int number>
struct Count {
  static constexpr int value = number;
};

// How many lanes a load or store touches: all, or the last channels of an image.
struct Full {};
struct Part {
  int count;
};

inline Vec splat(float value) { return value - Vec{}; }
inline Vec larger(Vec a, Vec b) { return a > b ? a : b; }

// GCC splits a __builtin_convertvector between 16 and 32 bits into halves, so the instructions are named.
inline Vec widen(HalfVec half) {
#if defined(__AVX512F__)
  const BitVec bits = (BitVec)_mm512_maskz_cvtepu16_epi32(0xffff, (__m256i)half);
#elif defined(__AVX2__)
  const BitVec bits = (BitVec)_mm256_cvtepu16_epi32((__m128i)half);
#else
  const BitVec bits = __builtin_convertvector(half, BitVec);
#endif
  return (Vec)(bits << 16);
}

// Round to nearest, ties to even; NaN stays one.
inline HalfVec narrow(Vec value) {
#if defined(__AVX512BF16__)
  return (HalfVec)_mm512_cvtneps_pbh((__m512)value);
#else
  const BitVec bits = (BitVec)value;
  const BitVec rounded = bits + 0x7fff + ((bits >> 16) & 1);
  const BitVec chosen = (BitVec)(value == value ? (IntVec)rounded : (IntVec)(bits | 0x400000));
#if defined(__AVX512F__)
  return (HalfVec)_mm512_maskz_cvtepi32_epi16(0xffff, (__m512i)(chosen >> 16));
#else
  return __builtin_convertvector(chosen >> 16, HalfVec);
#endif
#endif
}

inline Vec load(const float* from, Full) {
  Vec value;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}

inline Vec load(const Bf16* from, Full) {
  HalfVec half;
  __builtin_memcpy(&half, from, sizeof half);
  return widen(half);
}

inline void store(float* to, Vec value, Full) { __builtin_memcpy(to, &value, sizeof value); }

inline void store(Bf16* to, Vec value, Full) {
  const HalfVec half = narrow(value);
  __builtin_memcpy(to, &half, sizeof half);
}

#if defined(__AVX512F__)

inline __mmask16 laneMask(Part part) { return static_cast<__mmask16>((1u << part.count) - 1); }

inline Vec load(const float* from, Part part) { return (Vec)_mm512_maskz_loadu_ps(laneMask(part), from); }

inline Vec load(const Bf16* from, Part part) {
  return widen((HalfVec)_mm256_maskz_loadu_epi16(laneMask(part), from));
}

inline void store(float* to, Vec value, Part part) {
  _mm512_mask_storeu_ps(to, laneMask(part), (__m512)value);
}

inline void store(Bf16* to, Vec value, Part part) {
  _mm256_mask_storeu_epi16(to, laneMask(part), (__m256i)narrow(value));
}

#else

inline Vec load(const float* from, Part part) {
  Vec value = {};
  for (int i = 0; i < part.count; i++) value[i] = from[i];
  return value;
}

inline Vec load(const Bf16* from, Part part) {
  HalfVec half = {};
  for (int i = 0; i < part.count; i++) half[i] = from[i];
  return widen(half);
}

inline void store(float* to, Vec value, Part part) {
  for (int i = 0; i < part.count; i++) to[i] = value[i];
}

inline void store(Bf16* to, Vec value, Part part) {
  const HalfVec half = narrow(value);
  for (int i = 0; i < part.count; i++) to[i] = half[i];
}

#endif

// to[i] += value[i], in double: what short blocks in fp32 are summed up in.
inline void addTo(double* to, Vec value, Full) {
  DoubleVec sum;
  __builtin_memcpy(&sum, to, sizeof sum);
  sum += __builtin_convertvector(value, DoubleVec);
  __builtin_memcpy(to, &sum, sizeof sum);
}

inline void addTo(double* to, Vec value, Part part) {
  for (int i = 0; i < part.count; i++) to[i] += value[i];
}

// body(T{}) with the C++ type of the images' elements.
template <class Body>
inline void withType(Type type, const Body& body) {
  if (type == Type::f32) {
    body(float{});
  } else {
    body(Bf16{});
  }
}

inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

inline int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

}  // namespace gradring::GRADRING_ISA
