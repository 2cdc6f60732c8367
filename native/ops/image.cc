// Resizing, cropping and rotating of images [N, H, W, C].
#include "image.h"
#include <cmath>
#include "cast.h"

namespace gradring {

at::Tensor rounded(const at::Tensor& x) { return (x + 0.5).floor_(); }

at::Tensor pixels(const at::Tensor& images, const at::Tensor& image, const at::Tensor& row,
                  const at::Tensor& column) {
  const int64_t channels = images.size(3);
  const at::Tensor index = (image * images.size(1) + row) * images.size(2) + column;
  const at::Tensor table = images.reshape({images.numel() / std::max<int64_t>(channels, 1), channels});
  Ints shape(index.sizes().begin(), index.sizes().end());
  shape.push_back(channels);
  return table.index_select(0, index.reshape(-1)).view(shape);
}

namespace {

constexpr int64_t kRows = 1;
constexpr int64_t kColumns = 2;

struct Resizing {
  bool alignCorners;
  bool halfPixelCenters;
  int64_t size[2];  // of the images: rows, columns
  int64_t resized[2];

  // alignCorners, halfPixelCenters, height, width, resized height, resized width
  static Resizing read(Call& call) {
    Resizing r{};
    r.alignCorners = call.flag();
    r.halfPixelCenters = call.flag();
    for (int64_t& size : r.size) size = call.integer();
    for (int64_t& size : r.resized) size = call.integer();
    return r;
  }

  // Where the centers of the resized pixels lie along `axis` of the image, in pixels.
  at::Tensor positions(int64_t axis, const Call& call, double shift) const {
    const int64_t from = size[axis - 1];
    const int64_t to = resized[axis - 1];
    const bool corners = alignCorners && to > 1;
    const double ratio = corners ? (from - 1.0) / (to - 1.0) : static_cast<double>(from) / to;
    const auto places = at::arange(to, call.options(widestType(call.environment().device())));
    return halfPixelCenters ? (places + 0.5) * ratio + shift : places * ratio;
  }

  // The pixel that each resized one is taken from.
  at::Tensor nearest(int64_t axis, const Call& call) const {
    const at::Tensor places = positions(axis, call, 0);
    const at::Tensor pixels = alignCorners ? rounded(places) : places.floor();
    return pixels.clamp(0, size[axis - 1] - 1).to(at::kLong);
  }

  // Whether each pixel becomes a block of equal ones.
  bool isRepetition() const {
    if (alignCorners || size[0] == 0 || size[1] == 0) return false;
    return resized[0] % size[0] == 0 && resized[1] % size[1] == 0;
  }
};

// The two pixels between which each resized one lies, and the share of the second.
struct Between {
  at::Tensor low, high, share;

