// The ways to compute one convolution layer of a run.
#pragma once
#include "run.h"

namespace gradring {

struct ConvolutionShape {
  Images x, z;
  int64_t batch;
  Window window;
};

// Filters are the caller's own: [kH, kW, in, out], fp32. x, z and their gradients lie as the run's values do.
class Convolution {
 public:
  virtual ~Convolution() = default;
  virtual void planForward(Planner&) {}
  virtual void planBackwardData(Planner&) {}
  virtual void planBackwardFilter(Planner&) {}
  virtual void forward(const Run&, const at::Tensor& x, const at::Tensor& filter, const at::Tensor& z) = 0;
  virtual void backwardData(const Run&, const at::Tensor& dz, const at::Tensor& filter,
                            const at::Tensor& dx) = 0;
  virtual void backwardFilter(const Run&, const at::Tensor& x, const at::Tensor& dz,
                              const at::Tensor& dFilter) = 0;
};

// The three directions of a layer: each may go its own way.
struct Convolutions {
  std::shared_ptr<Convolution> forward, backwardData, backwardFilter;
};

// By rules over shapes and types, never by timing: a run must repeat itself.
Convolutions chooseConvolutions(const ConvolutionShape&, const Run&);

std::unique_ptr<Convolution> makeOnednnConvolution(const ConvolutionShape&, const Onednn&);
// As matrix products, pixel by pixel: where the image is small and the channels are many.
std::unique_ptr<Convolution> makeGemmConvolution(const ConvolutionShape&);
// By the hand-written Winograd loops, for the shapes that they can do.
std::unique_ptr<Convolution> makeWinogradConvolution(const ConvolutionShape&, int threads);
bool canWinograd(const ConvolutionShape&);
// By the hand-written direct loops, likewise.
std::unique_ptr<Convolution> makeDirectConvolution(const ConvolutionShape&, int threads);
bool canDirect(const ConvolutionShape&);
// By at::convolution, on any device.
std::unique_ptr<Convolution> makeAtenConvolution(const ConvolutionShape&);

}  // namespace gradring
