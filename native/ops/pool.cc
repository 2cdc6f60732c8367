// Average and max pools of two and three dimensions, and their gradients.
#include <cmath>
#include <limits>
#include "cast.h"
#include "windows.h"

namespace gradring {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Ints spatialAxes(const at::Tensor& images) {
  const auto axes = images.sizes().slice(2);
  return Ints(axes.begin(), axes.end());
}

// The result where there are no windows, or no images.
bool giveNothing(Call& call, const at::Tensor& images, const Windows& windows, at::ScalarType type) {
  if (!windows.none() && images.numel() > 0) return false;
  call.give(at::zeros(windows.shape(images.size(0), windows.count, images.size(1)), call.options(type)));
  return true;
}

// Sums of windows where cells of a padded copy must not count, else ATen's own mean.
struct AveragePool {
  const Windows& windows;
  Padding padding;

  c10::optional<int64_t> divisor() const {
    return padding.copies ? c10::optional<int64_t>(1) : c10::optional<int64_t>();
  }

  at::Tensor forward(const at::Tensor& images) const {
    const auto pool = windows.axes() == 2 ? at::avg_pool2d : at::avg_pool3d;
    return pool(padding.pad(images, 0), windows.size, windows.strides, padding.even, padding.ceil, false,
                divisor());
  }

  at::Tensor backward(const at::Tensor& dy, const at::Tensor& padded) const {
    const auto pool = windows.axes() == 2 ? at::avg_pool2d_backward : at::avg_pool3d_backward;
    return pool(dy, padded, windows.size, windows.strides, padding.even, padding.ceil, false, divisor());
  }

  // Cells of the image in each window. One without any is 0, not 0/0.
  at::Tensor counts(at::IntArrayRef input, const at::TensorOptions& options) const {
    Ints shape{1, 1};
    shape.append(input.begin(), input.end());
    return forward(at::ones(shape, options)).clamp_min_(1);
  }
};

// x; windows
void averagePool(Call& call) {
  const at::Tensor x = call.tensor();
  const auto windows = Windows::read(call);
  const at::Tensor images = windows.toAten(floating(x));
  const Ints input = spatialAxes(images);
  if (giveNothing(call, images, windows, x.scalar_type())) return;
  const AveragePool pool{windows, Padding::ofPool(windows, input)};
  at::Tensor y = pool.forward(images);
  if (pool.padding.copies) y = y.div_(pool.counts(input, images.options()));
  call.give(windows.fromAten(y).to(x.scalar_type()));
}

// dy; windows, spatial axes of the input → its gradient. tfjs's cpu backend divides by the whole window also
// where part of it lies in the padding, which is not the derivative of its forward pass.
void averagePoolGradient(Call& call) {
  const at::Tensor dy = call.tensor();
  const auto windows = Windows::read(call);
  const Ints input = call.integers();
  at::Tensor upstream = windows.toAten(dy);
  if (dy.numel() == 0) {
    call.give(at::zeros(windows.shape(dy.size(0), input, upstream.size(1)), dy.options()));
    return;
  }
  const AveragePool pool{windows, Padding::ofPool(windows, input)};
  if (pool.padding.copies) upstream = upstream / pool.counts(input, dy.options());
  Ints shape{upstream.size(0), upstream.size(1)};
  shape.append(input.begin(), input.end());
  const auto options = dy.options().memory_format(windows.format());
  const at::Tensor padded = at::empty(pool.padding.paddedShape(shape), options);  // only its shape is read
  call.give(windows.fromAten(pool.padding.crop(pool.backward(upstream, padded))));
}

struct MaxPool {
  const Windows& windows;
  Padding padding;
  at::Tensor images;  // padded

  MaxPool(const at::Tensor& x, const Windows& windows)
      : windows(windows), padding(Padding::ofPool(windows, spatialAxes(windows.toAten(x)))) {
    images = padding.pad(windows.toAten(floating(x)), -kInfinity);
  }

  // The maxima and their places in the plane of their channel.
  std::tuple<at::Tensor, at::Tensor> forward() {
    auto result = run();
    // tfjs passes over NaN, ATen's result is NaN. To look is cheaper than to replace, but a GPU would have to
    // be waited for.
    const bool clean = images.is_cpu() && !std::isnan(std::get<0>(result).sum().item<double>());
    if (clean) return result;
    images = images.nan_to_num(-kInfinity, kInfinity, -kInfinity);
    return run();
  }

  at::Tensor backward(const at::Tensor& dy) {
    const auto places = std::get<1>(forward());
    const auto pool =
        windows.axes() == 2 ? at::max_pool2d_with_indices_backward : at::max_pool3d_with_indices_backward;
    return pool(dy, images, windows.size, windows.strides, padding.even, windows.dilations, padding.ceil,
                places);
  }

 private:
  std::tuple<at::Tensor, at::Tensor> run() const {
    const auto pool = windows.axes() == 2 ? at::max_pool2d_with_indices : at::max_pool3d_with_indices;
    return pool(images, windows.size, windows.strides, padding.even, windows.dilations, padding.ceil);
  }
};

// x; windows
void maxPool(Call& call) {
  const at::Tensor x = call.tensor();
  const auto windows = Windows::read(call);
  if (giveNothing(call, windows.toAten(x), windows, x.scalar_type())) return;
  const at::Tensor y = std::get<0>(MaxPool(x, windows).forward());
  call.give(windows.fromAten(y).to(x.scalar_type()));
}

// dy, x; windows → the input's gradient: all of it to the first of the largest cells.
void maxPoolGradient(Call& call) {
  const at::Tensor dy = call.tensor();
  const at::Tensor x = call.tensor();
  const auto windows = Windows::read(call);
  if (dy.numel() == 0) {
    call.give(at::zeros_like(x));
    return;
  }
  MaxPool pool(x, windows);
  call.give(windows.fromAten(pool.padding.crop(pool.backward(windows.toAten(dy)))));
}

// x [N, H, W, C]; windows, whether places count from the start of the batch or of the image → maxima, places
void maxPoolWithArgmax(Call& call) {
  const at::Tensor x = call.tensor();
  const auto windows = Windows::read(call);
  const bool inBatch = call.flag();
  MaxPool pool(x, windows);
  const auto [y, places] = pool.forward();
  const int64_t width = pool.images.size(3);
  const at::Tensor row = at::floor_divide(places, width) - pool.padding.start[0];
  const at::Tensor column = at::remainder(places, width) - pool.padding.start[1];
  const auto options = places.options();
  const at::Tensor channel = at::arange(x.size(3), options).view({1, -1, 1, 1});
  at::Tensor index = (row * x.size(2) + column) * x.size(3) + channel;
  if (inBatch) {
    const int64_t imageSize = x.size(1) * x.size(2) * x.size(3);
    index = index + at::arange(x.size(0), options).view({-1, 1, 1, 1}) * imageSize;
  }
  call.give(windows.fromAten(y).to(x.scalar_type()));
  call.give(windows.fromAten(index));
}

}  // namespace

void registerPool(Registry& registry) {
  registry.add("averagePool", averagePool);
  registry.add("averagePoolGradient", averagePoolGradient);
  registry.add("maxPool", maxPool);
  registry.add("maxPoolGradient", maxPoolGradient);
  registry.add("maxPoolWithArgmax", maxPoolWithArgmax);
}

}  // namespace gradring
