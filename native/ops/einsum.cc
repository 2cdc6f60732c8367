// Sums of products by an equation such as "bqhd,bkhd->bhqk".
#include "einsum.h"
#include "gemm.h"

namespace gradring {
namespace {

using Labels = std::string;

bool has(const Labels& labels, char label) { return labels.find(label) != Labels::npos; }

template <class Condition>
Labels those(const Labels& labels, Condition condition) {
  Labels result;
  for (const char label : labels) {
    if (condition(label)) result.push_back(label);
  }
  return result;
}

// A tensor whose axes have names.
struct Operand {
  at::Tensor values;
  Labels labels;

  int64_t size(const Labels& axes) const {
    int64_t size = 1;
    for (const char axis : axes) size *= values.size(labels.find(axis));
    return size;
  }

  // Sums over what neither the result nor the other operand knows.
  Operand without(const Labels& others) const {
    Ints summed;
    for (size_t axis = 0; axis < labels.size(); axis++) {
      if (!has(others, labels[axis])) summed.push_back(static_cast<int64_t>(axis));
    }
    if (summed.empty()) return *this;
    return {values.sum(summed), those(labels, [&](char label) { return has(others, label); })};
  }

  // As matrices: the axes of each group become one.
  at::Tensor matrices(const Labels& batch, const Labels& rows, const Labels& columns) const {
    return ordered(batch + rows + columns).reshape({size(batch), size(rows), size(columns)});
  }

  at::Tensor ordered(const Labels& order) const {
    Ints permutation;
    for (const char axis : order) permutation.push_back(static_cast<int64_t>(labels.find(axis)));
    return values.permute(permutation);
  }
};

}  // namespace

at::Tensor contraction(const at::Tensor& first, const at::Tensor& second, const std::string& equation) {
  const size_t comma = equation.find(',');
  const size_t arrow = equation.find("->");
  const Labels result = equation.substr(arrow + 2);
  const Labels firstLabels = equation.substr(0, comma);
  const Labels secondLabels = equation.substr(comma + 1, arrow - comma - 1);
  const Operand a = Operand{first, firstLabels}.without(secondLabels + result);
  const Operand b = Operand{second, secondLabels}.without(firstLabels + result);

  const Labels shared = those(a.labels, [&](char label) { return has(b.labels, label); });
  const Labels batch = those(shared, [&](char label) { return has(result, label); });
  const Labels inner = those(shared, [&](char label) { return !has(result, label); });
  const Labels rows = those(a.labels, [&](char label) { return !has(shared, label); });
  const Labels columns = those(b.labels, [&](char label) { return !has(shared, label); });

  const at::Tensor product = matrixProduct(a.matrices(batch, rows, inner), b.matrices(batch, inner, columns));
  Ints shape;
  for (const char axis : batch + rows) shape.push_back(a.size(Labels(1, axis)));
  for (const char axis : columns) shape.push_back(b.size(Labels(1, axis)));
  return Operand{product.reshape(shape), batch + rows + columns}.ordered(result);
}

}  // namespace gradring
