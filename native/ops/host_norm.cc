#include "host_norm.h"
#include <algorithm>
#include "../kernels/kernels.h"

namespace gradring {
namespace {

using OptionalTensor = c10::optional<at::Tensor>;

const float* dataOf(const OptionalTensor& tensor) { return tensor ? tensor->data_ptr<float>() : nullptr; }

// The samples of x as images of one row, shared out among the threads, always in the same parts.
struct Samples {
  Samples(const at::Tensor& x, int threads)
      : count(x.dim() > 1 ? x.size(0) : 1),
        rows(x.numel() / x.size(-1)),
        parts(std::min<int64_t>(threads, count)),
        channels(x.size(-1)) {
    images.width = rows / count;
    images.channels = channels;
  }

  // work(part, range)
  template <class Work>
  void inParts(const Work& work) const {
    at::parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
      for (int64_t part = begin; part < end; part++)
        work(part, Range{count * part / parts, count * (part + 1) / parts});
    });
  }

  int64_t count, rows, parts, channels;
  Images images;
};

}  // namespace

NormResult hostNormTrain(const at::Tensor& x, const OptionalTensor& scale, const OptionalTensor& offset,
                         double epsilon, int threads) {
  const Samples samples(x, threads);
  const int64_t channels = samples.channels;
  NormResult result{at::empty_like(x), at::empty({channels}, x.options()), at::empty({channels}, x.options())};
  float* mean = result.mean.data_ptr<float>();
  float* variance = result.variance.data_ptr<float>();
  // The first row is as near to the mean as any.
  const float* pivot = x.data_ptr<float>();
  std::vector<double> sum(samples.parts * channels), square(samples.parts * channels);
  samples.inParts([&](int64_t part, Range range) {
    const int64_t at = part * channels;
    kernels().norm.stats({samples.images, x.data_ptr(), pivot, sum.data() + at, square.data() + at}, range);
  });
  normMoments({channels, samples.parts, samples.rows, sum.data(), square.data(), pivot, mean, variance});
  std::vector<float> slope(channels), shift(channels);
  normScale({channels, epsilon, mean, variance, dataOf(scale), dataOf(offset), slope.data(), shift.data()});
  NormApply apply;
  apply.shape = samples.images;
  apply.first = {x.data_ptr(), slope.data(), shift.data()};
  apply.slope = 1;
  apply.y = result.y.data_ptr();
  samples.inParts([&](int64_t, Range range) { kernels().norm.apply(apply, range); });
  return result;
}

NormGradients hostNormTrainGrad(const at::Tensor& dy, const at::Tensor& x, const at::Tensor& mean,
                                const at::Tensor& variance, const OptionalTensor& scale, double epsilon,
                                int threads) {
  const Samples samples(x, threads);
  const int64_t channels = samples.channels;
  NormGradients gradients{at::empty_like(x), at::empty_like(mean), at::empty_like(mean)};
  std::vector<double> sum(samples.parts * channels), product(samples.parts * channels);
  const std::vector<float> ones(channels, 1), zeros(channels, 0);
  NormBackwardReduce reduce;
  reduce.shape = samples.images;
  reduce.first = {x.data_ptr(), ones.data(), zeros.data()};
  reduce.firstMean = mean.data_ptr<float>();
  reduce.slope = 1;
  reduce.dy = dy.data_ptr();
  reduce.g = gradients.x.data_ptr();
  samples.inParts([&](int64_t part, Range range) {
    NormBackwardReduce own = reduce;
    own.sum = sum.data() + part * channels;
    own.firstProduct = product.data() + part * channels;
    kernels().norm.backwardReduce(own, range);
  });
  std::vector<float> p(channels), q(channels), r(channels);
  NormCoefficients fold;
  fold.channels = channels;
  fold.parts = samples.parts;
  fold.count = samples.rows;
  fold.epsilon = epsilon;
  fold.sum = sum.data();
  fold.product = product.data();
  fold.mean = mean.data_ptr<float>();
  fold.variance = variance.data_ptr<float>();
  fold.gamma = dataOf(scale);
  fold.p = p.data();
  fold.q = q.data();
  fold.r = r.data();
  fold.dGamma = gradients.scale.data_ptr<float>();
  fold.dBeta = gradients.offset.data_ptr<float>();
  normCoefficients(fold);
  NormBackwardApply apply;
  apply.shape = samples.images;
  apply.g = gradients.x.data_ptr();
  apply.first = {x.data_ptr(), p.data(), q.data(), r.data(), gradients.x.data_ptr()};
  samples.inParts([&](int64_t, Range range) { kernels().norm.backwardApply(apply, range); });
  return gradients;
}

}  // namespace gradring
