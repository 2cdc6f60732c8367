// Normalisation: of batches over all axes but the last, and of an element by its neighbours among the channels.
#include "cast.h"
#include "host_norm.h"
#include "ops.h"

namespace gradring {
namespace {

using OptionalTensor = c10::optional<at::Tensor>;

// x, mean, variance, offset?, scale?, epsilon → (x − mean) · scale / √(variance + epsilon) + offset, with broadcasting
void batchNorm(Call& call) {
  const at::Tensor x = call.tensor();
  const at::Tensor mean = call.tensor();
  const at::Tensor variance = call.tensor();
  const OptionalTensor offset = call.optionalTensor();
  const OptionalTensor scale = call.optionalTensor();
  at::Tensor slope = at::rsqrt(variance + call.number());
  if (scale) slope = slope * *scale;
  at::Tensor intercept = -mean * slope;
  if (offset) intercept = intercept + *offset;
  // One pass over x.
  call.give(at::addcmul(intercept, x, slope));
}

// [.., C] as one image of one column: a view that is channels-last, whatever the rank, and known by LibTorch as such.
at::Tensor asImage(const at::Tensor& x) {
  return x.view({1, -1, 1, x.size(-1)}).permute({0, 3, 1, 2});
}

at::Tensor fromImage(const at::Tensor& image, at::IntArrayRef shape) {
  return image.permute({0, 2, 3, 1}).contiguous().view(shape);
}

// x [.., C], scale [C]?, offset [C]?, epsilon → y, mean [C], variance [C] (biased)
void batchNormTrain(Call& call) {
  const at::Tensor x = call.tensor();
  const OptionalTensor scale = call.optionalTensor();
  const OptionalTensor offset = call.optionalTensor();
  const double epsilon = call.number();
  if (x.is_cpu() && x.numel() > 0) {
    NormResult result = hostNormTrain(x, scale, offset, epsilon, call.environment().threads());
    call.give(std::move(result.y));
    call.give(std::move(result.mean));
    return call.give(std::move(result.variance));
  }
  const auto [y, mean, inverse] = at::native_batch_norm(asImage(x), scale, offset, {}, {}, true, 0, epsilon);
  call.give(fromImage(y, x.sizes()));
  call.give(mean);
  // LibTorch keeps 1 / √(variance + epsilon).
  call.give(inverse.pow(-2).sub_(epsilon).clamp_min_(0));
}

// dy, x [.., C], mean [C], variance [C], scale [C]?, epsilon → dx, dScale [C], dOffset [C]
void batchNormTrainGrad(Call& call) {
  const at::Tensor dy = call.tensor();
  const at::Tensor x = call.tensor();
  const at::Tensor mean = call.tensor();
  const at::Tensor variance = call.tensor();
  const OptionalTensor scale = call.optionalTensor();
  const double epsilon = call.number();
  if (x.is_cpu() && x.numel() > 0) {
    const int threads = call.environment().threads();
    NormGradients gradients = hostNormTrainGrad(dy, x, mean, variance, scale, epsilon, threads);
    call.give(std::move(gradients.x));
    call.give(std::move(gradients.scale));
    return call.give(std::move(gradients.offset));
  }
  const at::Tensor inverse = at::rsqrt(variance + epsilon);
  const auto [dx, dScale, dOffset] =
      at::native_batch_norm_backward(asImage(dy), asImage(x), scale.value_or(at::ones_like(mean)), {}, {}, mean, inverse,
                                     true, epsilon, {true, true, true});
  call.give(fromImage(dx, x.sizes()));
  call.give(dScale);
  call.give(dOffset);
}

// y = x · (bias + alpha · Σ x²)^−beta, the sum over the channels within `radius` of the element's own.
struct LocalResponse {
  explicit LocalResponse(Call& call)
      : radius(call.integer()), bias(call.number()), alpha(call.number()), beta(call.number()) {}

  at::Tensor sumOfNeighbours(const at::Tensor& x) const {
    return at::constant_pad_nd(x, {radius, radius}).unfold(-1, 2 * radius + 1, 1).sum(-1);
  }
  at::Tensor norm(const at::Tensor& x) const { return sumOfNeighbours(x * x).mul_(alpha).add_(bias); }

  int64_t radius;
  double bias;
  double alpha;
  double beta;
};

// x, radius, bias, alpha, beta
void localResponse(Call& call) {
  const at::Tensor x = call.tensor();
  const LocalResponse response(call);
  call.give(response.norm(x).pow_(-response.beta).mul_(x));
}

// x, y, dy, radius, bias, alpha, beta → dx
void localResponseGrad(Call& call) {
  const at::Tensor x = call.tensor();
  const at::Tensor y = call.tensor();
  const at::Tensor dy = call.tensor();
  const LocalResponse response(call);
  const at::Tensor norm = response.norm(x);
  const at::Tensor throughNorm = response.sumOfNeighbours(dy * y / norm).mul_(x);
  call.give(norm.pow(-response.beta).mul_(dy).sub_(throughNorm, 2 * response.alpha * response.beta));
}

}  // namespace

void registerNorm(Registry& registry) {
  registry.add("batchNorm", batchNorm);
  registry.add("batchNormTrain", batchNormTrain);
  registry.add("batchNormTrainGrad", batchNormTrainGrad);
  registry.add("localResponse", localResponse);
  registry.add("localResponseGrad", localResponseGrad);
}

}  // namespace gradring
