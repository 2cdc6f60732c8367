#include "winograd.h"

namespace gradring {
namespace {

constexpr int64_t mostTiles = 14;  // at once, in isa/winograd.cc

int64_t points(const WinogradShape& shape) { return (shape.kernel + 3) * (shape.kernel + 3); }

}  // namespace

int64_t winogradFilterFloats(const WinogradShape& shape) {
  return points(shape) * shape.in.channels * shape.out.channels;
}

int64_t winogradScratch(const WinogradShape& shape) {
  return points(shape) * mostTiles * (shape.in.channels + shape.out.channels);
}

WinogradShape winogradBackward(const WinogradShape& shape) {
  const int64_t last = shape.kernel - 1;
  return {shape.out, shape.in, shape.kernel, last - shape.padTop, last - shape.padLeft};
}

}  // namespace gradring
