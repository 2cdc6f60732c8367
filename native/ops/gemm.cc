#include "gemm.h"
#include "../onednn.h"
#include "../product.h"

namespace gradring {
namespace {

Ints broadcastShape(const at::Tensor& a, const at::Tensor& b) {
  const auto leading = at::infer_size(a.sizes().slice(0, a.dim() - 2), b.sizes().slice(0, b.dim() - 2));
  return Ints(leading.begin(), leading.end());
}

// With one leading axis of `batch`.
at::Tensor batched(const at::Tensor& m, const Ints& leading, int64_t batch) {
  Ints shape(leading);
  shape.push_back(m.size(-2));
  shape.push_back(m.size(-1));
  return m.expand(shape).reshape({batch, m.size(-2), m.size(-1)});
}

bool isForOnednn(const at::Tensor& a, const at::Tensor& b) {
  const bool isFloat = a.scalar_type() == at::kFloat && b.scalar_type() == at::kFloat;
  return GRADRING_ONEDNN && a.is_cpu() && isFloat && a.numel() > 0 && b.numel() > 0;
}

}  // namespace

at::Tensor matrixProduct(const at::Tensor& a, const at::Tensor& b) {
  TORCH_CHECK(a.size(-1) == b.size(-2), "inner sizes of a product differ: ", a.sizes(), " and ", b.sizes());
  if (!isForOnednn(a, b)) return at::matmul(a, b);
  const Ints leading = broadcastShape(a, b);
  const int64_t batch = c10::multiply_integers(leading);
  const at::Tensor left = batched(a, leading, batch);
  const at::Tensor right = batched(b, leading, batch);
  Ints shape(leading);
  shape.push_back(a.size(-2));
  shape.push_back(b.size(-1));
  const at::Tensor result = at::empty(shape, a.options());
  const at::Tensor results = result.view({batch, a.size(-2), b.size(-1)});
  for (int64_t i = 0; i < batch; i++) product(left[i], right[i], results[i], at::kFloat);
  return result;
}

}  // namespace gradring
