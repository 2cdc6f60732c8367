// Pooling. `in` and `out` agree in channels, layout and type. Cells outside the image do not count: an
// average divides by the real ones.
#pragma once
#include "images.h"

namespace gradring {

struct PoolShape {
  Images in, out;
  int64_t kernelHeight = 2, kernelWidth = 2, strideHeight = 2, strideWidth = 2, padTop = 0, padLeft = 0;
};

struct PoolForward {
  PoolShape shape;
  const void* x = nullptr;
  void* y = nullptr;
  // Max pooling for training: which cell of the window it was (row · kernelWidth + column, the first of
  // equals), laid out as y; null for inference. The window may have 256 cells at most.
  uint8_t* where = nullptr;
};

struct PoolBackward {
  PoolShape shape;
  const void* dy = nullptr;
  const uint8_t* where = nullptr;
  void* dx = nullptr;  // written, not added
};

// One value a channel of each image, in f32: values[N][C].
struct GlobalPool {
  Images shape;
  void* x = nullptr;
  float* values = nullptr;
};

struct PoolKernels {
  void (*maxForward)(const PoolForward&, Range);
  void (*maxBackward)(const PoolBackward&, Range);
  void (*averageForward)(const PoolForward&, Range);
  void (*averageBackward)(const PoolBackward&, Range);
  void (*globalAverageForward)(const GlobalPool&, Range);   // x → values
  void (*globalAverageBackward)(const GlobalPool&, Range);  // values/(H·W) → x
};

}  // namespace gradring
