// Convolutions of two and three dimensions, their gradients, and depthwise ones.
//
// Images are N … C in memory, which ATen calls channels last: a view is all it takes. Filters are … I O, or
// … I M where each input channel has M outputs of its own (depthwise); they are small, and copied to ATen's order.
#include <array>
#include "activation.h"
#include "windows.h"

namespace gradring {
namespace {

struct Convolution {
  Windows windows;
  bool depthwise;
  at::ScalarType type;  // that inputs are cast to

  // windows, depthwise
  static Convolution read(Call& call) {
    Windows windows = Windows::read(call);
    const bool depthwise = call.flag();
    return {std::move(windows), depthwise, call.environment().bf16() ? at::kBFloat16 : at::kFloat};
  }

  int64_t outputs(at::IntArrayRef filter) const {
    return filter.back() * (depthwise ? filter[filter.size() - 2] : 1);
  }

  int64_t groups(at::IntArrayRef filter) const { return depthwise ? filter[filter.size() - 2] : 1; }

  at::Tensor images(const at::Tensor& x) const { return windows.toAten(x).to(type); }

  // tfjs's transposed convolution may hand over more rows and columns than there are windows: they have no
  // part in it.
  at::Tensor upstream(const at::Tensor& dy) const {
    at::Tensor part = images(dy);
    for (size_t axis = 0; axis < windows.axes(); axis++) {
      const auto dim = static_cast<int64_t>(axis) + 2;
      if (part.size(dim) > windows.count[axis]) part = part.narrow(dim, 0, windows.count[axis]);
    }
    return part;
  }

  // With the strides of channels last even where one input channel makes the layout ambiguous: ATen takes a
  // slow path otherwise.
  at::Tensor weight(const at::Tensor& filter) const {
    const at::Tensor source = filter.to(type);
    if (!depthwise) return source.movedim({-1, -2}, {0, 1}).contiguous(windows.format());
    return source.movedim({-2, -1}, {0, 1}).flatten(0, 1).unsqueeze(1);
  }

  // The shape of `weight`, for a filter of this shape.
  Ints weightShape(at::IntArrayRef filter) const {
    const int64_t inputs = filter[filter.size() - 2];
    const int64_t outputs = filter[filter.size() - 1];
    Ints shape = depthwise ? Ints{inputs * outputs, 1} : Ints{outputs, inputs};
    shape.append(filter.begin(), filter.end() - 2);
    return shape;
  }

  // The inverse of `weight`.
  at::Tensor filter(const at::Tensor& weight, at::IntArrayRef shape) const {
    if (!depthwise) return weight.movedim({0, 1}, {-1, -2});
    Ints split(shape.end() - 2, shape.end());
    split.append(shape.begin(), shape.end() - 2);
    return weight.reshape(split).movedim({0, 1}, {-2, -1});
  }

