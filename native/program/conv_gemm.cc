// A convolution as matrix products over whole batches, pixel by pixel, for small images: with x in NHWC, a
// row of the window over one output pixel is a run of neighbours in every image, so a matrix without copying.
// What lies in the padding is not computed: at 4×4 with stride 2 that is a third.
#include <algorithm>
#include "convolution.h"
#include "../product.h"

namespace gradring {

namespace {

// The part inside the image of one row of the window over one output pixel.
struct Strip {
  int64_t outRow, outColumn, inRow, inColumn, kernelRow, kernelColumn, width;
};

std::vector<Strip> stripsOf(const ConvolutionShape& shape) {
  const Window& w = shape.window;
  std::vector<Strip> strips;
  for (int64_t row = 0; row < shape.z.height; row++) {
    for (int64_t column = 0; column < shape.z.width; column++) {
      const int64_t left = column * w.strideW - w.padLeft;
      const int64_t begin = std::max<int64_t>(0, left), end = std::min(shape.x.width, left + w.kernelW);
      for (int64_t k = 0; k < w.kernelH; k++) {
        const int64_t inRow = row * w.strideH - w.padTop + k;
        if (inRow >= 0 && inRow < shape.x.height && begin < end)
          strips.push_back({row, column, inRow, begin, k, begin - left, end - begin});
      }
    }
  }
  return strips;
}

class GemmConvolution : public Convolution {
 public:
  explicit GemmConvolution(const ConvolutionShape& shape)
      : shape_(shape),
        type_(shape.x.type == Type::bf16 ? at::kBFloat16 : at::kFloat),
        strips_(stripsOf(shape)),
        xElements_(shape.batch * shape.x.elements()),
        zElements_(shape.batch * shape.z.elements()) {}

  void planForward(Planner& planner) override {
    x_ = planner.scratch(xElements_ * elementSize());
    z_ = planner.scratch(zElements_ * sizeof(float));
  }

  void planBackwardData(Planner& planner) override {
    planDz(planner);
    dx_ = planner.scratch(xElements_ * sizeof(float));
  }

  void planBackwardFilter(Planner& planner) override {
    planDz(planner);
    convertsX_ = x_ < 0;
    if (convertsX_) x_ = planner.scratch(xElements_ * elementSize());
    planner.useScratch(x_);
  }

  void forward(const Run& run, const at::Tensor& x, const at::Tensor& filter, const at::Tensor& z) override {
    const at::Tensor from = rows(run, x_, shape_.x, type_), to = rows(run, z_, shape_.z, at::kFloat).zero_();
    convert(run, shape_.x, x, from);
    const at::Tensor weights = matrix(filter).to(type_);
    for (const Strip& strip : strips_)
      product(xPart(from, strip), filterPart(weights, strip), zPart(to, strip), type_, true);
    convertBack(run, to, shape_.z, z);
  }

  void backwardData(const Run& run, const at::Tensor& dz, const at::Tensor& filter,
                    const at::Tensor& dx) override {
    const at::Tensor from = rows(run, dz_, shape_.z, type_),
                     to = rows(run, dx_, shape_.x, at::kFloat).zero_();
    convert(run, shape_.z, dz, from);
    const at::Tensor weights = matrix(filter).to(type_);
    for (const Strip& strip : strips_)
      product(zPart(from, strip), filterPart(weights, strip).t(), xPart(to, strip), type_, true);
    convertBack(run, to, shape_.x, dx);
  }

  void backwardFilter(const Run& run, const at::Tensor& x, const at::Tensor& dz,
                      const at::Tensor& dFilter) override {
    const at::Tensor left = rows(run, x_, shape_.x, type_), right = rows(run, dz_, shape_.z, type_);
    if (convertsX_) convert(run, shape_.x, x, left);
    convert(run, shape_.z, dz, right);
    const at::Tensor to = matrix(dFilter).zero_();
    for (const Strip& strip : strips_)
      product(xPart(left, strip).t(), zPart(right, strip), filterPart(to, strip), type_, true);
  }

 private:
  int64_t elementSize() const { return type_ == at::kFloat ? 4 : 2; }

  void planDz(Planner& planner) {
    if (dz_ < 0) dz_ = planner.scratch(zElements_ * elementSize());
    planner.useScratch(dz_);
  }

  // [N, H, W·C]
  at::Tensor rows(const Run& run, int buffer, const Images& images, at::ScalarType type) const {
    return run.scratch(buffer, {shape_.batch, images.height, images.width * images.channels}, type);
  }

  at::Tensor matrix(const at::Tensor& filter) const { return filter.view({-1, shape_.z.channels}); }

  at::Tensor xPart(const at::Tensor& x, const Strip& strip) const {
    const int64_t channels = shape_.x.channels;
    return x.select(1, strip.inRow).narrow(1, strip.inColumn * channels, strip.width * channels);
  }

  at::Tensor zPart(const at::Tensor& z, const Strip& strip) const {
    return z.select(1, strip.outRow).narrow(1, strip.outColumn * shape_.z.channels, shape_.z.channels);
  }

  at::Tensor filterPart(const at::Tensor& filter, const Strip& strip) const {
    const int64_t channels = shape_.x.channels;
    const int64_t first = strip.kernelRow * shape_.window.kernelW + strip.kernelColumn;
    return filter.narrow(0, first * channels, strip.width * channels);
  }

  // To NHWC.
  void convert(const Run& run, const Images& images, const at::Tensor& from, const at::Tensor& to) const {
    convert(run, {images, Layout::nhwc, images.type, from.data_ptr(), to.data_ptr()});
  }

  // From fp32 in NHWC.
  void convertBack(const Run& run, const at::Tensor& from, Images images, const at::Tensor& to) const {
    const Layout layout = images.layout;
    const Type type = images.type;
    images.layout = Layout::nhwc;
    images.type = Type::f32;
    convert(run, {images, layout, type, from.data_ptr(), to.data_ptr()});
  }

  void convert(const Run& run, const Convert& pass) const {
    inParts(shape_.batch, run.options().threads,
            [&](int64_t, Range range) { kernels().layout.convert(pass, range); });
  }

  const ConvolutionShape shape_;
  const at::ScalarType type_;
  const std::vector<Strip> strips_;
  const int64_t xElements_, zElements_;
  bool convertsX_ = false;  // forward went another way
  int x_ = -1, z_ = -1, dx_ = -1, dz_ = -1;
};

}  // namespace

std::unique_ptr<Convolution> makeGemmConvolution(const ConvolutionShape& shape) {
  return std::make_unique<GemmConvolution>(shape);
}

}  // namespace gradring
