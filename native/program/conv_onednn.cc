#include "convolution.h"

#if GRADRING_ONEDNN
namespace gradring {

namespace {

using dnnl::algorithm;
using dnnl::memory;
using dnnl::primitive;
using dnnl::prop_kind;
using Tag = memory::format_tag;
using DataType = memory::data_type;

dnnl::primitive_attr userScratchpad() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

// Any of the primitives below with its memory: filter (or its gradient) in the primitive's own layout,
// scratchpad.
struct Pass {
  primitive run;
  memory::desc filter, scratchpad;
  int filterBuffer = -1, scratchBuffer = -1;

  void plan(Planner& planner) {
    filterBuffer = planner.scratch(static_cast<int64_t>(filter.get_size()));
    scratchBuffer = planner.scratch(static_cast<int64_t>(scratchpad.get_size()));
  }
};

class OnednnConvolution : public Convolution {
 public:
  OnednnConvolution(const ConvolutionShape& shape, const Onednn& onednn)
      : onednn_(onednn), shape_(shape), x_(imageDesc(shape.x)), z_(imageDesc(shape.z)) {
    const Window& w = shape.window;
    hwio_ = memory::desc(filterDims(), DataType::f32, Tag::hwio);
    strides_ = {w.strideH, w.strideW};
    dilations_ = {w.dilationH - 1, w.dilationW - 1};
    padBegin_ = {w.padTop, w.padLeft};
    padEnd_ = {w.padBottom, w.padRight};
  }

  void planForward(Planner& planner) override {
    makeForward();
    forward_.plan(planner);
  }

  void planBackwardData(Planner& planner) override {
    makeBackwardData();
    data_.plan(planner);
  }

  void planBackwardFilter(Planner& planner) override {
    makeBackwardFilter();
    filter_.plan(planner);
  }

  void forward(const Run& run, const at::Tensor& x, const at::Tensor& filter, const at::Tensor& z) override {
    const memory own = loadFilter(run, forward_, filter);
    execute(run, forward_,
            {{DNNL_ARG_SRC, wrap(x_, x)}, {DNNL_ARG_WEIGHTS, own}, {DNNL_ARG_DST, wrap(z_, z)}});
  }

  void backwardData(const Run& run, const at::Tensor& dz, const at::Tensor& filter,
                    const at::Tensor& dx) override {
    const memory own = loadFilter(run, data_, filter);
    execute(run, data_,
            {{DNNL_ARG_DIFF_SRC, wrap(x_, dx)}, {DNNL_ARG_WEIGHTS, own}, {DNNL_ARG_DIFF_DST, wrap(z_, dz)}});
  }

  void backwardFilter(const Run& run, const at::Tensor& x, const at::Tensor& dz,
                      const at::Tensor& dFilter) override {
    memory own = bufferOf(run, filter_.filter, filter_.filterBuffer);
    execute(run, filter_,
            {{DNNL_ARG_SRC, wrap(x_, x)}, {DNNL_ARG_DIFF_WEIGHTS, own}, {DNNL_ARG_DIFF_DST, wrap(z_, dz)}});
    memory target = wrap(hwio_, dFilter);
    dnnl::reorder(own, target).execute(onednn_.stream, own, target);
  }

 private:
  memory::dims filterDims() const {
    return {shape_.z.channels, shape_.x.channels, shape_.window.kernelH, shape_.window.kernelW};
  }

  static DataType typeOf(const Images& images) {
    return images.type == Type::bf16 ? DataType::bf16 : DataType::f32;
  }

  memory::desc imageDesc(const Images& images) const {
    return {{shape_.batch, images.channels, images.height, images.width},
            typeOf(images),
            images.layout == Layout::blocked ? Tag::nChw16c : Tag::nhwc};
  }

  memory::desc anyFilter(DataType type) const { return {filterDims(), type, Tag::any}; }

