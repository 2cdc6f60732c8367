// Pools and conversions by the hand-written loops.
#include "run.h"

namespace gradring {

namespace {

// What they have in common: one value in, one out.
class Pointwise : public Step {
 public:
  Pointwise(const Stage& stage, const Run& run)
      : input_(stage.terms[0].value),
        output_(stage.output),
        threads_(run.options().threads),
        in_(run.images(input_)),
        out_(run.images(output_)) {}

  void planForward(Planner& planner) override {
    planner.useValue(input_);
    planner.useValue(output_);
  }

  void planBackward(Planner& planner, const Run& run) override {
    planner.useGradient(output_);
    sink_ = planSink(planner, run, input_);
  }

  void forward(Run& run) override {
    const void* x = run.value(input_).data_ptr();
    void* y = run.value(output_).data_ptr();
    inParts(run.batch(), threads_, [&](int64_t, Range range) { forward(run, x, y, range); });
  }

  void backward(Run& run) override {
    if (!sink_.wanted()) return;
    void* dx = sink_.target(run).data_ptr();
    const void* dy = run.gradient(output_).data_ptr();
    inParts(run.batch(), threads_, [&](int64_t, Range range) { backward(run, dy, dx, range); });
    sink_.finish(run);
  }

 protected:
  virtual void forward(const Run&, const void* x, void* y, Range) const = 0;
  virtual void backward(const Run&, const void* dy, void* dx, Range) const = 0;

  const int input_, output_, threads_;
  const Images in_, out_;

 private:
  Sink sink_;
};

class Pool : public Pointwise {
 public:
  Pool(const Stage& stage, const Run& run) : Pointwise(stage, run), isMax_(stage.kind == StageKind::maxPool) {
    const Window& w = stage.window;
    shape_ = {in_, out_, w.kernelH, w.kernelW, w.strideH, w.strideW, w.padTop, w.padLeft};
    bytes_ = isMax_ && run.training() ? run.batch() * out_.elements() : 0;
  }

  void planForward(Planner& planner) override {
    Pointwise::planForward(planner);
    if (bytes_ > 0) where_ = planner.scratch(bytes_);
  }

  void planBackward(Planner& planner, const Run& run) override {
    Pointwise::planBackward(planner, run);
    if (bytes_ > 0) planner.useScratch(where_);
  }

 protected:
  void forward(const Run& run, const void* x, void* y, Range range) const override {
    const PoolForward pass{shape_, x, y, where(run)};
    (isMax_ ? kernels().pool.maxForward : kernels().pool.averageForward)(pass, range);
  }

  void backward(const Run& run, const void* dy, void* dx, Range range) const override {
    const PoolBackward pass{shape_, dy, where(run), dx};
    (isMax_ ? kernels().pool.maxBackward : kernels().pool.averageBackward)(pass, range);
  }

 private:
  uint8_t* where(const Run& run) const {
    return bytes_ > 0 ? run.scratch(where_, {bytes_}, at::kByte).data_ptr<uint8_t>() : nullptr;
  }

  const bool isMax_;
  PoolShape shape_;
  int64_t bytes_ = 0;
  int where_ = -1;  // which cell was the largest
};

class GlobalAveragePool : public Pointwise {
 public:
  using Pointwise::Pointwise;

 protected:
  void forward(const Run&, const void* x, void* y, Range range) const override {
    kernels().pool.globalAverageForward({in_, const_cast<void*>(x), static_cast<float*>(y)}, range);
  }
  void backward(const Run&, const void* dy, void* dx, Range range) const override {
    kernels().pool.globalAverageBackward({in_, dx, static_cast<float*>(const_cast<void*>(dy))}, range);
  }
};

class ConvertStep : public Pointwise {
 public:
  // A vector out of an image has that image's pixels in NHWC.
  ConvertStep(const Stage& stage, const Run& run) : Pointwise(stage, run), image_(in_) {
    image_.layout = out_.layout;
    image_.type = out_.type;
  }

 protected:
  void forward(const Run&, const void* x, void* y, Range range) const override {
    kernels().layout.convert({in_, image_.layout, image_.type, x, y}, range);
  }
  void backward(const Run&, const void* dy, void* dx, Range range) const override {
    kernels().layout.convert({image_, in_.layout, in_.type, dy, dx}, range);
  }

 private:
  Images image_;  // the output, in the shape of the input
};

}  // namespace

std::unique_ptr<Step> makePointwise(const Stage& stage, Run& run) {
  if (stage.kind == StageKind::globalAveragePool) return std::make_unique<GlobalAveragePool>(stage, run);
  if (stage.kind == StageKind::convert) return std::make_unique<ConvertStep>(stage, run);
  return std::make_unique<Pool>(stage, run);
}

std::unique_ptr<Step> makeStep(const Stage& stage, Run& run) {
  const bool byHand = run.options().usesKernels();
  switch (stage.kind) {
    case StageKind::convolution:
      return makeConvolution(stage, run);
    case StageKind::dense:
      return makeDense(stage, run);
    case StageKind::join:
      return byHand ? makeJoin(stage, run) : makeAtenJoin(stage, run);
    default:
      return byHand ? makePointwise(stage, run) : makeAtenPointwise(stage, run);
  }
}

}  // namespace gradring
