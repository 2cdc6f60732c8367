#include "gemm.h"
#if GRADRING_ONEDNN
#include <dnnl.h>
#endif

namespace gradring {

#if GRADRING_ONEDNN
namespace {

// A matrix as BLAS takes it: rows or columns contiguous.
struct Matrix {
  at::Tensor values;  // [batch, rows, columns]
  char transposed;
  int64_t step;  // between rows, or columns

  explicit Matrix(at::Tensor source) {
    if (!isMatrix(source)) source = source.contiguous();
    transposed = rowsContiguous(source) ? 'N' : 'T';
    const int64_t length = source.size(transposed == 'N' ? 2 : 1);
    step = std::max(source.stride(transposed == 'N' ? 1 : 2), std::max<int64_t>(length, 1));
    values = std::move(source);
  }

  const float* data(int64_t index) const { return values.data_ptr<float>() + index * values.stride(0); }

 private:
  static bool rowsContiguous(const at::Tensor& m) {
    return (m.stride(2) == 1 || m.size(2) == 1) && (m.stride(1) >= m.size(2) || m.size(1) == 1);
  }
  static bool columnsContiguous(const at::Tensor& m) {
    return (m.stride(1) == 1 || m.size(1) == 1) && (m.stride(2) >= m.size(1) || m.size(2) == 1);
  }
  static bool isMatrix(const at::Tensor& m) { return rowsContiguous(m) || columnsContiguous(m); }
};

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

}  // namespace

at::Tensor matrixProduct(const at::Tensor& a, const at::Tensor& b) {
  TORCH_CHECK(a.size(-1) == b.size(-2), "inner sizes of a product differ: ", a.sizes(), " and ", b.sizes());
  const bool supported = a.is_cpu() && a.scalar_type() == at::kFloat && b.scalar_type() == at::kFloat;
  if (!supported || a.numel() == 0 || b.numel() == 0) return at::matmul(a, b);
  const Ints leading = broadcastShape(a, b);
  const int64_t batch = c10::multiply_integers(leading);
  const Matrix left(batched(a, leading, batch));
  const Matrix right(batched(b, leading, batch));
  const int64_t m = a.size(-2), k = a.size(-1), n = b.size(-1);
  Ints shape(leading);
  shape.push_back(m);
  shape.push_back(n);
  at::Tensor result = at::empty(shape, a.options());
  for (int64_t i = 0; i < batch; i++) {
    float* to = result.data_ptr<float>() + i * m * n;
    const auto status = dnnl_sgemm(left.transposed, right.transposed, m, n, k, 1, left.data(i), left.step,
                                   right.data(i), right.step, 0, to, n);
    TORCH_CHECK(status == dnnl_success, "oneDNN's matrix product failed, status ", static_cast<int>(status));
  }
  return result;
}

#else

at::Tensor matrixProduct(const at::Tensor& a, const at::Tensor& b) { return at::matmul(a, b); }

#endif

}  // namespace gradring