  // ATen reads no more than the shapes of an operand whose values a gradient does not depend on.
  at::Tensor placeholder(at::IntArrayRef shape, const at::TensorOptions& options) const {
    return at::empty(shape, options.dtype(type).memory_format(windows.format()));
  }
};

// One number for each channel of the result, whatever the layout.
bool isPerChannel(const at::Tensor& values, int64_t channels) {
  return values.dim() == 1 && values.size(0) == channels;
}

// tfjs means the channels by a vector, also where they are not the last axis.
at::Tensor aligned(const at::Tensor& values, const Windows& windows) {
  if (windows.channelsLast || values.dim() != 1 || values.size(0) == 1) return values;
  return values.view({-1, 1, 1});
}

// x, filter, bias?, slopes?; convolution, activation
void convolve(Call& call) {
  const at::Tensor x = call.tensor();
  const at::Tensor filter = call.tensor();
  const auto bias = call.optionalTensor();
  auto slopes = call.optionalTensor();
  const auto convolution = Convolution::read(call);
  const auto activation = Activation::read(call);
  const Windows& windows = convolution.windows;

  const at::Tensor images = convolution.images(x);
  if (windows.none() || x.numel() == 0) {
    const Ints shape = windows.shape(x.size(0), windows.count, convolution.outputs(filter.sizes()));
    call.give(at::zeros(shape, x.options()));
    return;
  }
  const auto padding = Padding::ofConvolution(windows, images.sizes().slice(2));
  const at::Tensor weight = convolution.weight(filter);
  const bool fused = bias && isPerChannel(*bias, weight.size(0));
  c10::optional<at::Tensor> fusedBias;
  if (fused) fusedBias = bias->to(convolution.type);
  const at::Tensor result = at::convolution(padding.pad(images, 0), weight, fusedBias, windows.strides,
                                            padding.even, windows.dilations, false, Ints(windows.axes()),
                                            convolution.groups(filter.sizes()));
  at::Tensor y = windows.fromAten(result).to(at::kFloat);
  if (bias && !fused) y = y.add_(aligned(*bias, windows));
  if (slopes) slopes = aligned(*slopes, windows);
  call.give(activation.apply(y, slopes));
}

// The gradients of images, weight and bias, as far as they are wanted.
std::tuple<at::Tensor, at::Tensor, at::Tensor> backward(const Convolution& convolution,
                                                        const Padding& padding, const at::Tensor& dy,
                                                        const at::Tensor& images, const at::Tensor& weight,
                                                        int64_t groups, std::array<bool, 3> wanted) {
  const Windows& windows = convolution.windows;
  return at::convolution_backward(dy, images, weight, at::OptionalIntArrayRef{}, windows.strides,
                                  padding.even, windows.dilations, false, Ints(windows.axes()), groups, wanted);
}

// dy, filter; convolution, the spatial axes of the input → its gradient
void convolutionInputGradient(Call& call) {
  const at::Tensor dy = call.tensor();
  const at::Tensor filter = call.tensor();
  const auto convolution = Convolution::read(call);
  const Ints input = call.integers();

  if (dy.numel() == 0) {
    call.give(at::zeros(convolution.windows.shape(dy.size(0), input, filter.size(-2)), dy.options()));
    return;
  }
  const auto padding = Padding::ofConvolution(convolution.windows, input);
  Ints shape{dy.size(0), filter.size(-2)};
  shape.append(input.begin(), input.end());
  const at::Tensor images = convolution.placeholder(padding.paddedShape(shape), dy.options());
  const at::Tensor dx =
      std::get<0>(backward(convolution, padding, convolution.upstream(dy), images, convolution.weight(filter),
                           convolution.groups(filter.sizes()), {true, false, false}));
  call.give(convolution.windows.fromAten(padding.crop(dx)));
}

// x, dy; convolution, the filter's shape → its gradient
void convolutionFilterGradient(Call& call) {
  const at::Tensor x = call.tensor();
  const at::Tensor dy = call.tensor();
  const auto convolution = Convolution::read(call);
  const Ints shape = call.integers();

  if (dy.numel() == 0 || x.numel() == 0) {
    call.give(at::zeros(shape, x.options()));
    return;
  }
  const at::Tensor images = convolution.images(x);
  const auto padding = Padding::ofConvolution(convolution.windows, images.sizes().slice(2));
  const at::Tensor weight = convolution.placeholder(convolution.weightShape(shape), x.options());
  const at::Tensor gradient =
      std::get<1>(backward(convolution, padding, convolution.images(dy), padding.pad(images, 0), weight,
                           convolution.groups(shape), {false, true, false}));
  call.give(convolution.filter(gradient, shape));
}

}  // namespace

void registerConv(Registry& registry) {
  registry.add("convolve", convolve);
  registry.add("convolutionInputGradient", convolutionInputGradient);
  registry.add("convolutionFilterGradient", convolutionFilterGradient);
}

}  // namespace gradring
