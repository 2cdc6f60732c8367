// Operations that read or write where indices say.
#include "ops.h"

namespace gradring {
namespace {

// Which indices lie outside [0, size). The processor refuses them. A GPU would have to be waited for, and is
// lost to the process where one gets through: there it reads zeros and writes nowhere.
at::Tensor outsideOf(const at::Tensor& indices, int64_t size, const char* kernel) {
  const at::Tensor outside = indices.lt(0).logical_or_(indices.ge(size));
  if (indices.is_cpu() && outside.any().item<bool>()) {
    const auto first = indices.masked_select(outside)[0].item<int64_t>();
    TORCH_CHECK(false, kernel, ": the index value ", first, " is not in [0, ", size - 1, "]");
  }
  return outside;
}

// Rows of `table` by index.
at::Tensor readRows(const at::Tensor& table, const at::Tensor& indices, const at::Tensor& outside) {
  if (indices.is_cpu()) return table.index_select(0, indices);
  const at::Tensor rows = table.index_select(0, indices.masked_fill(outside, 0));
  return rows.masked_fill(outside.unsqueeze(1), 0);
}

// x, indices; axis, leading axes that both have in common, shape of the result
void gather(Call& call) {
  const at::Tensor x = call.tensor();
  const at::Tensor indices = call.tensor().to(at::kLong);
  const int64_t axis = call.integer();
  const int64_t batchAxes = call.integer();
  const Ints shape = call.integers();
  const int64_t size = x.size(axis);
  const int64_t batch = c10::multiply_integers(x.sizes().slice(0, batchAxes));
  const int64_t outer = c10::multiply_integers(x.sizes().slice(batchAxes, axis - batchAxes));
  const int64_t inner = c10::multiply_integers(x.sizes().slice(axis + 1));
  const int64_t each = indices.numel() / std::max<int64_t>(batch, 1);
  // The slices of x are rows of a table, in the order [batch, outer, axis].
  const at::Tensor starts = at::arange(batch * outer, indices.options()).mul_(size).view({batch, outer, 1});
  const at::Tensor chosen = indices.reshape({batch, 1, each});
  const at::Tensor rows = (chosen + starts).view(-1);
  const at::Tensor outside = outsideOf(chosen, size, "GatherV2").expand({batch, outer, each}).reshape(-1);
  call.give(readRows(x.reshape({batch * outer * size, inner}), rows, outside).view(shape));
}

// A tensor of this shape as a table whose rows are chosen by the first `depth` axes.
struct Table {
  int64_t rows;
  int64_t width;

