#include "convolution.h"
#include "product.h"

namespace gradring {

namespace {

class GemmConvolution : public Convolution {
 public:
  explicit GemmConvolution(const ConvolutionShape& shape) : shape_(shape) {
    const Window& w = shape.window;
    columns_.shape = shape.x;
    columns_.outHeight = shape.z.height;
    columns_.outWidth = shape.z.width;
    columns_.kernelHeight = w.kernelH;
    columns_.kernelWidth = w.kernelW;
    columns_.strideHeight = w.strideH;
    columns_.strideWidth = w.strideW;
    columns_.padTop = w.padTop;
    columns_.padLeft = w.padLeft;
    rows_ = shape.batch * shape.z.pixels();
    taps_ = w.kernelH * w.kernelW * shape.x.channels;
    type_ = shape.x.type == Type::bf16 ? at::kBFloat16 : at::kFloat;
  }

  void planForward(Planner& planner) override {
    kept_ = planner.scratch(rows_ * taps_ * elementSize());
    product_ = planner.scratch(rows_ * shape_.z.channels * elementSize());
  }

  void planBackwardData(Planner& planner) override {
    gradient_ = planner.scratch(rows_ * taps_ * elementSize());
    planProduct(planner);
  }

  void planBackwardFilter(Planner& planner) override {
    makesColumns_ = kept_ < 0;
    if (makesColumns_) kept_ = planner.scratch(rows_ * taps_ * elementSize());
    planner.useScratch(kept_);
    planProduct(planner);
  }

  void forward(const Run& run, const at::Tensor& x, const at::Tensor& filter, const at::Tensor& z) override {
    const at::Tensor columns = matrix(run, kept_, taps_), rows = matrix(run, product_, shape_.z.channels);
    withColumns(run, x, columns, kernels().layout.toColumns);
    product(columns, asMatrix(filter), rows, type_);
    convert(run, rows, {shape_.z.height, shape_.z.width, shape_.z.channels, Layout::nhwc, shape_.z.type}, z,
            shape_.z.layout);
  }

  void backwardData(const Run& run, const at::Tensor& dz, const at::Tensor& filter, const at::Tensor& dx) override {
    const at::Tensor columns = matrix(run, gradient_, taps_);
    product(rowsOf(run, dz), asMatrix(filter).t(), columns, type_);
    withColumns(run, dx, columns, kernels().layout.fromColumns);
  }

  void backwardFilter(const Run& run, const at::Tensor& x, const at::Tensor& dz,
                      const at::Tensor& dFilter) override {
    const at::Tensor columns = matrix(run, kept_, taps_);
    if (makesColumns_) withColumns(run, x, columns, kernels().layout.toColumns);
    product(columns.t(), rowsOf(run, dz), dFilter.view({taps_, shape_.z.channels}), type_);
  }

 private:
  void planProduct(Planner& planner) {
    if (dProduct_ < 0) dProduct_ = planner.scratch(rows_ * shape_.z.channels * elementSize());
    planner.useScratch(dProduct_);
  }

  int64_t elementSize() const { return type_ == at::kFloat ? 4 : 2; }

  at::Tensor matrix(const Run& run, int buffer, int64_t width) const {
    return run.scratch(buffer, {rows_, width}, type_);
  }

  at::Tensor asMatrix(const at::Tensor& filter) const {
    return filter.view({taps_, shape_.z.channels});
  }

  // dz as the rows of a matrix.
  at::Tensor rowsOf(const Run& run, const at::Tensor& dz) const {
    at::Tensor rows = matrix(run, dProduct_, shape_.z.channels);
    convert(run, dz, shape_.z, rows, Layout::nhwc);
    return rows;
  }

  void convert(const Run& run, const at::Tensor& from, const Images& images, const at::Tensor& to,
               Layout layout) const {
    const Convert pass{images, layout, images.type, from.data_ptr(), to.data_ptr()};
    inParts(shape_.batch, run.options().threads,
            [&](int64_t, Range range) { kernels().layout.convert(pass, range); });
  }

  void withColumns(const Run& run, const at::Tensor& image, const at::Tensor& columns,
                   void (*work)(const Columns&, Range)) const {
    Columns pass = columns_;
    pass.image = image.data_ptr();
    pass.columns = columns.data_ptr();
    inParts(shape_.batch, run.options().threads, [&](int64_t, Range range) { work(pass, range); });
  }

  const ConvolutionShape shape_;
  Columns columns_;
  int64_t rows_ = 0, taps_ = 0;
  at::ScalarType type_ = at::kFloat;
  bool makesColumns_ = false;  // forward went another way
  int kept_ = -1, product_ = -1, gradient_ = -1, dProduct_ = -1;
};

}  // namespace

std::unique_ptr<Convolution> makeGemmConvolution(const ConvolutionShape& shape) {
  return std::make_unique<GemmConvolution>(shape);
}

}  // namespace gradring
