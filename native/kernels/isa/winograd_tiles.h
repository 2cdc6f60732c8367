// Tiles of images into the transformed space and out of it.
#pragma once
#include "../winograd.h"
#include "strips.h"
#include "winograd_transforms.h"

namespace gradring::GRADRING_ISA {

// Tiles at once: enough sums to keep the multipliers busy, few enough that what they work on stays near. The
// gradient of the filter, read and written for each lot of tiles, wants more. winograd.cc reckons with the
// larger.
constexpr int forwardTiles = 7, gradientTiles = 14;

// Where a tile lies: its image, and its first output pixel.
struct Tile {
  int64_t n, row, column;
};

class Tiles {
 public:
  explicit Tiles(const Images& out)
      : across_((out.width + outputs - 1) / outputs), each_((out.height + outputs - 1) / outputs * across_) {}

  int64_t begin(Range range) const { return range.begin * each_; }
  int64_t end(Range range) const { return range.end * each_; }
  Tile operator[](int64_t index) const {
    const int64_t inImage = index % each_;
    return {index / each_, inImage / across_ * outputs, inImage % across_ * outputs};
  }

 private:
  int64_t across_, each_;
};

// Transformed tiles lie as [point][block of channels][tile][16]: how far it is from block to block and point
// to point.
struct TileStrides {
  int64_t block, point;

  TileStrides(int64_t tiles, int64_t channels) : block(tiles * blockSize), point(tiles * channels) {}
};

// One vector of channels of one tile: x → Bᵀ·x·B, zero outside the image.
template <int size, bool inside, class T>
void loadInput(const Images& in, const T* x, int64_t top, int64_t left, float* to, int64_t stride) {
  Vec tile[size][size];
  for (int j = 0; j < size; j++) {
    Vec column[size] = {};
    if (inside || (left + j >= 0 && left + j < in.width)) {
      for (int i = 0; i < size; i++) {
        if (!inside && (top + i < 0 || top + i >= in.height)) continue;
        column[i] = load(x + ((top + i) * in.width + left + j) * blockSize, Full{});
      }
      transformInput(column);
    }
    for (int i = 0; i < size; i++) tile[i][j] = column[i];
  }
  for (int i = 0; i < size; i++) {
    transformInput(tile[i]);
    for (int j = 0; j < size; j++) store(to + (i * size + j) * stride, tile[i][j], Full{});
  }
}

// Tiles [first, first + count), vector by vector of channels: neighbours in a row of the image follow each
// other.
template <int size, class T>
void loadInputs(const WinogradShape& shape, const T* x, const Tiles& tiles, int64_t first, int64_t count,
                const TileStrides& strides, float* to) {
  const Images& in = shape.in;
  for (int64_t c = 0; c < in.channels; c += width) {
    for (int64_t i = 0; i < count; i++) {
      const Tile tile = tiles[first + i];
      const int64_t top = tile.row - shape.padTop, left = tile.column - shape.padLeft;
      const T* image = x + offsetOf(in, tile.n, c, 0);
      float* target = to + c / blockSize * strides.block + i * blockSize + c % blockSize;
      if (top >= 0 && left >= 0 && top + size <= in.height && left + size <= in.width) {
        loadInput<size, true>(in, image, top, left, target, strides.point);
      } else {
        loadInput<size, false>(in, image, top, left, target, strides.point);
      }
    }
  }
}

// One vector of channels of one tile: dy → A·dy·Aᵀ.
template <int size, bool inside, class T>
void loadGradient(const Images& out, const T* dy, const Tile& at, float* to, int64_t stride) {
  Vec tile[size][outputs];
  for (int j = 0; j < outputs; j++) {
    Vec column[outputs] = {}, expanded[size];
    for (int i = 0; i < outputs; i++) {
      if (!inside && (at.row + i >= out.height || at.column + j >= out.width)) continue;
      column[i] = load(dy + ((at.row + i) * out.width + at.column + j) * blockSize, Full{});
    }
    transformGradient(column, expanded);
    for (int i = 0; i < size; i++) tile[i][j] = expanded[i];
  }
  for (int i = 0; i < size; i++) {
    Vec row[size];
    transformGradient(tile[i], row);
    for (int j = 0; j < size; j++) store(to + (i * size + j) * stride, row[j], Full{});
  }
}

template <int size, class T>
void loadGradients(const Images& out, const T* dy, const Tiles& tiles, int64_t first, int64_t count,
                   const TileStrides& strides, float* to) {
  for (int64_t c = 0; c < out.channels; c += width) {
    for (int64_t i = 0; i < count; i++) {
      const Tile tile = tiles[first + i];
      const T* image = dy + offsetOf(out, tile.n, c, 0);
      float* target = to + c / blockSize * strides.block + i * blockSize + c % blockSize;
      if (tile.row + outputs <= out.height && tile.column + outputs <= out.width) {
        loadGradient<size, true>(out, image, tile, target, strides.point);
      } else {
        loadGradient<size, false>(out, image, tile, target, strides.point);
      }
    }
  }
}

// One vector of channels of one tile: Aᵀ·products·A + bias → y.
template <int size, class T>
void storeOutput(const Images& out, const float* from, Vec bias, const Tile& at, T* y) {
  Vec tile[outputs][size];
  for (int j = 0; j < size; j++) {
    Vec column[size], reduced[outputs];
    for (int i = 0; i < size; i++) column[i] = load(from + (i * size + j) * forwardTiles * blockSize, Full{});
    transformOutput(column, reduced);
    for (int i = 0; i < outputs; i++) tile[i][j] = reduced[i];
  }
  for (int i = 0; i < outputs && at.row + i < out.height; i++) {
    Vec row[outputs];
    transformOutput(tile[i], row);
    for (int j = 0; j < outputs; j++) {
      if (at.column + j >= out.width) break;
      store(y + ((at.row + i) * out.width + at.column + j) * blockSize, row[j] + bias, Full{});
    }
  }
}

}  // namespace gradring::GRADRING_ISA
