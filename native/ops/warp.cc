// Projective transforms of images [N, H, W, C]: rotation, scaling, shear, perspective.
#include "cast.h"
#include "image.h"

namespace gradring {
namespace {

// How coordinates outside of an image are brought into it, as tfjs names the modes.
enum class Outside : int64_t { kConstant, kReflect, kWrap, kNearest };

// Coordinates along an axis of `size` pixels, brought inside, as TensorFlow does in image_ops.h.
at::Tensor inside(const at::Tensor& place, int64_t size, Outside mode) {
  if (mode == Outside::kConstant) return place;
  const auto last = static_cast<double>(size - 1);
  if (mode == Outside::kNearest || size == 1) return place.clamp(0, last);
  const auto length = static_cast<double>(size);
  if (mode == Outside::kReflect) {
    // abcd is repeated as dcba|abcd|dcba: one period is twice as long.
    const at::Tensor shifted = place - (place / (2 * length)).floor_() * (2 * length);
    return at::where(shifted.ge(length), (2 * length - 1) - shifted, shifted).clamp_(0, last);
  }
  const at::Tensor before = place + ((place / -last).trunc_() + 1) * length;
  const at::Tensor after = place - (place / last).trunc_() * length;
  return at::where(place.lt(0), before, at::where(place.gt(last), after, place)).clamp_(0, last);
}

// Where a projective transform takes each pixel of the result from: x and y, [transforms, height, width].
struct Sources {
  at::Tensor x, y;
  // Where the coordinates are infinite.
  at::Tensor isNowhere;

  Sources(const at::Tensor& transforms, int64_t height, int64_t width) {
    const auto of = transforms.unsqueeze(2).unsqueeze(3).unbind(1);
    const at::Tensor column = at::arange(width, transforms.options());
    const at::Tensor row = at::arange(height, transforms.options()).unsqueeze(1);
    const at::Tensor divisor = of[6] * column + (of[7] * row + 1);
    isNowhere = divisor.eq(0);
    x = (of[0] * column + (of[1] * row + of[2])).div_(divisor);
    y = (of[3] * column + (of[4] * row + of[5])).div_(divisor);
  }
};

at::Tensor sampleNearest(const at::Tensor& images, const at::Tensor& x, const at::Tensor& y,
                         const at::Tensor& isNowhere, double fill) {
  const at::Tensor column = rounded(x);
  const at::Tensor row = rounded(y);
  const int64_t bottom = images.size(1) - 1;
  const int64_t right = images.size(2) - 1;
  const at::Tensor isInside = row.ge(0).logical_and(row.le(bottom)).logical_and(column.ge(0)).logical_and(
      column.le(right));
  const auto index = [&](const at::Tensor& place, int64_t last) {
    return place.nan_to_num(0, last, 0).clamp_(0, last).to(at::kLong);
  };
  const at::Tensor image = at::arange(images.size(0), x.options().dtype(at::kLong)).view({-1, 1, 1});
  const at::Tensor sampled = pixels(images, image, index(row, bottom), index(column, right));
  return sampled.masked_fill(isInside.logical_not().logical_or(isNowhere).unsqueeze(3), fill);
}

// What is outside is 0 to LibTorch: fill values are subtracted before and added after.
at::Tensor sampleBilinear(const at::Tensor& images, const at::Tensor& x, const at::Tensor& y,
                          const at::Tensor& isNowhere, double fill) {
  const int64_t count = images.size(0);
  const int64_t height = images.size(1);
  const int64_t width = images.size(2);
  // From pixels to LibTorch's coordinates: -1 and 1 are the outer edges of the image.
  const auto normalised = [&](const at::Tensor& place, int64_t size) {
    return place.masked_fill(isNowhere, -2.0).mul_(2.0 / size).add_(1.0 / size - 1).to(at::kFloat);
  };
  const at::Tensor grid = at::stack({normalised(x, width), normalised(y, height)}, 3)
                              .expand({count, x.size(1), x.size(2), 2});
  const at::Tensor shifted = fill == 0 ? images : images - fill;
  constexpr int64_t kBilinear = 0;
  constexpr int64_t kZeros = 0;
  const at::Tensor sampled =
      at::grid_sampler_2d(shifted.permute({0, 3, 1, 2}), grid, kBilinear, kZeros, false).permute({0, 2, 3, 1});
  return fill == 0 ? sampled : sampled + fill;
}

// images, transforms [1 or n, 8]; height and width of the result, bilinear, mode outside, fill value
void transform(Call& call) {
  const at::Tensor images = call.tensor().to(at::kFloat);
  const at::Tensor transforms = call.tensor().to(widestType(images.device()));
  const int64_t height = call.integer();
  const int64_t width = call.integer();
  const bool bilinear = call.flag();
  const auto mode = static_cast<Outside>(call.integer());
  const double fill = call.number();
  if (images.numel() == 0) {
    call.give(at::full({images.size(0), height, width, images.size(3)}, fill, images.options()));
    return;
  }
  const Sources sources(transforms, height, width);
  const at::Tensor x = inside(sources.x, images.size(2), mode);
  const at::Tensor y = inside(sources.y, images.size(1), mode);
  const auto& sample = bilinear ? sampleBilinear : sampleNearest;
  call.give(sample(images, x, y, sources.isNowhere, fill));
}

}  // namespace

void registerWarp(Registry& registry) { registry.add("transform", transform); }

}  // namespace gradring
