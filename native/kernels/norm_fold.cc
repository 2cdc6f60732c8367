#include <cmath>

#include "norm.h"

namespace gradring {
namespace {

double sumOfParts(const double* parts, int64_t count, int64_t channels, int64_t c) {
  double sum = 0;
  for (int64_t part = 0; part < count; part++) sum += parts[part * channels + c];
  return sum;
}

}  // namespace

void normMoments(const NormMoments& call) {
  for (int64_t c = 0; c < call.channels; c++) {
    const double shifted =
        sumOfParts(call.sum, call.parts, call.channels, c) / static_cast<double>(call.count);
    const double square =
        sumOfParts(call.square, call.parts, call.channels, c) / static_cast<double>(call.count);
    call.mean[c] = static_cast<float>(call.pivot[c] + shifted);
    call.variance[c] = static_cast<float>(std::fmax(0.0, square - shifted * shifted));
  }
}

void normScale(const NormScale& call) {
  for (int64_t c = 0; c < call.channels; c++) {
    const double scale = (call.gamma ? call.gamma[c] : 1.0) / std::sqrt(call.variance[c] + call.epsilon);
    call.scale[c] = static_cast<float>(scale);
    call.shift[c] = static_cast<float>((call.beta ? call.beta[c] : 0.0) - scale * call.mean[c]);
  }
}

// With x̂ = (x − mean)/σ:  dx = γ/σ · (g − Σg/n − x̂·Σ(g·x̂)/n),  dγ = Σ(g·x̂),  dβ = Σg.
void normCoefficients(const NormCoefficients& call) {
  const double count = static_cast<double>(call.count);
  for (int64_t c = 0; c < call.channels; c++) {
    const double sum = sumOfParts(call.sum, call.parts, call.channels, c);
    const double product = sumOfParts(call.product, call.parts, call.channels, c);
    const double inverse = 1 / std::sqrt(call.variance[c] + call.epsilon);
    const double scale = (call.gamma ? call.gamma[c] : 1.0) * inverse;
    const double slope = -scale * inverse * inverse * product / count;
    if (call.dGamma) call.dGamma[c] = static_cast<float>(product * inverse);
    if (call.dBeta) call.dBeta[c] = static_cast<float>(sum);
    call.p[c] = static_cast<float>(scale);
    call.q[c] = static_cast<float>(slope);
    call.r[c] = static_cast<float>(-scale * sum / count - slope * call.mean[c]);
  }
}

}  // namespace gradring
