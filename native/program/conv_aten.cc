#include <tuple>
#include "convolution.h"

namespace gradring {

namespace {

// Values lie in NHWC: seen as NCHW they are in ATen's channels-last order.
class AtenConvolution : public Convolution {
 public:
  explicit AtenConvolution(const ConvolutionShape& shape) : window_(shape.window) {}

  void forward(const Run&, const at::Tensor& x, const at::Tensor& filter, const at::Tensor& z) override {
    z.copy_(at::convolution(padded(x, z), asOihw(filter, z), {}, stride(), padding(), dilation(), false, {0, 0}, 1)
                .permute({0, 2, 3, 1}));
  }

  void backwardData(const Run&, const at::Tensor& dz, const at::Tensor& filter, const at::Tensor& dx) override {
    const at::Tensor gradient = std::get<0>(backward(dx, dz, asOihw(filter, dz), {true, false, false}));
    const Window& w = window_;
    dx.copy_(isSymmetric() ? gradient.permute({0, 2, 3, 1})
                           : gradient.narrow(2, w.padTop, dx.size(1)).narrow(3, w.padLeft, dx.size(2)).permute({0, 2, 3, 1}));
  }

  void backwardFilter(const Run&, const at::Tensor& x, const at::Tensor& dz, const at::Tensor& dFilter) override {
    const at::Tensor like = at::empty({dFilter.size(3), dFilter.size(2), dFilter.size(0), dFilter.size(1)},
                                      dz.options(), at::MemoryFormat::ChannelsLast);
    dFilter.copy_(std::get<1>(backward(x, dz, like, {false, true, false})).permute({2, 3, 1, 0}));
  }

 private:
  static at::Tensor asNchw(const at::Tensor& images) { return images.permute({0, 3, 1, 2}); }

  // In the memory order of channels-last, which with one channel ATen cannot tell from the shape.
  static at::Tensor asOihw(const at::Tensor& filter, const at::Tensor& like) {
    return filter.to(like.scalar_type()).permute({3, 0, 1, 2}).contiguous().permute({0, 3, 1, 2});
  }

  // ATen pads both sides alike; TensorFlow's 'same' at stride 2 does not.
  bool isSymmetric() const { return window_.padTop == window_.padBottom && window_.padLeft == window_.padRight; }

  at::Tensor padded(const at::Tensor& x, const at::Tensor& like) const {
    const at::Tensor images = x.to(like.scalar_type());
    if (isSymmetric()) return asNchw(images);
    return asNchw(at::constant_pad_nd(
        images, {0, 0, window_.padLeft, window_.padRight, window_.padTop, window_.padBottom}, 0));
  }

  std::tuple<at::Tensor, at::Tensor, at::Tensor> backward(const at::Tensor& x, const at::Tensor& dz,
                                                          const at::Tensor& filter,
                                                          std::array<bool, 3> wanted) const {
    return at::convolution_backward(asNchw(dz), padded(x, dz), filter, {}, stride(), padding(), dilation(), false,
                                    {0, 0}, 1, wanted);
  }

  std::vector<int64_t> stride() const { return {window_.strideH, window_.strideW}; }
  std::vector<int64_t> dilation() const { return {window_.dilationH, window_.dilationW}; }
  std::vector<int64_t> padding() const {
    return isSymmetric() ? std::vector<int64_t>{window_.padTop, window_.padLeft} : std::vector<int64_t>{0, 0};
  }

  const Window window_;
};

}  // namespace

std::unique_ptr<Convolution> makeAtenConvolution(const ConvolutionShape& shape) {
  return std::make_unique<AtenConvolution>(shape);
}

}  // namespace gradring
