// The gradient of the filter with AVX512_BF16: a multiplier takes two images at once, so they lie in pairs.
#if defined(__AVX512BF16__)

#include "direct_windows.h"
#include "strips.h"
#include "table.h"

namespace gradring::GRADRING_ISA {
namespace {

constexpr int64_t pairsAtOnce = 7;  // direct.cc reckons with 14 images

// The same channel of two images: what one lane multiplies.
using Pair = uint32_t;

// Images lie as [pixel][block of channels][pair of images][16]; a last one without partner beside zeros.
void pack(const Images& shape, const Bf16* from, int64_t first, int64_t count, Pair* to) {
  const int64_t pixelPairs = shape.channels * pairsAtOnce;
  for (int64_t i = 0; i < count; i += 2) {
    for (int64_t c = 0; c < shape.channels; c += blockSize) {
      const Bf16* image = from + offsetOf(shape, first + i, c, 0);
      const int64_t next = i + 1 < count ? shape.elements() : 0;
      Pair* target = to + (c * pairsAtOnce + i / 2 * blockSize);
      for (int64_t pixel = 0; pixel < shape.pixels(); pixel++, image += blockSize, target += pixelPairs) {
        const BitVec low = (BitVec)load(image, Full{}) >> 16;
        const BitVec high = next ? (BitVec)load(image + next, Full{}) : BitVec{};
        store(reinterpret_cast<float*>(target), (Vec)(low | high), Full{});
      }
    }
  }
}

// As addTap of direct.cc, sixteen input channels by sixteen output channels.
void addTap(const DirectShape& shape, int64_t tap, const Pair* x, const Pair* dy, int64_t pairs,
            float* dFilter) {
  const int64_t inPairs = shape.in.channels * pairsAtOnce, outPairs = shape.out.channels * pairsAtOnce;
  __m512 sums[blockSize];
#pragma GCC unroll 16
  for (int c = 0; c < blockSize; c++) sums[c] = _mm512_loadu_ps(dFilter + c * shape.out.channels);
  forPairs(shape, tap, [&](int64_t in, int64_t out) {
    const Pair *from = x + in * inPairs, *gradients = dy + out * outPairs;
    for (int64_t pair = 0; pair < pairs; pair++, from += blockSize, gradients += blockSize) {
      const __m512bh gradient = (__m512bh)_mm512_loadu_si512(gradients);
#pragma GCC unroll 16
      for (int c = 0; c < blockSize; c++) {
        sums[c] = _mm512_dpbf16_ps(sums[c], gradient, (__m512bh)_mm512_set1_epi32(static_cast<int>(from[c])));
      }
    }
  });
#pragma GCC unroll 16
  for (int c = 0; c < blockSize; c++) _mm512_storeu_ps(dFilter + c * shape.out.channels, sums[c]);
}

}  // namespace

void addGradientsOfPairs(const DirectGradient& call, Range range) {
  const DirectShape& shape = call.shape;
  Pair* x = reinterpret_cast<Pair*>(call.scratch);
  Pair* dy = x + shape.in.elements() * pairsAtOnce;
  for (int64_t first = range.begin; first < range.end; first += 2 * pairsAtOnce) {
    const int64_t count = smaller(2 * pairsAtOnce, range.end - first);
    pack(shape.in, static_cast<const Bf16*>(call.x), first, count, x);
    pack(shape.out, static_cast<const Bf16*>(call.dy), first, count, dy);
    for (int64_t tap = 0; tap < tapsOf(shape); tap++) {
      for (int64_t out = 0; out < shape.out.channels; out += blockSize) {
        for (int64_t in = 0; in < shape.in.channels; in += blockSize) {
          float* target = call.dFilter + (tap * shape.in.channels + in) * shape.out.channels + out;
          addTap(shape, tap, x + in * pairsAtOnce, dy + out * pairsAtOnce, (count + 1) / 2, target);
        }
      }
    }
  }
}

}  // namespace gradring::GRADRING_ISA

#endif
