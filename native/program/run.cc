#include "run.h"
#include <time.h>

namespace gradring {

namespace {

// Of this thread's own time, which other threads of the machine do not lengthen.
double milliseconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) * 1e-6;
}

template <class Work>
double timed(const Work& work) {
  const double begin = milliseconds();
  work();
  return milliseconds() - begin;
}

}  // namespace

Run::Run(const Plan& plan, const ProgramOptions& options, const Onednn& onednn, int64_t batch, bool training)
    : plan_(plan), options_(options), onednn_(onednn), batch_(batch), training_(training) {
  const int stages = static_cast<int>(plan.stages.size());
  valueBuffers_.assign(plan.values.size(), -1);
  gradientBuffers_.assign(plan.values.size(), -1);
  normOf_.assign(plan.values.size(), nullptr);
  learns_.assign(stages, false);
  times_.assign(stages, {});
  zeroed_ = plan.zeroGradients;
  Planner planner(*this, 0);
  for (int stage = 0; stage < stages; stage++) {
    planner.moveTo(stage);
    steps_.push_back(makeStep(plan.stages[stage], *this));
    steps_.back()->planForward(planner);
  }
  const int end = 2 * stages + 1;
  planner.moveTo(end);
  planner.useValue(plan.output);
  if (training) planBackward(planner, end);
  memory_.place();
  buildViews();
}

Run::~Run() = default;

void Run::planBackward(Planner& planner, int end) {
  const int stages = static_cast<int>(steps_.size());
  planner.moveTo(stages);
  if (plan_.values[plan_.output].needsGradient) planner.gradientBuffer(plan_.output);
  for (int index = stages - 1; index >= 0; index--) {
    const Stage& stage = plan_.stages[index];
    planner.moveTo(2 * stages - index);
    learns_[index] =
        planner.hasGradient(stage.output) || (stage.pooled >= 0 && planner.hasGradient(stage.pooled));
    if (learns_[index]) {
      steps_[index]->planBackward(planner, *this);
    } else {
      zeroWeightsOf(stage);
    }
  }
  planner.moveTo(end);
  if (planner.hasGradient(plan_.input)) planner.useGradient(plan_.input);
}

// Nothing that leads to the output reads this stage.
void Run::zeroWeightsOf(const Stage& stage) {
  zeroed_.push_back(stage.weight);
  for (const Term& term : stage.terms) {
    if (!term.norm) zeroed_.push_back(term.bias);
    if (term.norm) zeroed_.insert(zeroed_.end(), {term.norm->gamma, term.norm->beta});
  }
}

void Run::buildViews() {
  block_ = allocateBlock(memory_.bytes(), options_.device);
  for (size_t value = 0; value < plan_.values.size(); value++) {
    const int index = static_cast<int>(value);
    values_.push_back(valueBuffers_[index] < 0 ? at::Tensor() : view(index, valueBuffers_[index]));
    gradients_.push_back(gradientBuffers_[index] < 0 ? at::Tensor() : view(index, gradientBuffers_[index]));
  }
}

at::Tensor Run::view(int value, int buffer) const {
  const Value& v = plan_.values[value];
  const Images shape = images(value);
  if (shape.layout == Layout::blocked)
    return scratch(buffer, {batch_, v.channels / blockSize, v.height, v.width, blockSize}, type(value));
  if (v.plain && v.isVector() && !v.isInput) return scratch(buffer, {batch_, v.channels});
  return scratch(buffer, {batch_, v.height, v.width, v.channels}, type(value));
}

at::Tensor Run::scratch(int buffer, at::IntArrayRef shape, at::ScalarType type) const {
  const int64_t bytes = c10::multiply_integers(shape) * static_cast<int64_t>(c10::elementSize(type));
  return block_.narrow(0, memory_.offset(buffer), bytes).view(type).view(shape);
}

at::ScalarType Run::type(int value) const {
  return options_.bf16 && !plan_.values[value].plain ? at::kBFloat16 : at::kFloat;
}

Images Run::images(int value) const {
  const Value& v = plan_.values[value];
  Images images{v.height, v.width, v.channels};
  if (options_.usesKernels() && !v.plain && !v.channelsLast && v.channels % blockSize == 0) images.layout = Layout::blocked;
  images.type = type(value) == at::kFloat ? Type::f32 : Type::bf16;
  return images;
}

const at::Tensor* Run::weightGradient(int slot) const {
  return isTrained(slot) && wanted_[slot].defined() ? &wanted_[slot] : nullptr;
}

float* Run::weightGradientData(int slot) const {
  const at::Tensor* gradient = weightGradient(slot);
  return gradient ? gradient->data_ptr<float>() : nullptr;
}

void Run::done(int slot) const {
  if (weightGradient(slot) && *done_) (*done_)(slot);
}

at::Tensor Run::forward(const at::Tensor& x, at::ArrayRef<at::Tensor> weights) {
  const Value& input = plan_.values[plan_.input];
  values_[plan_.input] = x.view({batch_, input.height, input.width, input.channels}).contiguous();
  weights_ = weights.vec();
  for (size_t index = 0; index < steps_.size(); index++)
    times_[index].forward = timed([&] { steps_[index]->forward(*this); });
  return output();
}

void Run::letGo() {
  weights_.clear();
  values_[plan_.input] = at::Tensor();
}

at::Tensor Run::backward(const at::Tensor& dy, at::ArrayRef<at::Tensor> gradients,
                         const std::function<void(int)>& done) {
  TORCH_CHECK(training_, "backward of a run without training");
  wanted_ = gradients;
  done_ = &done;
  for (int slot : zeroed_) {
    if (!weightGradient(slot)) continue;
    wanted_[slot].zero_();
    this->done(slot);
  }
  if (gradients_[plan_.output].defined()) {
    gradients_[plan_.output].copy_(dy.view(gradients_[plan_.output].sizes()));
    for (size_t index = steps_.size(); index-- > 0;)
      if (learns_[index]) times_[index].backward = timed([&] { steps_[index]->backward(*this); });
  }
  wanted_ = {};
  done_ = nullptr;
  return gradients_[plan_.input];
}

}  // namespace gradring
