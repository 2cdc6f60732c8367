#include "../optimizer.h"
#include "strips.h"
#include "table.h"

namespace gradring::GRADRING_ISA {
namespace {

// body(i, lanes) for the vectors of elements [begin, end).
template <class Body>
void forElements(Range range, const Body& body) {
  forVectors(range.end - range.begin, [&](int64_t i, auto lanes) { body(range.begin + i, lanes); });
}

Vec squareRoot(Vec value) {
#if defined(__AVX512F__)
  return (Vec)_mm512_maskz_sqrt_ps(0xffff, (__m512)value);
#elif defined(__AVX2__)
  return (Vec)_mm256_sqrt_ps((__m256)value);
#elif defined(__SSE2__)
  return (Vec)_mm_sqrt_ps((__m128)value);
#else
  for (int i = 0; i < width; i++) value[i] = __builtin_sqrtf(value[i]);
  return value;
#endif
}

// Keeps a product from being fused with the sum it is part of: then it rounds as two operations do, which is what
// momentum kept in the gradients (scaled, then added to) comes to.
Vec rounded(Vec value) {
#if defined(__x86_64__)
  asm("" : "+v"(value));
#elif defined(__aarch64__)
  asm("" : "+w"(value));
#else
  asm("" : "+m"(value));
#endif
  return value;
}

void sgd(const SgdStep& call, Range range) {
  const float lr = static_cast<float>(call.lr), decay = static_cast<float>(call.weightDecay);
  if (call.momentum == 0) {
    forElements(range, [&](int64_t i, auto lanes) {
      const Vec value = load(call.values + i, lanes);
      store(call.values + i, value - lr * (load(call.gradients + i, lanes) + decay * value), lanes);
    });
    return;
  }
  const float momentum = static_cast<float>(call.momentum);
  const float share = call.step == 1 ? 1 : static_cast<float>(1 - call.dampening);
  const float gradientPart = call.nesterov ? 1 : 0, momentumPart = call.nesterov ? momentum : 1;
  forElements(range, [&](int64_t i, auto lanes) {
    const Vec value = load(call.values + i, lanes);
    const Vec gradient = load(call.gradients + i, lanes) + decay * value;
    const Vec moving = rounded(momentum * load(call.momenta + i, lanes)) + share * gradient;
    store(call.momenta + i, moving, lanes);
    store(call.values + i, value - lr * (gradientPart * gradient + momentumPart * moving), lanes);
  });
}

void adam(const AdamStep& call, Range range) {
  const float shrink = static_cast<float>(call.decoupledDecay ? 1 - call.lr * call.weightDecay : 1);
  const float coupled = static_cast<float>(call.decoupledDecay ? 0 : call.weightDecay);
  const double steps = static_cast<double>(call.step);
  const float rate = static_cast<float>(call.lr / (1 - __builtin_pow(call.beta1, steps)));
  const float inverseRoot = static_cast<float>(1 / __builtin_sqrt(1 - __builtin_pow(call.beta2, steps)));
  const float beta1 = static_cast<float>(call.beta1), beta2 = static_cast<float>(call.beta2);
  const float share1 = static_cast<float>(1 - call.beta1), share2 = static_cast<float>(1 - call.beta2);
  const float epsilon = static_cast<float>(call.epsilon);
  forElements(range, [&](int64_t i, auto lanes) {
    const Vec value = load(call.values + i, lanes) * shrink;
    const Vec gradient = load(call.gradients + i, lanes) + coupled * value;
    const Vec first = beta1 * load(call.means + i, lanes) + share1 * gradient;
    const Vec second = beta2 * load(call.squares + i, lanes) + share2 * gradient * gradient;
    store(call.means + i, first, lanes);
    store(call.squares + i, second, lanes);
    store(call.values + i, value - rate * first / (squareRoot(second) * inverseRoot + epsilon), lanes);
  });
}

void accumulate(float* target, const float* source, Range range) {
  forElements(range, [&](int64_t i, auto lanes) {
    store(target + i, load(target + i, lanes) + load(source + i, lanes), lanes);
  });
}

void scale(float* target, float factor, Range range) {
  forElements(range,
              [&](int64_t i, auto lanes) { store(target + i, load(target + i, lanes) * factor, lanes); });
}

void sumChunk(float* const* buffers, int64_t replicas, int64_t chunk, Range range) {
  forElements(range, [&](int64_t i, auto lanes) {
    Vec sum = load(buffers[chunk] + i, lanes);
    for (int64_t r = chunk + 1; r < replicas; r++) sum += load(buffers[r] + i, lanes);
    for (int64_t r = 0; r < chunk; r++) sum += load(buffers[r] + i, lanes);
    for (int64_t r = 0; r < replicas; r++) store(buffers[r] + i, sum, lanes);
  });
}

}  // namespace

FlatKernels flatKernels() { return {sgd, adam, accumulate, scale, sumChunk}; }

}  // namespace gradring::GRADRING_ISA
