#include "product.h"
#include <algorithm>
#include "onednn.h"

namespace gradring {

namespace {

#if GRADRING_ONEDNN
bool isTransposed(const at::Tensor& matrix) { return matrix.stride(1) != 1 && matrix.size(1) != 1; }

// ATen's own goes to the system's BLAS, which may be the reference one: a hundred times slower.
void sgemm(const at::Tensor& a, const at::Tensor& b, const at::Tensor& out, bool add) {
  const bool ta = isTransposed(a), tb = isTransposed(b);
  const auto status = dnnl_sgemm(ta ? 'T' : 'N', tb ? 'T' : 'N', a.size(0), b.size(1), a.size(1), 1.f,
                                 a.data_ptr<float>(), std::max<int64_t>(1, a.stride(ta ? 1 : 0)),
                                 b.data_ptr<float>(), std::max<int64_t>(1, b.stride(tb ? 1 : 0)),
                                 add ? 1.f : 0.f, out.data_ptr<float>(), out.stride(0));
  TORCH_CHECK(status == dnnl_success, "matrix product: oneDNN status ", static_cast<int>(status));
}

dnnl::memory wrap(const at::Tensor& matrix, const dnnl::engine& engine) {
  const bool bf16 = matrix.scalar_type() == at::kBFloat16;
  return {{{matrix.size(0), matrix.size(1)},
           bf16 ? dnnl::memory::data_type::bf16 : dnnl::memory::data_type::f32,
           {matrix.stride(0), matrix.stride(1)}},
          engine,
          matrix.data_ptr()};
}

// ATen's bf16 product has a bf16 result.
void bf16Gemm(const at::Tensor& a, const at::Tensor& b, const at::Tensor& out, bool add) {
  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  dnnl::stream stream(engine);
  const dnnl::memory left = wrap(a, engine), right = wrap(b, engine), result = wrap(out, engine);
  const dnnl::matmul::desc desc(left.get_desc(), right.get_desc(), result.get_desc());
  dnnl::primitive_attr attributes;
  dnnl::post_ops after;
  if (add) after.append_sum(1.f);
  attributes.set_post_ops(after);
  dnnl::matmul(dnnl::matmul::primitive_desc(desc, attributes, engine))
      .execute(stream, {{DNNL_ARG_SRC, left}, {DNNL_ARG_WEIGHTS, right}, {DNNL_ARG_DST, result}});
  stream.wait();
}
#endif

}  // namespace

void product(const at::Tensor& a, const at::Tensor& b, at::Tensor out, at::ScalarType type, bool add) {
#if GRADRING_ONEDNN
  if (out.is_cpu() && type == at::kFloat) return sgemm(a, b, out, add);
  if (out.is_cpu() && onednnHasKernels()) return bf16Gemm(a.to(type), b.to(type), out, add);
#endif
  const at::Tensor result = at::mm(a.to(type), b.to(type));
  if (add) {
    out.add_(result);
  } else {
    out.copy_(result);
  }
}

}  // namespace gradring
