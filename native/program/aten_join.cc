// A join by ATen's operations, on any device.
#include <tuple>
#include "run.h"

namespace gradring {

namespace {

at::Tensor asNchw(const at::Tensor& x) { return x.dim() == 4 ? x.permute({0, 3, 1, 2}) : x; }
at::Tensor asNhwc(const at::Tensor& x) { return x.dim() == 4 ? x.permute({0, 2, 3, 1}) : x; }

class AtenJoin : public Step {
 public:
  AtenJoin(const Stage& stage, const Run&) : stage_(stage) {
    TORCH_CHECK(stage.slope >= 0, "an activation with a negative slope of ", stage.slope);
  }

  void planForward(Planner& planner) override {
    for (const Term& term : stage_.terms) planner.useValue(term.value);
    planner.useValue(stage_.output);
    if (stage_.pooled >= 0) planner.useValue(stage_.pooled);
  }

  void planBackward(Planner& planner, const Run& run) override {
    hasDy_ = planner.hasGradient(stage_.output);
    planner.gradientBuffer(stage_.output);
    planner.useValue(stage_.output);
    hasPooled_ = stage_.pooled >= 0 && planner.hasGradient(stage_.pooled);
    if (hasPooled_) planner.useGradient(stage_.pooled);
    for (size_t index = 0; index < stage_.terms.size(); index++) {
      planner.useValue(stage_.terms[index].value);
      sinks_[index] = planSink(planner, run, stage_.terms[index].value);
    }
  }

  void forward(Run& run) override {
    at::Tensor sum = termOf(run, 0);
    if (stage_.terms.size() > 1) sum = sum + termOf(run, 1);
    if (stage_.slope == 0) sum = at::relu(sum);
    if (stage_.slope > 0 && stage_.slope != 1) sum = at::leaky_relu(sum, stage_.slope);
    if (stage_.offset != 0) sum = sum + stage_.offset;
    const at::Tensor& y = run.value(stage_.output);
    y.copy_(sum);
    if (stage_.pooled >= 0)
      run.value(stage_.pooled).copy_(asNhwc(at::avg_pool2d(asNchw(y), {2, 2}, {2, 2}, {0, 0}, true, false)));
  }

  void backward(Run& run) override {
    const at::Tensor g = gradientOfSum(run);
    for (size_t index = 0; index < stage_.terms.size(); index++) {
      const Term& term = stage_.terms[index];
      const at::Tensor dx = term.norm ? backwardNorm(run, index, g) : g;
      if (!term.norm && run.weightGradient(term.bias)) {
        const at::Tensor rows = g.reshape({-1, g.size(-1)});
        run.weightGradient(term.bias)->copy_(rows.sum({0}, false, at::kFloat));
        run.done(term.bias);
      }
      if (!sinks_[index].wanted()) continue;
      sinks_[index].target(run).copy_(dx);
      sinks_[index].finish(run);
    }
  }

 private:
  struct Saved {
    at::Tensor mean, inverse;
  };

  static at::Tensor orNone(const Run& run, int slot) { return slot < 0 ? at::Tensor() : run.weight(slot); }

  at::Tensor termOf(const Run& run, size_t index) {
    const Term& term = stage_.terms[index];
    const at::Tensor& x = run.value(term.value);
    if (!term.norm) return term.bias < 0 ? x : x + run.weight(term.bias).to(x.scalar_type());
    return run.training() ? trainedNorm(run, index, x) : movingNorm(run, term, x);
  }

  at::Tensor trainedNorm(const Run& run, size_t index, const at::Tensor& x) {
    const Term& term = stage_.terms[index];
    const NormSpec& spec = *term.norm;
    at::Tensor y;
    std::tie(y, saved_[index].mean, saved_[index].inverse) = at::native_batch_norm(
        asNchw(x), orNone(run, spec.gamma), orNone(run, spec.beta), {}, {}, true, 0, spec.epsilon);
    const at::Tensor variance = saved_[index].inverse.pow(-2) - spec.epsilon;
    const at::Tensor mean = term.bias < 0 ? saved_[index].mean : saved_[index].mean + run.weight(term.bias);
    run.weight(spec.movingMean).mul_(spec.momentum).add_(mean, 1 - spec.momentum);
    run.weight(spec.movingVariance).mul_(spec.momentum).add_(variance, 1 - spec.momentum);
    return asNhwc(y);
  }

  static at::Tensor movingNorm(const Run& run, const Term& term, const at::Tensor& x) {
    const NormSpec& spec = *term.norm;
    at::Tensor scale = at::rsqrt(run.weight(spec.movingVariance) + spec.epsilon);
    if (spec.gamma >= 0) scale = scale * run.weight(spec.gamma);
    at::Tensor mean = run.weight(spec.movingMean);
    if (term.bias >= 0) mean = mean - run.weight(term.bias);
    at::Tensor shift = -mean * scale;
    if (spec.beta >= 0) shift = shift + run.weight(spec.beta);
    return x * scale + shift;
  }

  at::Tensor gradientOfSum(const Run& run) const {
    const at::Tensor& y = run.value(stage_.output);
    at::Tensor dy = run.gradient(stage_.output);
    if (hasPooled_) {
      const at::Tensor spread = asNhwc(at::avg_pool2d_backward(
          asNchw(run.gradient(stage_.pooled)), asNchw(y), {2, 2}, {2, 2}, {0, 0}, true, false, c10::nullopt));
      dy = hasDy_ ? dy + spread : spread;
    }
    return stage_.slope == 1 ? dy : at::where(y > stage_.offset, dy, dy * stage_.slope);
  }

  at::Tensor backwardNorm(const Run& run, size_t index, const at::Tensor& g) const {
    const Term& term = stage_.terms[index];
    const NormSpec& spec = *term.norm;
    const auto [dx, dGamma, dBeta] = at::native_batch_norm_backward(
        asNchw(g), asNchw(run.value(term.value)), orNone(run, spec.gamma), {}, {}, saved_[index].mean,
        saved_[index].inverse, true, spec.epsilon, {true, true, true});
    for (const auto& [slot, gradient] :
         {std::make_pair(spec.gamma, dGamma), std::make_pair(spec.beta, dBeta)}) {
      if (!run.weightGradient(slot)) continue;
      run.weightGradient(slot)->copy_(gradient);
      run.done(slot);
    }
    return asNhwc(dx);
  }

  const Stage& stage_;
  Saved saved_[2];  // by term
  Sink sinks_[2];
  bool hasDy_ = false, hasPooled_ = false;
};

}  // namespace

std::unique_ptr<Step> makeAtenJoin(const Stage& stage, Run& run) {
  return std::make_unique<AtenJoin>(stage, run);
}

}  // namespace gradring
