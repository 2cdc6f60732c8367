#include "convolution.h"

namespace gradring {

namespace {

class DirectConvolution : public Convolution {
 public:
  DirectConvolution(const ConvolutionShape& shape, int threads)
      : batch_(shape.batch),
        threads_(threads),
        shape_{shape.x,
               shape.z,
               shape.window.kernelH,
               shape.window.kernelW,
               shape.window.strideH,
               shape.window.strideW,
               shape.window.padTop,
               shape.window.padLeft},
        filterFloats_(directFilterFloats(shape_)),
        scratchFloats_(directScratch(shape_)) {}

  void planForward(Planner& planner) override { forwardBuffers_ = plan(planner, 1); }
  void planBackwardData(Planner& planner) override { dataBuffers_ = plan(planner, 1); }
  void planBackwardFilter(Planner& planner) override { filterBuffers_ = plan(planner, threads_); }

  void forward(const Run& run, const at::Tensor& x, const at::Tensor& filter, const at::Tensor& z) override {
    convolve(run, forwardBuffers_, kernels().direct.forward, false, x, filter, z);
  }

  void backwardData(const Run& run, const at::Tensor& dz, const at::Tensor& filter,
                    const at::Tensor& dx) override {
    convolve(run, dataBuffers_, kernels().direct.backwardData, true, dz, filter, dx);
  }

  void backwardFilter(const Run& run, const at::Tensor& x, const at::Tensor& dz,
                      const at::Tensor& dFilter) override {
    const at::Tensor parts = run.scratch(filterBuffers_.filter, {threads_, filterFloats_});
    float* scratch = scratchOf(run, filterBuffers_);
    inParts(batch_, threads_, [&](int64_t part, Range range) {
      float* own = parts.data_ptr<float>() + part * filterFloats_;
      kernels().direct.backwardFilter(
          {shape_, x.data_ptr(), dz.data_ptr(), own, scratch + part * scratchFloats_}, range);
    });
    at::Tensor target = dFilter.view({filterFloats_});
    at::sum_out(target, parts, {0});
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

  float* scratchOf(const Run& run, const Buffers& buffers) const {
    return run.scratch(buffers.scratch, {threads_ * scratchFloats_}).data_ptr<float>();
  }

  void convolve(const Run& run, const Buffers& buffers, void (*work)(const DirectConvolve&, Range),
                bool backward, const at::Tensor& from, const at::Tensor& filter, const at::Tensor& to) const {
    float* packed = run.scratch(buffers.filter, {filterFloats_}).data_ptr<float>();
    float* scratch = scratchOf(run, buffers);
    kernels().direct.packFilter(shape_, filter.data_ptr<float>(), backward, packed);
    inParts(batch_, threads_, [&](int64_t part, Range range) {
      work({shape_, from.data_ptr(), packed, nullptr, to.data_ptr(), scratch + part * scratchFloats_}, range);
    });
  }

  const int64_t batch_;
  const int threads_;
  const DirectShape shape_;
  const int64_t filterFloats_, scratchFloats_;
  Buffers forwardBuffers_, dataBuffers_, filterBuffers_;
};

}  // namespace

bool canDirect(const ConvolutionShape& shape) {
  const Window& w = shape.window;
  return w.kernelH <= 7 && w.kernelW <= 7 && w.dilationH == 1 && w.dilationW == 1 &&
         shape.x.layout == Layout::blocked && shape.z.layout == Layout::blocked;
}

std::unique_ptr<Convolution> makeDirectConvolution(const ConvolutionShape& shape, int threads) {
  return std::make_unique<DirectConvolution>(shape, threads);
}

}  // namespace gradring
