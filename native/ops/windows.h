// Windows that move over the spatial axes of images, as convolutions and pools have them.
#pragma once
#include "ops.h"

namespace gradring {

// One number for each spatial axis.
struct Windows {
  bool channelsLast;
  Ints size;
  Ints strides;
  Ints dilations;
  Ints before;  // padding at the start of the axis; what the last window needs at the end follows
  Ints count;   // windows along the axis, the size of the result

  // channelsLast, size, strides, dilations, before, count
  static Windows read(Call& call);

  size_t axes() const { return size.size(); }
  int64_t extent(size_t axis) const { return (size[axis] - 1) * dilations[axis] + 1; }

  // A view of N … C (if that is the layout) as N C …, ATen's order, and back.
  at::Tensor toAten(const at::Tensor& images) const { return channelsLast ? images.movedim(-1, 1) : images; }
  at::Tensor fromAten(const at::Tensor& images) const { return channelsLast ? images.movedim(1, -1) : images; }
  // Images of N … C (or N C …) with these spatial axes.
  Ints shape(int64_t batch, at::IntArrayRef spatial, int64_t channels) const;
  // Whether a window is larger than its axis, or the axis is empty.
  bool none() const;
  // The layout of `toAten`'s views.
  at::MemoryFormat format() const;
};

// ATen pads both ends alike, and its pools by half a window at most. What goes beyond that is a padded copy.
struct Padding {
  Ints even;          // ATen's share
  bool ceil = false;  // pools: let windows reach over the end instead of padding there
  Ints start, end;    // of the copy, negative where no window looks; zeros when there is none
  bool copies = false;

  static Padding ofConvolution(const Windows& windows, at::IntArrayRef input);
  static Padding ofPool(const Windows& windows, at::IntArrayRef input);

  // `x` is N C …; the spatial axes of `input` above.
  at::Tensor pad(const at::Tensor& x, double value) const;
  // The inverse, for gradients: `padded` where x lies, zero where no window looks.
  at::Tensor crop(const at::Tensor& padded) const;
  Ints paddedShape(at::IntArrayRef shape) const;
  // As ATen wants them: the last axis first.
  Ints sides(int64_t sign) const;
};

}  // namespace gradring