  // Winograd saves multiplications; oneDNN has it for fp32 in blocked layouts.
  bool triesWinograd() const {
    const Window& w = shape_.window;
    return w.kernelH == 3 && w.kernelW == 3 && w.strideH == 1 && w.strideW == 1 && w.dilationH == 1 &&
           w.dilationW == 1 && shape_.x.type == Type::f32 && shape_.x.layout == Layout::blocked &&
           shape_.z.layout == Layout::blocked;
  }

  // What `make` makes for Winograd, or for the direct algorithm where Winograd is refused.
  template <class Make>
  void makeBest(const Make& make) {
    if (triesWinograd()) {
      try {
        return make(algorithm::convolution_winograd);
      } catch (const dnnl::error& error) {
        if (error.status != dnnl_unimplemented) throw;
      }
    }
    make(algorithm::convolution_direct);
  }

  dnnl::convolution_forward::primitive_desc forwardDesc(algorithm how) const {
    const dnnl::convolution_forward::desc desc(prop_kind::forward_training, how, x_,
                                               anyFilter(typeOf(shape_.x)), z_, strides_, dilations_,
                                               padBegin_, padEnd_);
    return {desc, userScratchpad(), onednn_.engine};
  }

  void makeForward() {
    makeBest([&](algorithm how) {
      const auto desc = forwardDesc(how);
      forward_ = {dnnl::convolution_forward(desc), desc.weights_desc(), desc.scratchpad_desc()};
    });
  }

  void makeBackwardData() {
    makeBest([&](algorithm how) {
      const dnnl::convolution_backward_data::desc desc(how, x_, anyFilter(typeOf(shape_.x)), z_, strides_,
                                                       dilations_, padBegin_, padEnd_);
      const dnnl::convolution_backward_data::primitive_desc made(desc, userScratchpad(), onednn_.engine,
                                                                 forwardDesc(how));
      data_ = {dnnl::convolution_backward_data(made), made.weights_desc(), made.scratchpad_desc()};
    });
  }

  void makeBackwardFilter() {
    makeBest([&](algorithm how) {
      const dnnl::convolution_backward_weights::desc desc(how, x_, anyFilter(DataType::f32), z_, strides_,
                                                          dilations_, padBegin_, padEnd_);
      const dnnl::convolution_backward_weights::primitive_desc made(desc, userScratchpad(), onednn_.engine,
                                                                    forwardDesc(how));
      filter_ = {dnnl::convolution_backward_weights(made), made.diff_weights_desc(), made.scratchpad_desc()};
    });
  }

  memory wrap(const memory::desc& desc, const at::Tensor& tensor) const {
    return {desc, onednn_.engine, tensor.data_ptr()};
  }

  memory bufferOf(const Run& run, const memory::desc& desc, int buffer) const {
    return wrap(desc, run.scratch(buffer, {static_cast<int64_t>(desc.get_size())}, at::kByte));
  }

  memory loadFilter(const Run& run, const Pass& pass, const at::Tensor& filter) const {
    memory source = wrap(hwio_, filter);
    memory own = bufferOf(run, pass.filter, pass.filterBuffer);
    dnnl::reorder(source, own).execute(onednn_.stream, source, own);
    return own;
  }

  void execute(const Run& run, const Pass& pass, std::unordered_map<int, memory> arguments) const {
    arguments.insert({DNNL_ARG_SCRATCHPAD, bufferOf(run, pass.scratchpad, pass.scratchBuffer)});
    pass.run.execute(onednn_.stream, arguments);
    onednn_.stream.wait();
  }

  const Onednn& onednn_;
  const ConvolutionShape shape_;
  const memory::desc x_, z_;
  memory::desc hwio_;
  memory::dims strides_, dilations_, padBegin_, padEnd_;
  Pass forward_, data_, filter_;
};

}  // namespace

std::unique_ptr<Convolution> makeOnednnConvolution(const ConvolutionShape& shape, const Onednn& onednn) {
  return std::make_unique<OnednnConvolution>(shape, onednn);
}

}  // namespace gradring
#endif
