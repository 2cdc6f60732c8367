#include "stem.h"

namespace gradring {

int64_t stemScratch(const StemShape& shape) {
  const int64_t rows = (shape.out.height - 1) * shape.stride + shape.kernelHeight;
  const int64_t columns = (shape.out.width - 1) * shape.stride + shape.kernelWidth;
  return rows * columns * shape.channels;
}

}  // namespace gradring
