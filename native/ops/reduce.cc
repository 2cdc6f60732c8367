// Reductions, scans, counts and the largest elements.
#include <algorithm>
#include <functional>
#include <limits>
#include "cast.h"
#include "ops.h"

namespace gradring {
namespace {

using Reduction = at::Tensor (*)(const at::Tensor& x, at::IntArrayRef axes, bool keepDims);
using AxisReduction = at::Tensor (*)(const at::Tensor& x, int64_t axis, bool keepDims);

// x, axes, keepDims
template <Reduction function>
void reduce(Call& call) {
  const at::Tensor x = call.tensor();
  const Ints axes = call.integers();
  const bool keepDims = call.flag();
  // LibTorch takes no axes for all of them: here nothing is reduced then, which is an axis of one element.
  call.give(axes.empty() ? function(x.unsqueeze(-1), x.dim(), false) : function(x, axes, keepDims));
}

at::Tensor sum(const at::Tensor& x, at::IntArrayRef axes, bool keepDims) { return at::sum(x, axes, keepDims); }

at::Tensor mean(const at::Tensor& x, at::IntArrayRef axes, bool keepDims) {
  return at::mean(castTo(x, at::kFloat), axes, keepDims);
}

at::Tensor prod(const at::Tensor& x, int64_t axis, bool keepDims) { return at::prod(x, axis, keepDims); }

// For functions that LibTorch has for a single axis only: from the last axis on, so that the others keep their place.
template <AxisReduction function>
at::Tensor oneByOne(const at::Tensor& x, at::IntArrayRef axes, bool keepDims) {
  Ints order(axes.begin(), axes.end());
  std::sort(order.begin(), order.end(), std::greater<>());
  at::Tensor result = x;
  for (const int64_t axis : order) result = function(result, axis, keepDims);
  return result;
}

// x, axis → int32, the first one of equals; NaN is never the largest.
void argMax(Call& call) {
  at::Tensor x = arithmetic(call.tensor());
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (x.is_floating_point()) x = x.nan_to_num(-kInfinity, kInfinity, -kInfinity);
  call.give(at::argmax(x, call.integer()));
}

void argMin(Call& call) {
  at::Tensor x = arithmetic(call.tensor());
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (x.is_floating_point()) x = x.nan_to_num(kInfinity, kInfinity, -kInfinity);
  call.give(at::argmin(x, call.integer()));
}

// x [.., C] → [C], the sum over all other axes.
void columnSum(Call& call) {
  const at::Tensor x = call.tensor();
  call.give(at::sum(x.reshape({-1, x.size(-1)}), at::IntArrayRef{0}));
}

using Scan = at::Tensor (*)(const at::Tensor& x, int64_t axis, c10::optional<at::ScalarType>);

// x, axis, exclusive, reverse
template <Scan function, int identity>
void scan(Call& call) {
  at::Tensor x = arithmetic(call.tensor());
  const int64_t axis = call.integer();
  const bool exclusive = call.flag();
  const bool reverse = call.flag();
  if (reverse) x = x.flip(axis);
  if (exclusive && x.size(axis) > 0) {
    const at::Tensor first = at::full_like(x.narrow(axis, 0, 1), identity);
    x = at::cat({first, x.narrow(axis, 0, x.size(axis) - 1)}, axis);
  }
  const at::Tensor result = function(x, axis, {});
  call.give(reverse ? result.flip(axis) : result);
}

// x, k → the k largest of the last axis in falling order, and where they are; of equals the first comes first.
void topK(Call& call) {
  const at::Tensor x = call.tensor();
  const int64_t k = call.integer();
  const auto [values, indices] = at::sort(arithmetic(x), c10::optional<bool>(true), -1, true);
  call.give(castTo(values.narrow(-1, 0, k), x.scalar_type()));
  call.give(indices.narrow(-1, 0, k));
}

// x [.., n] of integers, weights like x or empty, size, binary → [.., size] in the dtype of the weights: for each
// integer the weight of its occurrences, or how many there are, or whether there is any.
void bincount(Call& call) {
  const at::Tensor x = castTo(call.tensor(), at::kLong);
  const at::Tensor weights = call.tensor();
  const int64_t size = call.integer();
  const bool binary = call.flag();
  TORCH_CHECK(x.numel() == 0 || x.min().item<int64_t>() >= 0, "Input x must be non-negative!");
  Ints shape(x.sizes().begin(), x.sizes().end());
  // What is too large is counted in one place more, which is then left out.
  shape.back() = size + 1;
  at::Tensor counts = at::zeros(shape, weights.options());
  const at::Tensor place = x.clamp_max(size);
  if (binary) {
    counts.scatter_(-1, place, 1);
  } else {
    counts.scatter_add_(-1, place, weights.numel() > 0 ? weights : at::ones(x.sizes(), weights.options()));
  }
  call.give(counts.narrow(-1, 0, size));
}

}  // namespace

void registerReduce(Registry& registry) {
  registry.add("all", reduce<oneByOne<at::all>>);
  registry.add("any", reduce<oneByOne<at::any>>);
  registry.add("max", reduce<at::amax>);
  registry.add("mean", reduce<mean>);
  registry.add("min", reduce<at::amin>);
  registry.add("prod", reduce<oneByOne<prod>>);
  registry.add("sum", reduce<sum>);
  registry.add("argMax", argMax);
  registry.add("argMin", argMin);
  registry.add("columnSum", columnSum);
  registry.add("cumsum", scan<at::cumsum, 0>);
  registry.add("cumprod", scan<at::cumprod, 1>);
  registry.add("topK", topK);
  registry.add("bincount", bincount);
}

}  // namespace gradring
