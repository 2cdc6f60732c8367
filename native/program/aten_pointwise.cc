// Pools and conversions by ATen's operations, on any device.
#include <limits>
#include <tuple>
#include "run.h"

namespace gradring {

namespace {

class AtenPointwise : public Step {
 public:
  explicit AtenPointwise(const Stage& stage) : stage_(stage), input_(stage.terms[0].value) {}

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
    const at::Tensor& y = run.value(stage_.output);
    y.copy_(result(run.value(input_)).view(y.sizes()));
  }

  void backward(Run& run) override {
    if (!sink_.wanted()) return;
    const at::Tensor target = sink_.target(run);
    target.copy_(gradient(run.value(input_), run.gradient(stage_.output)).view(target.sizes()));
    sink_.finish(run);
  }

 protected:
  virtual at::Tensor result(const at::Tensor& x) = 0;
  virtual at::Tensor gradient(const at::Tensor& x, const at::Tensor& dy) const = 0;

  const Stage& stage_;

 private:
  const int input_;
  Sink sink_;
};

class AtenConvert : public AtenPointwise {
 public:
  using AtenPointwise::AtenPointwise;

 protected:
  at::Tensor result(const at::Tensor& x) override { return x; }
  at::Tensor gradient(const at::Tensor&, const at::Tensor& dy) const override { return dy; }
};

class GlobalAveragePool : public AtenPointwise {
 public:
  using AtenPointwise::AtenPointwise;

 protected:
  at::Tensor result(const at::Tensor& x) override { return x.mean({1, 2}, false, at::kFloat); }
  at::Tensor gradient(const at::Tensor& x, const at::Tensor& dy) const override {
    return (dy / static_cast<double>(x.size(1) * x.size(2)))
        .view({x.size(0), 1, 1, -1})
        .expand(x.sizes())
        .contiguous();
  }
};

// Padding is made beforehand: TensorFlow's is not the same on both sides.
class Pool : public AtenPointwise {
 public:
  explicit Pool(const Stage& stage)
      : AtenPointwise(stage),
        kernel_{stage.window.kernelH, stage.window.kernelW},
        stride_{stage.window.strideH, stage.window.strideW} {}

 protected:
  at::Tensor padded(const at::Tensor& x, double value) const {
    const Window& w = stage_.window;
    return at::constant_pad_nd(x, {0, 0, w.padLeft, w.padRight, w.padTop, w.padBottom}, value)
        .permute({0, 3, 1, 2});
  }

  at::Tensor cropped(const at::Tensor& gradient, const at::Tensor& x) const {
    return gradient.narrow(2, stage_.window.padTop, x.size(1))
        .narrow(3, stage_.window.padLeft, x.size(2))
        .permute({0, 2, 3, 1})
        .contiguous();
  }

  const std::vector<int64_t> kernel_, stride_;
};

class MaxPool : public Pool {
 public:
  using Pool::Pool;

 protected:
  at::Tensor result(const at::Tensor& x) override {
    const at::Tensor from = padded(x, -std::numeric_limits<double>::infinity());
    at::Tensor y;
    std::tie(y, where_) = at::max_pool2d_with_indices(from, kernel_, stride_);
    return y.permute({0, 2, 3, 1}).contiguous();
  }

  at::Tensor gradient(const at::Tensor& x, const at::Tensor& dy) const override {
    const at::Tensor from = padded(x, -std::numeric_limits<double>::infinity());
    return cropped(at::max_pool2d_with_indices_backward(dy.permute({0, 3, 1, 2}), from, kernel_, stride_,
                                                        {0, 0}, {1, 1}, false, where_),
                   x);
  }

 private:
  at::Tensor where_;
};

class AveragePool : public Pool {
 public:
  using Pool::Pool;

 protected:
  at::Tensor result(const at::Tensor& x) override {
    return (at::avg_pool2d(padded(x, 0), kernel_, stride_) / share(x)).permute({0, 2, 3, 1}).contiguous();
  }

  at::Tensor gradient(const at::Tensor& x, const at::Tensor& dy) const override {
    return cropped(at::avg_pool2d_backward(dy.permute({0, 3, 1, 2}) / share(x), padded(x, 0), kernel_,
                                           stride_, {0, 0}, false, true, c10::nullopt),
                   x);
  }

 private:
  // How much of each window is real.
  at::Tensor share(const at::Tensor& x) const {
    const at::Tensor ones = at::ones({1, x.size(1), x.size(2), 1}, x.options());
    return at::avg_pool2d(padded(ones, 0), kernel_, stride_);
  }
};

}  // namespace

std::unique_ptr<Step> makeAtenPointwise(const Stage& stage, Run&) {
  switch (stage.kind) {
    case StageKind::globalAveragePool:
      return std::make_unique<GlobalAveragePool>(stage);
    case StageKind::maxPool:
      return std::make_unique<MaxPool>(stage);
    case StageKind::averagePool:
      return std::make_unique<AveragePool>(stage);
    default:
      return std::make_unique<AtenConvert>(stage);
  }
}

}  // namespace gradring
