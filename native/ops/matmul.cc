// Matrix products.
#include "activation.h"
#include "cast.h"
#include "einsum.h"
#include "gemm.h"
#include "lists.h"

namespace gradring {
namespace {

at::ScalarType productType(const Call& call, const at::Tensor& a) {
  if (!a.is_floating_point()) return widestType(a.device());
  return call.environment().bf16() ? at::kBFloat16 : at::kFloat;
}

// a, b, bias?, slopes?; transposeA, transposeB, activation
void matMul(Call& call) {
  at::Tensor a = call.tensor();
  at::Tensor b = call.tensor();
  const auto bias = call.optionalTensor();
  const auto slopes = call.optionalTensor();
  TORCH_CHECK(a.dim() >= 2 && b.dim() >= 2, "a product needs matrices");
  if (call.flag()) a = a.transpose(-1, -2);
  if (call.flag()) b = b.transpose(-1, -2);
  const auto activation = Activation::read(call);

  const at::ScalarType type = productType(call, a);
  const at::ScalarType resultType = a.scalar_type();
  a = a.to(type);
  b = b.to(type);
  at::Tensor y = matrixProduct(a, b).to(resultType);
  if (bias) y = y.add_(*bias);
  call.give(activation.apply(y, slopes));
}

// tensors …; the equation's characters, without blanks
void einsum(Call& call) {
  std::vector<at::Tensor> tensors = readTensors(call);
  const Ints characters = call.integers();
  const std::string equation(characters.begin(), characters.end());
  const at::ScalarType resultType = tensors[0].scalar_type();
  const at::ScalarType type = productType(call, tensors[0]);
  for (auto& tensor : tensors) tensor = tensor.to(type);
  const at::Tensor result =
      tensors.size() == 2 ? contraction(tensors[0], tensors[1], equation) : at::einsum(equation, tensors);
  call.give(result.to(resultType));
}

}  // namespace

void registerMatmul(Registry& registry) {
  registry.add("matMul", matMul);
  registry.add("einsum", einsum);
}

}  // namespace gradring
