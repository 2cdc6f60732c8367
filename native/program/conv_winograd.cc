#include "convolution.h"

namespace gradring {

namespace {

class WinogradConvolution : public Convolution {
 public:
  WinogradConvolution(const ConvolutionShape& shape, int threads)
      : batch_(shape.batch),
        threads_(threads),
        forward_{shape.x, shape.z, shape.window.kernelH, shape.window.padTop, shape.window.padLeft},
        backward_(winogradBackward(forward_)),
        filterFloats_(winogradFilterFloats(forward_)),
        scratchFloats_(std::max(winogradScratch(forward_), winogradScratch(backward_))) {}

  void planForward(Planner& planner) override { forwardBuffers_ = plan(planner, 1); }
  void planBackwardData(Planner& planner) override { dataBuffers_ = plan(planner, 1); }
  void planBackwardFilter(Planner& planner) override { filterBuffers_ = plan(planner, threads_); }

  void forward(const Run& run, const at::Tensor& x, const at::Tensor& filter, const at::Tensor& z) override {
    convolve(run, forward_, forwardBuffers_, x, filter, z);
  }

  void backwardData(const Run& run, const at::Tensor& dz, const at::Tensor& filter,
                    const at::Tensor& dx) override {
    convolve(run, backward_, dataBuffers_, dz, filter, dx);
  }

  void backwardFilter(const Run& run, const at::Tensor& x, const at::Tensor& dz,
                      const at::Tensor& dFilter) override {
    float* sums = floats(run, filterBuffers_.filter, threads_ * filterFloats_);
    float* scratch = floats(run, filterBuffers_.scratch, threads_ * scratchFloats_);
    inParts(batch_, threads_, [&](int64_t part, Range range) {
      const WinogradGradient pass{forward_, x.data_ptr(), dz.data_ptr(), sums + part * filterFloats_,
                                  scratch + part * scratchFloats_};
      kernels().winograd.backwardFilter(pass, range);
    });
    kernels().winograd.filterGradient(forward_, sums, threads_, dFilter.data_ptr<float>());
  }

 private:
  struct Buffers {
    int filter = -1, scratch = -1;
  };

  Buffers plan(Planner& planner, int filters) const {
    const int64_t bytes = sizeof(float);
    return {planner.scratch(filters * filterFloats_ * bytes),
            planner.scratch(threads_ * scratchFloats_ * bytes)};
  }

  static float* floats(const Run& run, int buffer, int64_t count) {
    return run.scratch(buffer, {count}).data_ptr<float>();
  }

  void convolve(const Run& run, const WinogradShape& shape, const Buffers& buffers, const at::Tensor& x,
                const at::Tensor& filter, const at::Tensor& y) const {
    float* transformed = floats(run, buffers.filter, filterFloats_);
    float* scratch = floats(run, buffers.scratch, threads_ * scratchFloats_);
    kernels().winograd.transformFilter(shape, filter.data_ptr<float>(), &shape == &backward_, transformed);
    inParts(batch_, threads_, [&](int64_t part, Range range) {
      WinogradConvolve pass{shape, x.data_ptr(), transformed};
      pass.y = y.data_ptr();
      pass.scratch = scratch + part * scratchFloats_;
      kernels().winograd.convolve(pass, range);
    });
  }

  const int64_t batch_;
  const int threads_;
  const WinogradShape forward_, backward_;
  const int64_t filterFloats_, scratchFloats_;
  Buffers forwardBuffers_, dataBuffers_, filterBuffers_;
};

}  // namespace

bool canWinograd(const ConvolutionShape& shape) {
  const Window& w = shape.window;
  return (w.kernelH == 3 || w.kernelH == 5) && w.kernelW == w.kernelH && w.strideH == 1 && w.strideW == 1 &&
         w.dilationH == 1 && w.dilationW == 1 && shape.x.layout == Layout::blocked &&
         shape.z.layout == Layout::blocked;
}

std::unique_ptr<Convolution> makeWinogradConvolution(const ConvolutionShape& shape, int threads) {
  return std::make_unique<WinogradConvolution>(shape, threads);
}

}  // namespace gradring
