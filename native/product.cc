#include "product.h"
#include <algorithm>
#include "onednn.h"

namespace gradring {

namespace {

#if GRADRING_ONEDNN
// A matrix as BLAS takes it: with rows or columns that lie together.
struct BlasMatrix {
  at::Tensor values;
  char order;
  int64_t step;  // between rows, or columns

  explicit BlasMatrix(at::Tensor source) {
    if (!liesTogether(source, 1) && !liesTogether(source, 0)) source = source.contiguous();
    const bool byRows = liesTogether(source, 1);
    order = byRows ? 'N' : 'T';
    step = std::max({source.stride(byRows ? 0 : 1), source.size(byRows ? 1 : 0), int64_t{1}});
    values = std::move(source);
  }

 private:
  // Along `axis`, and one such line after the other.
  static bool liesTogether(const at::Tensor& matrix, int64_t axis) {
    const int64_t other = 1 - axis;
    return (matrix.stride(axis) == 1 || matrix.size(axis) == 1) &&
           (matrix.stride(other) >= matrix.size(axis) || matrix.size(other) == 1);
  }
};

void sgemm(const at::Tensor& a, const at::Tensor& b, const at::Tensor& out, bool add) {
  const BlasMatrix left(a), right(b);
  const auto status = dnnl_sgemm(left.order, right.order, a.size(0), b.size(1), a.size(1), 1.f,
                                 left.values.data_ptr<float>(), left.step, right.values.data_ptr<float>(),
                                 right.step, add ? 1.f : 0.f, out.data_ptr<float>(),
                                 std::max(out.stride(0), out.size(1)));
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
