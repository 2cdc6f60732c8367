#include "kernels_check.h"

namespace gradring::test {
namespace {

constexpr int64_t images = 3;

// The real cells of output pixel `pixel`, as (input pixel, index in the window).
std::vector<std::pair<int64_t, int64_t>> cellsOf(const PoolShape& shape, int64_t pixel) {
  std::vector<std::pair<int64_t, int64_t>> cells;
  const int64_t top = pixel / shape.out.width * shape.strideHeight - shape.padTop;
  const int64_t left = pixel % shape.out.width * shape.strideWidth - shape.padLeft;
  for (int64_t i = 0; i < shape.kernelHeight; i++) {
    for (int64_t j = 0; j < shape.kernelWidth; j++) {
      const int64_t row = top + i, column = left + j;
      if (row < 0 || row >= shape.in.height || column < 0 || column >= shape.in.width) continue;
      cells.emplace_back(row * shape.in.width + column, i * shape.kernelWidth + j);
    }
  }
  return cells;
}

void testPools(const Kernels& kernels, Checks& checks, std::mt19937& random, const PoolShape& shape,
               bool maximum) {
  Batch x = randomBatch(random, shape.in, images), y(shape.out, images), dx(shape.in, images);
  Batch dy = randomBatch(random, shape.out, images);
  x.forEach([&](int64_t n, int64_t pixel, int64_t c) {
    x.set(n, pixel, c, std::round(2 * x.at(n, pixel, c)) - 3);
  });
  std::vector<uint8_t> where(images * shape.out.elements());
  const PoolForward forward{shape, x.data(), y.data(), where.data()};
  const PoolBackward backward{shape, dy.data(), where.data(), dx.data()};
  const PoolKernels& pool = kernels.pool;
  (maximum ? pool.maxForward : pool.averageForward)(forward, {0, 1});
  (maximum ? pool.maxForward : pool.averageForward)(forward, {1, images});
  (maximum ? pool.maxBackward : pool.averageBackward)(backward, {0, images});
  std::vector<double> expected(images * shape.in.elements());
  const auto gradient = [&](int64_t n, int64_t pixel, int64_t c) -> double& {
    return expected[(n * shape.in.pixels() + pixel) * shape.in.channels + c];
  };
  Difference values, gradients;
  y.forEach([&](int64_t n, int64_t pixel, int64_t c) {
    const auto cells = cellsOf(shape, pixel);
    double sum = 0;
    int64_t largest = cells[0].first;
    for (const auto& [cell, index] : cells) {
      sum += x.at(n, cell, c);
      if (x.at(n, cell, c) > x.at(n, largest, c)) largest = cell;
      if (!maximum) gradient(n, cell, c) += dy.at(n, pixel, c) / static_cast<double>(cells.size());
    }
    values.add(y.at(n, pixel, c), maximum ? x.at(n, largest, c) : sum / static_cast<double>(cells.size()));
    if (maximum) gradient(n, largest, c) += dy.at(n, pixel, c);
  });
  dx.forEach(
      [&](int64_t n, int64_t pixel, int64_t c) { gradients.add(dx.at(n, pixel, c), gradient(n, pixel, c)); });
  const std::string name = std::string(maximum ? "max pool " : "average pool ") +
                           std::to_string(shape.kernelHeight) + "x" + std::to_string(shape.kernelWidth) +
                           " s" + std::to_string(shape.strideHeight) + " " + nameOf(shape.in);
  checks.near(name, values.error, values.size, tolerance(shape.in));
  checks.near(name + " backward", gradients.error, gradients.size, tolerance(shape.in));
}

void testGlobal(const Kernels& kernels, Checks& checks, std::mt19937& random, const Images& shape) {
  Batch x = randomBatch(random, shape, images), dx(shape, images);
  std::vector<float> values(images * shape.channels);
  kernels.pool.globalAverageForward({shape, x.data(), values.data()}, {0, images});
  kernels.pool.globalAverageBackward({shape, dx.data(), values.data()}, {0, images});
  std::vector<double> expected(values.size());
  Difference difference, gradients;
  x.forEach([&](int64_t n, int64_t pixel, int64_t c) {
    expected[n * shape.channels + c] += x.at(n, pixel, c) / static_cast<double>(shape.pixels());
    gradients.add(dx.at(n, pixel, c), values[n * shape.channels + c] / static_cast<double>(shape.pixels()));
  });
  for (size_t i = 0; i < values.size(); i++) difference.add(values[i], expected[i]);
  checks.near("global pool " + nameOf(shape), difference.error, difference.size, 1e-6);
  checks.near("global pool backward " + nameOf(shape), gradients.error, gradients.size, tolerance(shape));
}

}  // namespace

void testPool(const Kernels& kernels, Checks& checks) {
  std::mt19937 random(3);
  for (const Images& shape : testShapes()) {
    testGlobal(kernels, checks, random, shape);
    for (const auto [kernelHeight, kernelWidth, stride, pad] :
         {std::array<int64_t, 4>{2, 2, 2, 0}, {3, 3, 2, 1}, {3, 2, 1, 1}, {1, 1, 2, 0}}) {
      PoolShape pool{shape, shape, kernelHeight, kernelWidth, stride, stride, pad, 0};
      pool.out.height = (shape.height + stride - 1) / stride;
      pool.out.width = (shape.width + stride - 1) / stride;
      for (const bool maximum : {false, true}) testPools(kernels, checks, random, pool, maximum);
    }
  }
}

}  // namespace gradring::test
