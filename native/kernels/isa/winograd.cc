#include "../winograd.h"

#include "strips.h"
#include "table.h"
#include "winograd_transforms.h"

namespace gradring::GRADRING_ISA {
namespace {

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

// products[tile][16] = Σ inputs[block][tile][channel] · filter[block][channel][16] at one point, one vector
// of it.
void multiply(const float* inputs, const float* filter, int64_t blocks, float* products) {
  Vec sums[forwardTiles];
#pragma GCC unroll 7
  for (int tile = 0; tile < forwardTiles; tile++) sums[tile] = Vec{};
  for (int64_t block = 0; block < blocks; block++, inputs += forwardTiles * blockSize) {
    for (int64_t c = 0; c < blockSize; c++, filter += blockSize) {
      const Vec weights = load(filter, Full{});
#pragma GCC unroll 7
      for (int tile = 0; tile < forwardTiles; tile++)
        sums[tile] += weights * splat(inputs[tile * blockSize + c]);
    }
  }
#pragma GCC unroll 7
  for (int tile = 0; tile < forwardTiles; tile++) store(products + tile * blockSize, sums[tile], Full{});
}

// dFilter[channel][16] += Σ inputs[tile][channel] · gradients[tile][16] at one point, one vector of it.
void addProducts(const float* inputs, const float* gradients, int64_t tiles, float* dFilter) {
  constexpr int rows = width == 16 ? 16 : 8;
  for (int64_t first = 0; first < blockSize; first += rows) {
    Vec sums[rows];
#pragma GCC unroll 16
    for (int c = 0; c < rows; c++) sums[c] = load(dFilter + (first + c) * blockSize, Full{});
    for (int64_t tile = 0; tile < tiles; tile++) {
      const Vec gradient = load(gradients + tile * blockSize, Full{});
#pragma GCC unroll 16
      for (int c = 0; c < rows; c++) sums[c] += gradient * splat(inputs[tile * blockSize + first + c]);
    }
#pragma GCC unroll 16
    for (int c = 0; c < rows; c++) store(dFilter + (first + c) * blockSize, sums[c], Full{});
  }
}

template <int size, class T>
void convolveTiles(const WinogradConvolve& call, const Tiles& tiles, int64_t first, int64_t count) {
  const WinogradShape& shape = call.shape;
  constexpr int64_t points = size * size;
  const int64_t blocks = shape.in.channels / blockSize;
  const TileStrides strides(forwardTiles, shape.in.channels);
  float *inputs = call.scratch, *products = inputs + points * strides.point;
  loadInputs<size>(shape, static_cast<const T*>(call.x), tiles, first, count, strides, inputs);
  for (int64_t c = 0; c < shape.out.channels; c += width) {
    const int64_t lane = c % blockSize;
    const float* filter = call.filter + c / blockSize * points * shape.in.channels * blockSize + lane;
    for (int64_t point = 0; point < points; point++) {
      multiply(inputs + point * strides.point, filter + point * shape.in.channels * blockSize, blocks,
               products + point * forwardTiles * blockSize);
    }
    const Vec bias = call.bias ? load(call.bias + c, Full{}) : Vec{};
    for (int64_t i = 0; i < count; i++) {
      const Tile tile = tiles[first + i];
      T* y = static_cast<T*>(call.y) + offsetOf(shape.out, tile.n, c, 0);
      storeOutput<size>(shape.out, products + i * blockSize, bias, tile, y);
    }
  }
}

template <int size, class T>
void addGradients(const WinogradGradient& call, const Tiles& tiles, int64_t first, int64_t count) {
  const WinogradShape& shape = call.shape;
  constexpr int64_t points = size * size;
  const TileStrides in(gradientTiles, shape.in.channels), out(gradientTiles, shape.out.channels);
  float *inputs = call.scratch, *gradients = inputs + points * in.point;
  loadInputs<size>(shape, static_cast<const T*>(call.x), tiles, first, count, in, inputs);
  loadGradients<size>(shape.out, static_cast<const T*>(call.dy), tiles, first, count, out, gradients);
  float* dFilter = call.dFilter;
  for (int64_t to = 0; to < out.point; to += out.block) {
    for (int64_t point = 0; point < points; point++) {
      for (int64_t from = 0; from < in.point; from += in.block, dFilter += blockSize * blockSize) {
        for (int64_t lane = 0; lane < blockSize; lane += width) {
          const float* gradient = gradients + point * out.point + to + lane;
          addProducts(inputs + point * in.point + from, gradient, count, dFilter + lane);
        }
      }
    }
  }
}

// body(size of a tile, T{}) with both known to the compiler.
template <class Body>
void forKind(const WinogradShape& shape, const Body& body) {
  withType(shape.in.type, [&](auto type) {
    if (shape.kernel == 3) {
      body(Count<6>{}, type);
    } else {
      body(Count<8>{}, type);
    }
  });
}

void convolve(const WinogradConvolve& call, Range range) {
  const Tiles tiles(call.shape.out);
  forKind(call.shape, [&](auto size, auto type) {
    for (int64_t first = tiles.begin(range); first < tiles.end(range); first += forwardTiles) {
      convolveTiles<size.value, decltype(type)>(call, tiles, first,
                                                smaller(forwardTiles, tiles.end(range) - first));
    }
  });
}

void backwardFilter(const WinogradGradient& call, Range range) {
  const Tiles tiles(call.shape.out);
  forKind(call.shape, [&](auto size, auto type) {
    const int64_t floats = size.value * size.value * call.shape.in.channels * call.shape.out.channels;
    for (int64_t i = 0; i < floats; i++) call.dFilter[i] = 0;
    for (int64_t first = tiles.begin(range); first < tiles.end(range); first += gradientTiles) {
      addGradients<size.value, decltype(type)>(call, tiles, first,
                                               smaller(gradientTiles, tiles.end(range) - first));
    }
  });
}

}  // namespace

WinogradKernels winogradKernels() {
  return {winogradTransformFilter, convolve, backwardFilter, winogradFilterGradient};
}

}  // namespace gradring::GRADRING_ISA
