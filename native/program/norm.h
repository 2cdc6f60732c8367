// One batch norm of a run, between its four passes.
#pragma once
#include "run.h"

namespace gradring {

struct Norm {
  Norm(const Run& run, const Term& term)
      : spec(*term.norm),
        bias(term.bias),
        channels(run.plan().values[term.value].channels),
        parts(run.options().threads),
        count(run.batch() * run.images(term.value).pixels()),
        sum(parts * channels),
        square(parts * channels) {
    for (auto* each : {&mean, &variance, &scale, &shift, &p, &q, &r}) each->resize(channels);
  }

  // The pivot of the sums.
  const float* pivot(const Run& run) const { return run.weightData(spec.movingMean); }
  // Scale and shift from the sums of this batch; the moving averages follow them.
  void fromBatch(const Run& run);
  // Scale and shift from the moving averages.
  void fromMoving(const Run& run);
  // p, q, r and the gradients of gamma and beta from Σg and Σg·(x − mean) of the parts.
  void backward(const Run& run, const double* sums, const double* products);

  const NormSpec spec;
  const int bias;  // of the convolution before it, which only shifts the mean; −1: none
  const int64_t channels;
  const int parts;
  const int64_t count;
  // By part and channel; the stage before fills them if it can do so in passing, and says so.
  std::vector<double> sum, square;
  bool summed = false;
  std::vector<float> mean, variance, scale, shift, p, q, r;
  // The stage before applies p, q, r itself: it gets g in place of its gradient.
  bool folded = false;

 private:
  void setScale(const Run& run);
};

}  // namespace gradring
