#include "windows.h"
#include <algorithm>

namespace gradring {
namespace {

// How many windows ATen sees on an axis that it pads by `before` at both ends.
int64_t windowCount(const Windows& windows, size_t axis, int64_t input, bool ceil) {
  const int64_t stride = windows.strides[axis];
  const int64_t before = windows.before[axis];
  const int64_t room = input + 2 * before - windows.extent(axis) + (ceil ? stride - 1 : 0);
  if (room < 0) return 0;
  const int64_t count = room / stride + 1;
  // A window may reach over the end, but starts before it.
  return ceil && (count - 1) * stride >= input + before ? count - 1 : count;
}

bool allEven(const Windows& windows, at::IntArrayRef input, bool ceil) {
  for (size_t axis = 0; axis < windows.axes(); axis++) {
    if (windowCount(windows, axis, input[axis], ceil) != windows.count[axis]) return false;
  }
  return true;
}

Padding padded(const Windows& windows, at::IntArrayRef input) {
  const size_t axes = windows.axes();
  Padding padding{Ints(axes), false, Ints(axes), Ints(axes), false};
  for (size_t axis = 0; axis < axes; axis++) {
    const bool even = windowCount(windows, axis, input[axis], false) == windows.count[axis];
    if (even && windows.before[axis] >= 0) {
      padding.even[axis] = windows.before[axis];
      continue;
    }
    const int64_t reach = (windows.count[axis] - 1) * windows.strides[axis] + windows.extent(axis);
    padding.start[axis] = windows.before[axis];
    padding.end[axis] = reach - input[axis] - windows.before[axis];
    padding.copies = true;
  }
  return padding;
}

}  // namespace

Windows Windows::read(Call& call) {
  Windows windows;
  windows.channelsLast = call.flag();
  windows.size = call.integers();
  windows.strides = call.integers();
  windows.dilations = call.integers();
  windows.before = call.integers();
  windows.count = call.integers();
  const bool fit = std::all_of(windows.count.begin(), windows.count.end(), [](int64_t count) { return count >= 0; });
  TORCH_CHECK(fit, "windows [", windows.size, "] are larger than the image");
  return windows;
}

Ints Windows::shape(int64_t batch, at::IntArrayRef spatial, int64_t channels) const {
  Ints shape{batch};
  if (!channelsLast) shape.push_back(channels);
  for (const int64_t size : spatial) shape.push_back(std::max<int64_t>(size, 0));
  if (channelsLast) shape.push_back(channels);
  return shape;
}

bool Windows::none() const {
  return std::any_of(count.begin(), count.end(), [](int64_t windows) { return windows <= 0; });
}

at::MemoryFormat Windows::format() const {
  if (!channelsLast) return at::MemoryFormat::Contiguous;
  return axes() == 2 ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::ChannelsLast3d;
}

Padding Padding::ofConvolution(const Windows& windows, at::IntArrayRef input) {
  return padded(windows, input);
}

Padding Padding::ofPool(const Windows& windows, at::IntArrayRef input) {
  const size_t axes = windows.axes();
  bool half = true;
  for (size_t axis = 0; axis < axes; axis++) half &= windows.before[axis] <= windows.size[axis] / 2;
  if (half && !allEven(windows, input, false) && allEven(windows, input, true)) {
    return {windows.before, true, Ints(axes), Ints(axes), false};
  }
  Padding padding = padded(windows, input);
  if (half) return padding;
  for (size_t axis = 0; axis < axes; axis++) {
    padding.start[axis] += padding.even[axis];
    padding.end[axis] += padding.even[axis];
    padding.even[axis] = 0;
  }
  padding.copies = true;
  return padding;
}

Ints Padding::sides(int64_t sign) const {
  Ints sides;
  for (size_t axis = start.size(); axis-- > 0;) {
    sides.push_back(sign * start[axis]);
    sides.push_back(sign * end[axis]);
  }
  return sides;
}

at::Tensor Padding::pad(const at::Tensor& x, double value) const {
  return copies ? at::constant_pad_nd(x, sides(1), value) : x;
}

at::Tensor Padding::crop(const at::Tensor& padded) const {
  return copies ? at::constant_pad_nd(padded, sides(-1), 0) : padded;
}

Ints Padding::paddedShape(at::IntArrayRef shape) const {
  Ints padded(shape.begin(), shape.end());
  for (size_t axis = 0; axis < start.size(); axis++) padded[axis + 2] += start[axis] + end[axis];
  return padded;
}

}  // namespace gradring
