#include "direct.h"

namespace gradring {

int64_t directFilterFloats(const DirectShape& shape) {
  return shape.kernelHeight * shape.kernelWidth * shape.in.channels * shape.out.channels;
}

int64_t directScratch(const DirectShape& shape) {
  constexpr int64_t images = 14;  // at once, in isa/direct.cc
  return images * (shape.in.elements() + shape.out.elements());
}

}  // namespace gradring
