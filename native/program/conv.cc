// Convolutions as steps of a run: the general one, and the hand-written one for first layers.
#include "convolution.h"
#include "norm.h"

namespace gradring {

namespace {

class ConvolutionStep : public Step {
 public:
  ConvolutionStep(const Stage& stage, Convolutions how)
      : stage_(stage), input_(stage.terms[0].value), how_(std::move(how)) {}

  void planForward(Planner& planner) override {
    planner.useValue(input_);
    planner.useValue(stage_.output);
    how_.forward->planForward(planner);
  }

  void planBackward(Planner& planner, const Run& run) override {
    planner.useValue(input_);
    planner.useGradient(stage_.output);
    sink_ = planSink(planner, run, input_);
    if (sink_.wanted()) how_.backwardData->planBackwardData(planner);
    if (run.isTrained(stage_.weight)) how_.backwardFilter->planBackwardFilter(planner);
  }

  void forward(Run& run) override {
    how_.forward->forward(run, run.value(input_), run.weight(stage_.weight), run.value(stage_.output));
  }

  void backward(Run& run) override {
    const at::Tensor& dz = run.gradient(stage_.output);
    if (const at::Tensor* dFilter = run.weightGradient(stage_.weight)) {
      how_.backwardFilter->backwardFilter(run, run.value(input_), dz, *dFilter);
      run.done(stage_.weight);
    }
    if (!sink_.wanted()) return;
    how_.backwardData->backwardData(run, dz, run.weight(stage_.weight), sink_.target(run));
    sink_.finish(run);
  }

 private:
  const Stage& stage_;
  const int input_;
  const Convolutions how_;
  Sink sink_;
};

// The statistics of a batch norm after it come in passing, and so does that norm's backward pass.
class Stem : public Step {
 public:
  Stem(const Stage& stage, const Run& run)
      : stage_(stage), input_(stage.terms[0].value), parts_(run.options().threads) {
    const Images x = run.images(input_);
    const Window& w = stage.window;
    shape_ = {x.height,  x.width,   x.channels,
              w.kernelH, w.kernelW, w.strideH,
              w.padTop,  w.padLeft, run.images(stage.output)};
    scratch_.resize(parts_ * stemScratch(shape_));
    partial_.resize(parts_ * filterSize());
  }

  void planForward(Planner& planner) override { planner.useValue(stage_.output); }

  void planBackward(Planner& planner, const Run&) override {
    planner.useGradient(stage_.output);
    planner.useValue(stage_.output);
  }

  void forward(Run& run) override {
    Norm* norm = run.normOf(stage_.output);
    StemForward pass;
    pass.shape = shape_;
    pass.x = run.value(input_).data_ptr<float>();
    pass.filter = run.weightData(stage_.weight);
    pass.z = run.value(stage_.output).data_ptr();
    const bool sums = norm && run.training();
    if (norm) norm->summed = sums;
    inParts(run.batch(), parts_, [&](int64_t part, Range range) {
      StemForward own = pass;
      own.scratch = scratchOf(part);
      if (sums) {
        own.pivot = norm->pivot(run);
        own.sum = norm->sum.data() + part * shape_.out.channels;
        own.square = norm->square.data() + part * shape_.out.channels;
      }
      kernels().stem.forward(own, range);
    });
  }

  void backward(Run& run) override {
    float* dFilter = run.weightGradientData(stage_.weight);
    if (!dFilter) return;
    StemBackward pass;
    pass.shape = shape_;
    pass.x = run.value(input_).data_ptr<float>();
    pass.g = run.gradient(stage_.output).data_ptr();
    pass.z = run.value(stage_.output).data_ptr();
    const Norm* norm = run.normOf(stage_.output);
    if (norm && norm->folded) {
      pass.p = norm->p.data();
      pass.q = norm->q.data();
      pass.r = norm->r.data();
    }
    inParts(run.batch(), parts_, [&](int64_t part, Range range) {
      StemBackward own = pass;
      own.scratch = scratchOf(part);
      own.dFilter = partial_.data() + part * filterSize();
      kernels().stem.backwardFilter(own, range);
    });
    for (int64_t i = 0; i < filterSize(); i++) {
      float total = 0;
      for (int part = 0; part < parts_; part++) total += partial_[part * filterSize() + i];
      dFilter[i] = total;
    }
    run.done(stage_.weight);
  }

 private:
  int64_t filterSize() const {
    return shape_.kernelHeight * shape_.kernelWidth * shape_.channels * shape_.out.channels;
  }
  float* scratchOf(int64_t part) { return scratch_.data() + part * stemScratch(shape_); }

  const Stage& stage_;
  const int input_, parts_;
  StemShape shape_;
  std::vector<float> scratch_, partial_;
};

}  // namespace

std::unique_ptr<Step> makeConvolution(const Stage& stage, Run& run) {
  if (stage.stem) return std::make_unique<Stem>(stage, run);
  const ConvolutionShape shape{run.images(stage.terms[0].value), run.images(stage.output), run.batch(),
                               stage.window};
  return std::make_unique<ConvolutionStep>(stage, chooseConvolutions(shape, run));
}

}  // namespace gradring
