#include "norm.h"

namespace gradring {

void Norm::setScale(const Run& run) {
  NormScale fold{channels,
                 spec.epsilon,
                 mean.data(),
                 variance.data(),
                 run.weightData(spec.gamma),
                 run.weightData(spec.beta),
                 scale.data(),
                 shift.data()};
  normScale(fold);
}

void Norm::fromBatch(const Run& run) {
  normMoments({channels, parts, count, sum.data(), square.data(), pivot(run), mean.data(), variance.data()});
  setScale(run);
  const float rest = static_cast<float>(1 - spec.momentum);
  const float* biases = run.weightData(bias);
  float* movingMean = run.weight(spec.movingMean).data_ptr<float>();
  float* movingVariance = run.weight(spec.movingVariance).data_ptr<float>();
  for (int64_t c = 0; c < channels; c++) {
    const float batchMean = biases ? mean[c] + biases[c] : mean[c];
    movingMean[c] -= (movingMean[c] - batchMean) * rest;
    movingVariance[c] -= (movingVariance[c] - variance[c]) * rest;
  }
}

void Norm::fromMoving(const Run& run) {
  const float* biases = run.weightData(bias);
  const float* movingMean = run.weightData(spec.movingMean);
  const float* movingVariance = run.weightData(spec.movingVariance);
  for (int64_t c = 0; c < channels; c++) {
    mean[c] = biases ? movingMean[c] - biases[c] : movingMean[c];
    variance[c] = movingVariance[c];
  }
  setScale(run);
}

void Norm::backward(const Run& run, const double* sums, const double* products) {
  NormCoefficients fold;
  fold.channels = channels;
  fold.parts = parts;
  fold.count = count;
  fold.epsilon = spec.epsilon;
  fold.sum = sums;
  fold.product = products;
  fold.mean = mean.data();
  fold.variance = variance.data();
  fold.gamma = run.weightData(spec.gamma);
  fold.p = p.data();
  fold.q = q.data();
  fold.r = r.data();
  fold.dGamma = run.weightGradientData(spec.gamma);
  fold.dBeta = run.weightGradientData(spec.beta);
  normCoefficients(fold);
  run.done(spec.gamma);
  run.done(spec.beta);
}

}  // namespace gradring
