#include <tuple>
#include "convolution.h"

namespace gradring {

namespace {

// [N, C/16, H, W, 16] as [N, H, W, C].
at::Tensor unblocked(const at::Tensor& x) {
  if (x.dim() == 4) return x;
  return x.permute({0, 2, 3, 1, 4}).reshape({x.size(0), x.size(2), x.size(3), x.size(1) * x.size(4)});
}

void copyNchw(const at::Tensor& from, const at::Tensor& to) {
  const at::Tensor nhwc = from.permute({0, 2, 3, 1});
  if (to.dim() == 4) {
    to.copy_(nhwc);
  } else {
    to.copy_(
        nhwc.reshape({to.size(0), to.size(2), to.size(3), to.size(1), to.size(4)}).permute({0, 3, 1, 2, 4}));
  }
}

// NHWC seen as NCHW is ATen's channels-last order.
class AtenConvolution : public Convolution {
 public:
  explicit AtenConvolution(const ConvolutionShape& shape)
      : window_(shape.window), height_(shape.x.height), width_(shape.x.width) {}

  void forward(const Run&, const at::Tensor& x, const at::Tensor& filter, const at::Tensor& z) override {
    copyNchw(at::convolution(padded(x, z), asOihw(filter, z), {}, stride(), padding(), dilation(), false,
                             {0, 0}, 1),
             z);
  }

  void backwardData(const Run&, const at::Tensor& dz, const at::Tensor& filter,
                    const at::Tensor& dx) override {
    at::Tensor gradient = std::get<0>(backward(dx, dz, asOihw(filter, dz), {true, false, false}));
    if (!isSymmetric()) {
      gradient = gradient.narrow(2, window_.padTop, height_).narrow(3, window_.padLeft, width_);
    }
    copyNchw(gradient, dx);
  }

  void backwardFilter(const Run&, const at::Tensor& x, const at::Tensor& dz,
                      const at::Tensor& dFilter) override {
    const at::Tensor like = at::empty({dFilter.size(3), dFilter.size(2), dFilter.size(0), dFilter.size(1)},
                                      dz.options(), at::MemoryFormat::ChannelsLast);
    dFilter.copy_(std::get<1>(backward(x, dz, like, {false, true, false})).permute({2, 3, 1, 0}));
  }

 private:
  static at::Tensor asNchw(const at::Tensor& images) { return unblocked(images).permute({0, 3, 1, 2}); }

  // In the memory order of channels-last, which with one channel ATen cannot tell from the shape.
  static at::Tensor asOihw(const at::Tensor& filter, const at::Tensor& like) {
    return filter.to(like.scalar_type()).permute({3, 0, 1, 2}).contiguous().permute({0, 3, 1, 2});
  }

  // ATen pads both sides alike; TensorFlow's 'same' at stride 2 does not.
  bool isSymmetric() const {
    return window_.padTop == window_.padBottom && window_.padLeft == window_.padRight;
  }

  at::Tensor padded(const at::Tensor& x, const at::Tensor& like) const {
    const at::Tensor images = unblocked(x.to(like.scalar_type()));
    if (isSymmetric()) return asNchw(images);
    return asNchw(at::constant_pad_nd(
        images, {0, 0, window_.padLeft, window_.padRight, window_.padTop, window_.padBottom}, 0));
  }

  std::tuple<at::Tensor, at::Tensor, at::Tensor> backward(const at::Tensor& x, const at::Tensor& dz,
                                                          const at::Tensor& filter,
                                                          std::array<bool, 3> wanted) const {
    return at::convolution_backward(asNchw(dz), padded(x, dz), filter, {}, stride(), padding(), dilation(),
                                    false, {0, 0}, 1, wanted);
  }

  std::vector<int64_t> stride() const { return {window_.strideH, window_.strideW}; }
  std::vector<int64_t> dilation() const { return {window_.dilationH, window_.dilationW}; }
  std::vector<int64_t> padding() const {
    return isSymmetric() ? std::vector<int64_t>{window_.padTop, window_.padLeft} : std::vector<int64_t>{0, 0};
  }

  const Window window_;
  const int64_t height_, width_;  // of x
};

}  // namespace

std::unique_ptr<Convolution> makeAtenConvolution(const ConvolutionShape& shape) {
  return std::make_unique<AtenConvolution>(shape);
}

}  // namespace gradring