  Table(at::IntArrayRef shape, int64_t depth)
      : rows(c10::multiply_integers(shape.slice(0, depth))),
        width(c10::multiply_integers(shape.slice(depth))) {}
};

// The rows that indices into the leading axes of `shape` choose.
at::Tensor flatIndices(const at::Tensor& indices, int64_t depth, at::IntArrayRef shape) {
  const int64_t count = indices.numel() / std::max<int64_t>(depth, 1);
  const at::Tensor tuples = indices.reshape({count, depth}).to(at::kLong);
  at::Tensor flat = at::zeros({count}, tuples.options());
  for (int64_t axis = 0; axis < depth; axis++) flat = flat * shape[axis] + tuples.select(1, axis);
  return flat;
}

// tfjs scatters by a vector of indices as by a column of them.
int64_t scatterDepth(const at::Tensor& indices) { return indices.dim() > 1 ? indices.size(-1) : 1; }

// params, indices; shape of the result
void gatherNd(Call& call) {
  const at::Tensor params = call.tensor();
  const at::Tensor indices = call.tensor();
  const Ints shape = call.integers();
  const int64_t depth = indices.size(-1);
  const Table table(params.sizes(), depth);
  const at::Tensor rows = flatIndices(indices, depth, params.sizes());
  const at::Tensor outside = outsideOf(rows, table.rows, "GatherNd");
  call.give(readRows(params.reshape({table.rows, table.width}), rows, outside).view(shape));
}

template <class T>
void addRowsOnProcessor(T* to, const int64_t* rows, const T* from, int64_t count, int64_t width) {
  for (int64_t i = 0; i < count; i++) {
    T* row = to + rows[i] * width;
    for (int64_t j = 0; j < width; j++) row[j] += from[i * width + j];
  }
}

// to[rows[i]] += from[i]. On the processor ATen would set up an operation for each row.
void addRows(at::Tensor& to, const at::Tensor& rows, const at::Tensor& from) {
  const at::Tensor source = from.contiguous();
  const int64_t count = rows.numel();
  const int64_t width = to.size(1);
  const auto* target = rows.is_cpu() ? rows.data_ptr<int64_t>() : nullptr;
  if (target && to.scalar_type() == at::kFloat) {
    addRowsOnProcessor(to.data_ptr<float>(), target, source.data_ptr<float>(), count, width);
  } else if (target && to.scalar_type() == at::kInt) {
    addRowsOnProcessor(to.data_ptr<int>(), target, source.data_ptr<int>(), count, width);
  } else {
    to.index_add_(0, rows, source);
  }
}

// indices, updates; shape: updates at equal indices add up
void scatterNd(Call& call) {
  const at::Tensor indices = call.tensor();
  const at::Tensor updates = call.tensor();
  const Ints shape = call.integers();
  const int64_t depth = scatterDepth(indices);
  const Table table(shape, depth);
  const at::Tensor rows = flatIndices(indices, depth, shape);
  const at::Tensor targets = rows.masked_fill(outsideOf(rows, table.rows, "ScatterNd"), table.rows);
  // One row more, for what is written nowhere.
  at::Tensor result = at::zeros({table.rows + 1, table.width}, updates.options());
  addRows(result, targets, updates.reshape({rows.numel(), table.width}));
  call.give(result.narrow(0, 0, table.rows).view(shape));
}

// tensor, indices, updates (a scalar stands for all of them)
void tensorScatterUpdate(Call& call) {
  const at::Tensor tensor = call.tensor();
  const at::Tensor indices = call.tensor();
  const at::Tensor updates = call.tensor();
  const int64_t depth = scatterDepth(indices);
  const Table table(tensor.sizes(), depth);
  const at::Tensor rows = flatIndices(indices, depth, tensor.sizes());
  const at::Tensor targets = rows.masked_fill(outsideOf(rows, table.rows, "TensorScatterUpdate"), table.rows);
  at::Tensor result = at::empty({table.rows + 1, table.width}, tensor.options());
  result.narrow(0, 0, table.rows).copy_(tensor.reshape({table.rows, table.width}));
  const Ints shape{rows.numel(), table.width};
  result.index_copy_(0, targets, updates.dim() == 0 ? updates.expand(shape) : updates.reshape(shape));
  call.give(result.narrow(0, 0, table.rows).view(tensor.sizes()));
}

// x, ids (the shape of x's leading axes); segments. Rows whose id names none are left out.
void unsortedSegmentSum(Call& call) {
  const at::Tensor x = call.tensor();
  const at::Tensor ids = call.tensor().to(at::kLong);
  const int64_t segments = call.integer();
  TORCH_CHECK(segments >= 0, segments, " segments");
  TORCH_CHECK(ids.dim() <= x.dim() && ids.sizes() == x.sizes().slice(0, ids.dim()), "segment ids [", ids.sizes(),
              "] do not fit x [", x.sizes(), "]");
  const Table table(x.sizes(), ids.dim());
  const at::Tensor unknown = ids.lt(0).logical_or_(ids.ge(segments));
  const at::Tensor targets = ids.masked_fill(unknown, segments).reshape(-1);
  at::Tensor sums = at::zeros({segments + 1, table.width}, x.options());
  addRows(sums, targets, x.reshape({table.rows, table.width}));
  Ints shape{segments};
  shape.append(x.sizes().begin() + ids.dim(), x.sizes().end());
  call.give(sums.narrow(0, 0, segments).view(shape));
}

}  // namespace

void registerIndex(Registry& registry) {
  registry.add("gather", gather);
  registry.add("gatherNd", gatherNd);
  registry.add("scatterNd", scatterNd);
  registry.add("tensorScatterUpdate", tensorScatterUpdate);
  registry.add("unsortedSegmentSum", unsortedSegmentSum);
}

}  // namespace gradring
