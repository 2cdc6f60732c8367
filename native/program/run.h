// A run: the plan made concrete for one batch size. It owns the steps, the memory they work in and what is
// kept from forward to backward.
#pragma once
#include <functional>
#include <memory>
#include "../kernels/kernels.h"
#include "memory.h"
#include "../onednn.h"
#include "plan.h"

namespace gradring {

struct ProgramOptions {
  c10::Device device = c10::kCPU;
  bool bf16 = false;
  int threads = 1;
  bool inputGradient = false;  // backward() gives dx
  bool replay = false;         // CUDA records the work and replays it
  // Without oneDNN and hand-written loops: the way of other devices, for tests of it on a processor.
  bool forceAten = false;

  bool usesKernels() const { return device.is_cpu() && !forceAten; }
  bool usesOnednn() const { return usesKernels() && onednnHasKernels(); }
};

struct Norm;
class Planner;
class Step;

// Milliseconds of processor time that a step last took of the calling thread.
struct StepTime {
  double forward = 0, backward = 0;
};

class Run {
 public:
  Run(const Plan& plan, const ProgramOptions& options, const Onednn& onednn, int64_t batch, bool training);
  ~Run();

  at::Tensor forward(const at::Tensor& x, at::ArrayRef<at::Tensor> weights);
  at::Tensor backward(const at::Tensor& dy, at::ArrayRef<at::Tensor> gradients,
                      const std::function<void(int)>& done);

  // Drops what it holds of the caller's.
  void letGo();

  const at::Tensor& output() const { return values_[plan_.output]; }
  int64_t batch() const { return batch_; }
  bool training() const { return training_; }
  int64_t bytes() const { return memory_.bytes(); }
  const std::vector<StepTime>& times() const { return times_; }  // by stage of the plan

  // For steps.
  const Plan& plan() const { return plan_; }
  const ProgramOptions& options() const { return options_; }
  const Onednn& onednn() const { return onednn_; }
  const at::Tensor& value(int index) const { return values_[index]; }
  const at::Tensor& gradient(int index) const { return gradients_[index]; }
  at::Tensor scratch(int buffer, at::IntArrayRef shape, at::ScalarType type = at::kFloat) const;
  const at::Tensor& weight(int slot) const { return weights_[slot]; }
  const float* weightData(int slot) const { return slot < 0 ? nullptr : weights_[slot].data_ptr<float>(); }
  // Where the gradient of a weight goes, or null if nobody wants it.
  const at::Tensor* weightGradient(int slot) const;
  bool isTrained(int slot) const { return slot >= 0 && plan_.trainable[slot]; }
  float* weightGradientData(int slot) const;
  void done(int slot) const;  // its gradient is final
  Images images(int value) const;
  at::ScalarType type(int value) const;
  // The norm that alone reads a value, or null.
  Norm* normOf(int value) const { return normOf_[value]; }
  void setNormOf(int value, Norm* norm) { normOf_[value] = norm; }

 private:
  friend class Planner;
  at::Tensor view(int value, int buffer) const;
  void buildViews();
  void planBackward(Planner& planner, int end);
  void zeroWeightsOf(const Stage& stage);

  const Plan& plan_;
  const ProgramOptions& options_;
  const Onednn& onednn_;
  const int64_t batch_;
  const bool training_;
  MemoryPlan memory_;
  at::Tensor block_;
  std::vector<int> valueBuffers_, gradientBuffers_;  // by value, −1: none
  std::vector<at::Tensor> values_, gradients_;
  std::vector<Norm*> normOf_;
  std::vector<std::unique_ptr<Step>> steps_;
  std::vector<bool> learns_;  // by step: it takes part in backward
  std::vector<int> zeroed_;   // weights whose gradient is always zero
  std::vector<StepTime> times_;
  std::vector<at::Tensor> weights_;
  at::ArrayRef<at::Tensor> wanted_;
  const std::function<void(int)>* done_ = nullptr;
};

// Says when which buffer is needed, while a run is built: stage by stage forward, then backward.
class Planner {
 public:
  Planner(Run& run, int time) : run_(run), time_(time) {}
  void moveTo(int time) { time_ = time; }

  void useValue(int value);
  void useGradient(int value);
  bool hasGradient(int value) const { return run_.gradientBuffers_[value] >= 0; }
  // The buffer behind a gradient, made if there is none.
  int gradientBuffer(int value);
  int scratch(int64_t bytes);
  void useScratch(int buffer) { run_.memory_.use(buffer, time_); }

  // For a gradient that a step contributes to: −1 if it writes it, else the scratch buffer that it writes to
  // and adds.
  int contribute(int value);
  // Gives `value` the buffer of another gradient which nobody needs any more; false if it has one of its own.
  bool takeOver(int value, int gradientOf);

 private:
  int64_t valueBytes(int value) const;

  Run& run_;
  int time_;
};

// One stage on one device.
class Step {
 public:
  virtual ~Step() = default;
  virtual void planForward(Planner&) = 0;
  virtual void planBackward(Planner&, const Run&) = 0;
  virtual void forward(Run&) = 0;
  virtual void backward(Run&) = 0;
};

// A place for a gradient that a step contributes; see Planner::contribute.
struct Sink {
  int value = -1;
  int scratch = -1;

  bool wanted() const { return value >= 0; }
  at::Tensor target(const Run& run) const;
  void finish(const Run& run) const;
};

Sink planSink(Planner& planner, const Run& run, int value);

std::unique_ptr<Step> makeStep(const Stage& stage, Run& run);
std::unique_ptr<Step> makeConvolution(const Stage& stage, Run& run);
std::unique_ptr<Step> makeStem(const Stage& stage, Run& run);
std::unique_ptr<Step> makeDense(const Stage& stage, Run& run);
std::unique_ptr<Step> makeJoin(const Stage& stage, Run& run);
std::unique_ptr<Step> makePointwise(const Stage& stage, Run& run);  // pools and conversions
std::unique_ptr<Step> makeAtenJoin(const Stage& stage, Run& run);
std::unique_ptr<Step> makeAtenPointwise(const Stage& stage, Run& run);

// Calls work(part, range) for parts of [0, count) at once; always the same parts, so that sums come out the
// same.
template <class Work>
void inParts(int64_t count, int parts, const Work& work) {
  at::parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; part++)
      work(part, Range{count * part / parts, count * (part + 1) / parts});
  });
}

}  // namespace gradring
