#include "../loss.h"

#include <initializer_list>

#include "strips.h"
#include "table.h"

namespace gradring::GRADRING_ISA {
namespace {

// eˣ for x ≤ 0, to 2 units in the last place: 2ⁿ·eʳ with |r| ≤ ln 2 / 2 and the polynomial of Cephes' expf.
Vec exponential(Vec x) {
  constexpr float lowest = -87, rounder = 12582912;  // adding 1.5·2²³ rounds to a whole number
  x = x < lowest ? splat(lowest) : x;
  const Vec n = (x * 1.44269504f + rounder) - rounder;
  const Vec r = x - n * 0.693359375f - n * -2.12194440e-4f;
  Vec y = splat(1.9875691500e-4f);
  for (const float c :
       {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f}) {
    y = y * r + c;
  }
  y = y * r * r + r + 1;
  return y * (Vec)((__builtin_convertvector(n, IntVec) + 127) << 23);
}

float sumOf(Vec value, Full) {
  float sum = 0;
  for (int i = 0; i < width; i++) sum += value[i];
  return sum;
}

float sumOf(Vec value, Part part) {
  float sum = 0;
  for (int i = 0; i < part.count; i++) sum += value[i];
  return sum;
}

float largestOf(const float* row, int64_t classes) {
  float largest = row[0];
  for (int64_t i = 1; i < classes; i++) largest = row[i] > largest ? row[i] : largest;
  return largest;
}

int64_t firstBadLabel(const int32_t* labels, int64_t classes, Range range) {
  for (int64_t n = range.begin; n < range.end; n++) {
    if (labels[n] < 0 || labels[n] >= classes) return n;
  }
  return -1;
}

void scaleRow(const float* from, float factor, float* to, int64_t count) {
  forVectors(count, [&](int64_t i, auto lanes) { store(to + i, load(from + i, lanes) * factor, lanes); });
}

// The loss of one row; its probabilities and gradient where they are wanted.
double lossOfRow(const CrossEntropy& call, int64_t n) {
  const int64_t classes = call.classes;
  const float* logits = call.logits + n * classes;
  float* gradient = call.dLogits ? call.dLogits + n * classes : nullptr;
  float* powers = call.probabilities ? call.probabilities + n * classes : gradient;
  const int32_t label = call.labels[n];
  const float largest = largestOf(logits, classes), chosen = logits[label];
  double sum = 0;
  forVectors(classes, [&](int64_t i, auto lanes) {
    const Vec power = exponential(load(logits + i, lanes) - largest);
    if (powers) store(powers + i, power, lanes);
    sum += sumOf(power, lanes);
  });
  const float inverse = static_cast<float>(1 / sum);
  if (call.probabilities) scaleRow(powers, inverse, powers, classes);
  if (gradient) {
    scaleRow(powers, call.probabilities ? call.weight : call.weight * inverse, gradient, classes);
    gradient[label] -= call.weight;
  }
  return __builtin_log(sum) + largest - chosen;
}

int64_t crossEntropy(const CrossEntropy& call, Range range) {
  const int64_t bad = firstBadLabel(call.labels, call.classes, range);
  if (bad >= 0) return bad;
  double total = 0;
  for (int64_t n = range.begin; n < range.end; n++) total += lossOfRow(call, n);
  if (call.loss) *call.loss = total * call.weight;
  return -1;
}

void crossEntropyGrad(const CrossEntropyGrad& call, Range range) {
  const int64_t classes = call.classes;
  for (int64_t n = range.begin; n < range.end; n++) {
    float* gradient = call.dLogits + n * classes;
    scaleRow(call.probabilities + n * classes, call.factor, gradient, classes);
    gradient[call.labels[n]] -= call.factor;
  }
}

}  // namespace

LossKernels lossKernels() { return {crossEntropy, crossEntropyGrad}; }

}  // namespace gradring::GRADRING_ISA
