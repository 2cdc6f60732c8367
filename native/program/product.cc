#include "product.h"
#include "onednn.h"

namespace gradring {

namespace {

#if GRADRING_ONEDNN
bool isTransposed(const at::Tensor& matrix) { return matrix.stride(1) != 1 && matrix.size(1) != 1; }

// ATen's own goes to the system's BLAS, which may be the reference one: a hundred times slower.
void sgemm(const at::Tensor& a, const at::Tensor& b, at::Tensor& out) {
  const bool ta = isTransposed(a), tb = isTransposed(b);
  const auto status = dnnl_sgemm(ta ? 'T' : 'N', tb ? 'T' : 'N', a.size(0), b.size(1), a.size(1), 1.f,
                                 a.data_ptr<float>(), std::max<int64_t>(1, a.stride(ta ? 1 : 0)), b.data_ptr<float>(),
                                 std::max<int64_t>(1, b.stride(tb ? 1 : 0)), 0.f, out.data_ptr<float>(), out.size(1));
  TORCH_CHECK(status == dnnl_success, "matrix product: oneDNN status ", status);
}
#endif

}  // namespace

void product(const at::Tensor& a, const at::Tensor& b, at::Tensor out, at::ScalarType type) {
#if GRADRING_ONEDNN
  if (type == at::kFloat && out.is_cpu()) return sgemm(a, b, out);
#endif
  if (out.scalar_type() == type) {
    at::mm_out(out, a.to(type), b.to(type));
  } else {
    out.copy_(at::mm(a.to(type), b.to(type)));
  }
}

}  // namespace gradring
