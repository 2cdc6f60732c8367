// What kernels that sample images [N, H, W, C] share.
#pragma once
#include "ops.h"

namespace gradring {

// To the nearest, halves up, as JavaScript's Math.round does.
at::Tensor rounded(const at::Tensor& x);

// Pixels by image, row and column; the three broadcast, and lie inside.
at::Tensor pixels(const at::Tensor& images, const at::Tensor& image, const at::Tensor& row,
                  const at::Tensor& column);

}  // namespace gradring
