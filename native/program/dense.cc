// A dense layer without its bias, which the join after it adds.
#include "../product.h"
#include "run.h"

namespace gradring {

namespace {

class Dense : public Step {
 public:
  Dense(const Stage& stage, const Run& run)
      : stage_(stage), input_(stage.terms[0].value), type_(run.options().bf16 ? at::kBFloat16 : at::kFloat) {}

  void planForward(Planner& planner) override {
    planner.useValue(input_);
    planner.useValue(stage_.output);
  }

  void planBackward(Planner& planner, const Run& run) override {
    planner.useValue(input_);
    planner.useGradient(stage_.output);
    sink_ = planSink(planner, run, input_);
  }

  void forward(Run& run) override {
    product(rows(run), run.weight(stage_.weight), run.value(stage_.output), type_);
  }

  void backward(Run& run) override {
    const at::Tensor& dz = run.gradient(stage_.output);
    if (const at::Tensor* gradient = run.weightGradient(stage_.weight)) {
      product(rows(run).t(), dz, *gradient, type_);
      run.done(stage_.weight);
    }
    if (!sink_.wanted()) return;
    product(dz, run.weight(stage_.weight).t(), sink_.target(run).view({dz.size(0), -1}), type_);
    sink_.finish(run);
  }

 private:
  at::Tensor rows(const Run& run) const { return run.value(input_).view({run.batch(), -1}); }

  const Stage& stage_;
  const int input_;
  const at::ScalarType type_;
  Sink sink_;
};

}  // namespace

std::unique_ptr<Step> makeDense(const Stage& stage, Run& run) { return std::make_unique<Dense>(stage, run); }

}  // namespace gradring
