#include "table.h"
#include "winograd_tiles.h"

namespace gradring::GRADRING_ISA {
namespace {

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