  Between(const Resizing& resizing, int64_t axis, const Call& call) {
    const at::Tensor places = resizing.positions(axis, call, -0.5);
    const at::Tensor floor = places.floor().clamp_min_(0);
    low = floor.to(at::kLong);
    high = places.ceil().clamp(0, resizing.size[axis - 1] - 1).to(at::kLong);
    share = (places - floor).to(at::kFloat);
    share = axis == kRows ? share.view({-1, 1, 1}) : share.view({-1, 1});
  }
};

// images; resizing
void resizeBilinear(Call& call) {
  at::Tensor images = call.tensor().to(at::kFloat);
  const auto resizing = Resizing::read(call);
  for (const int64_t axis : {kRows, kColumns}) {
    const Between between(resizing, axis, call);
    const at::Tensor low = images.index_select(axis, between.low);
    images = images.index_select(axis, between.high).sub_(low).mul_(between.share).add_(low);
  }
  call.give(images);
}

at::Tensor zerosAlong(int64_t axis, const at::Tensor& like, int64_t size) {
  Ints shape(like.sizes().begin(), like.sizes().end());
  shape[axis] = size;
  return at::zeros(shape, like.options());
}

// dy; resizing → the images' gradient
void resizeBilinearGradient(Call& call) {
  at::Tensor gradient = call.tensor();
  const auto resizing = Resizing::read(call);
  for (const int64_t axis : {kRows, kColumns}) {
    const Between between(resizing, axis, call);
    const at::Tensor ofHigh = gradient * between.share;
    at::Tensor sums = zerosAlong(axis, gradient, resizing.size[axis - 1]);
    sums.index_add_(axis, between.low, gradient - ofHigh);
    gradient = sums.index_add_(axis, between.high, ofHigh);
  }
  call.give(gradient);
}

// images; resizing
void resizeNearest(Call& call) {
  at::Tensor images = call.tensor();
  const auto resizing = Resizing::read(call);
  const auto& [height, width] = resizing.size;
  const auto& [newHeight, newWidth] = resizing.resized;
  if (resizing.isRepetition()) {
    const int64_t batch = images.size(0);
    const int64_t channels = images.size(3);
    const at::Tensor single = images.view({batch, height, 1, width, 1, channels});
    const at::Tensor blocks =
        single.expand({batch, height, newHeight / height, width, newWidth / width, channels});
    call.give(blocks.reshape({batch, newHeight, newWidth, channels}));
    return;
  }
  for (const int64_t axis : {kRows, kColumns}) {
    images = images.index_select(axis, resizing.nearest(axis, call));
  }
  call.give(images);
}

// dy; resizing → the images' gradient
void resizeNearestGradient(Call& call) {
  at::Tensor gradient = call.tensor();
  const auto resizing = Resizing::read(call);
  const auto& [height, width] = resizing.size;
  const auto& [newHeight, newWidth] = resizing.resized;
  if (resizing.isRepetition()) {
    const int64_t batch = gradient.size(0);
    const at::Tensor blocks =
        gradient.view({batch, height, newHeight / height, width, newWidth / width, gradient.size(3)});
    call.give(blocks.sum({2, 4}));
    return;
  }
  for (const int64_t axis : {kRows, kColumns}) {
    at::Tensor sums = zerosAlong(axis, gradient, resizing.size[axis - 1]);
    gradient = sums.index_add_(axis, resizing.nearest(axis, call), gradient);
  }
  call.give(gradient);
}

// Where `count` samples of each box lie along an axis of `size` pixels: [boxes, count].
at::Tensor samples(const at::Tensor& start, const at::Tensor& end, int64_t count, int64_t size) {
  const auto last = static_cast<double>(size - 1);
  if (count == 1) return (start + end) * (0.5 * last);
  const at::Tensor step = (end - start) * (last / (count - 1.0));
  return start * last + at::arange(count, start.options()) * step;
}

// images, boxes [n, 4] (top, left, bottom, right in 0 … 1), image of each box; height, width, bilinear, value
// outside
void cropAndResize(Call& call) {
  const at::Tensor images = call.tensor().to(at::kFloat);
  const at::Tensor boxes = call.tensor().to(widestType(images.device()));
  const at::Tensor image = call.tensor().to(at::kLong).view({-1, 1, 1});
  const int64_t height = call.integer();
  const int64_t width = call.integer();
  const bool bilinear = call.flag();
  const double outside = call.number();

  const auto edges = boxes.split(1, 1);
  at::Tensor y = samples(edges[0], edges[2], height, images.size(1)).unsqueeze(2);
  at::Tensor x = samples(edges[1], edges[3], width, images.size(2)).unsqueeze(1);
  const int64_t bottom = images.size(1) - 1;
  const int64_t right = images.size(2) - 1;
  const at::Tensor isInside = y.ge(0).logical_and(y.le(bottom)).logical_and(x.ge(0).logical_and(x.le(right)));
  y = y.clamp(0, bottom);
  x = x.clamp(0, right);
  const at::Tensor source = image.clamp(0, images.size(0) - 1);
  const auto at = [&](const at::Tensor& row, const at::Tensor& column) {
    return pixels(images, source, row.to(at::kLong), column.to(at::kLong));
  };
  at::Tensor crops;
  if (bilinear) {
    const at::Tensor xShare = (x - x.floor()).to(at::kFloat).unsqueeze(3);
    const at::Tensor yShare = (y - y.floor()).to(at::kFloat).unsqueeze(3);
    const at::Tensor above = at(y.floor(), x.floor());
    const at::Tensor top = above + (at(y.floor(), x.ceil()) - above) * xShare;
    const at::Tensor below = at(y.ceil(), x.floor());
    const at::Tensor low = below + (at(y.ceil(), x.ceil()) - below) * xShare;
    crops = top + (low - top) * yShare;
  } else {
    crops = at(rounded(y), rounded(x));
  }
  crops.masked_fill_(isInside.logical_not().unsqueeze(3), outside);
  // Boxes of images that there are not come out black.
  call.give(crops.masked_fill_(image.ge(images.size(0)).unsqueeze(3), 0));
}

// images; radians, center x, center y, value outside for each channel
void rotate(Call& call) {
  const at::Tensor images = call.tensor();
  const double radians = call.number();
  const double centerX = call.number();
  const double centerY = call.number();
  const std::vector<double> fill = call.numbers();
  const auto options = call.options(widestType(images.device()));
  const at::Tensor dy = at::arange(images.size(1), options).sub_(centerY).unsqueeze(1);
  const at::Tensor dx = at::arange(images.size(2), options).sub_(centerX);
  const at::Tensor x = rounded(dx * std::cos(radians) - dy * std::sin(radians) + centerX);
  const at::Tensor y = rounded(dx * std::sin(radians) + dy * std::cos(radians) + centerY);
  const int64_t bottom = images.size(1) - 1;
  const int64_t right = images.size(2) - 1;
  const at::Tensor isInside = x.ge(0).logical_and(x.le(right)).logical_and(y.ge(0)).logical_and(y.le(bottom));
  const at::Tensor image = at::arange(images.size(0), options.dtype(at::kLong)).view({-1, 1, 1});
  const at::Tensor rotated =
      pixels(images, image, y.clamp(0, bottom).to(at::kLong), x.clamp(0, right).to(at::kLong));
  const at::Tensor background = at::tensor(fill, at::kDouble).to(images.options());
  call.give(at::where(isInside.unsqueeze(2), rotated, background));
}

}  // namespace

void registerImage(Registry& registry) {
  registry.add("resizeBilinear", resizeBilinear);
  registry.add("resizeBilinearGradient", resizeBilinearGradient);
  registry.add("resizeNearest", resizeNearest);
  registry.add("resizeNearestGradient", resizeNearestGradient);
  registry.add("cropAndResize", cropAndResize);
  registry.add("rotate", rotate);
}

}  // namespace gradring
