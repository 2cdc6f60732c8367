// Functions of each element, and arithmetic of two tensors with broadcasting. Unless said otherwise the result has
// the dtype of the first argument.
#include "cast.h"
#include "choose.h"
#include "lists.h"
#include "ops.h"

namespace gradring {
namespace {

using Unary = at::Tensor (*)(const at::Tensor&);
using Binary = at::Tensor (*)(const at::Tensor&, const at::Tensor&);

// A function that LibTorch has for integers too.
template <Unary function>
void unary(Call& call) {
  const at::Tensor x = call.tensor();
  call.give(storeAs(function(arithmetic(x)), x.scalar_type()));
}

template <Unary function>
void realUnary(Call& call) {
  const at::Tensor x = call.tensor();
  call.give(storeAs(function(floating(x)), x.scalar_type()));
}

template <Binary function>
void binary(Call& call) {
  const at::Tensor a = call.tensor();
  const at::Tensor b = call.tensor();
  call.give(storeAs(function(arithmetic(a), arithmetic(b)), a.scalar_type()));
}

template <Binary function>
void realBinary(Call& call) {
  const at::Tensor a = call.tensor();
  const at::Tensor b = call.tensor();
  call.give(storeAs(function(floating(a), floating(b)), a.scalar_type()));
}

at::Tensor elu(const at::Tensor& x) { return at::elu(x); }
at::Tensor relu6(const at::Tensor& x) { return at::clamp(x, 0, 6); }
at::Tensor softplus(const at::Tensor& x) { return at::softplus(x); }
at::Tensor square(const at::Tensor& x) { return at::mul(x, x); }

at::Tensor add(const at::Tensor& a, const at::Tensor& b) { return at::add(a, b); }
at::Tensor subtract(const at::Tensor& a, const at::Tensor& b) { return at::sub(a, b); }

at::Tensor squaredDifference(const at::Tensor& a, const at::Tensor& b) {
  at::Tensor difference = at::sub(a, b);
  return difference.mul_(difference);
}

// Tensors of one shape → their sum.
void addAll(Call& call) {
  const std::vector<at::Tensor> tensors = readTensors(call);
  at::Tensor sum = arithmetic(tensors.at(0)).clone();
  for (size_t i = 1; i < tensors.size(); i++) sum.add_(tensors[i]);
  call.give(storeAs(sum, tensors[0].scalar_type()));
}

// Powers of integers are exact. An exponent that is known here is much faster: most are 2 or 0.5.
at::Tensor power(const at::Tensor& a, const at::Tensor& b) {
  if (!a.is_floating_point() && !b.is_floating_point()) return at::pow(a, b);
  return b.dim() == 0 && b.is_cpu() ? at::pow(floating(a), b.item()) : at::pow(floating(a), floating(b));
}

// float32 (always), whatever the dtype of x.
void exponential(Call& call) { call.give(at::exp(floating(call.tensor()))); }

// int32 (always). Divided in the widest type: a quotient rounded up to a whole number would be one too many.
void floorDivide(Call& call) {
  const at::Tensor a = call.tensor();
  const at::Tensor b = call.tensor();
  const auto type = widestType(a.device());
  call.give(castTo(at::div(a.to(type), b.to(type)).floor_(), at::kInt));
}

// x, alpha → 1 above 0, alpha elsewhere, NaN where x is. Of functions that LibTorch has vector code for: filling by a
// mask would take ten times as long on a processor.
void step(Call& call) {
  const at::Tensor x = call.tensor();
  const at::Tensor values = castTo(x, at::kFloat);
  const at::Tensor ones = at::ones({}, values.options()).expand_as(values);
  at::Tensor result = at::leaky_relu_backward(ones, values, call.number(), false);
  call.give(storeAs(result.add_(at::clamp(values, -1, 1), 0), x.scalar_type()));
}

// x, least, most
void clip(Call& call) {
  const at::Tensor x = call.tensor();
  const double least = rounded(call.number());
  const double most = rounded(call.number());
  call.give(storeAs(at::clamp(floating(x), least, most), x.scalar_type()));
}

// x, slope below 0 → float32
void leakyRelu(Call& call) {
  const at::Tensor x = castTo(call.tensor(), at::kFloat);
  call.give(at::leaky_relu(x, call.number()));
}

// x, slopes below 0 → float32
void prelu(Call& call) {
  const at::Tensor x = castTo(call.tensor(), at::kFloat);
  const at::Tensor slopes = castTo(call.tensor(), at::kFloat);
  call.give(choose(x.lt(0), x * slopes, x));
}

// dy, y = elu(x) → dx
void eluGrad(Call& call) {
  const at::Tensor dy = castTo(call.tensor(), at::kFloat);
  const at::Tensor y = castTo(call.tensor(), at::kFloat);
  call.give(at::elu_backward(dy, 1, 1, 1, true, y));
}

// dy, y = leaky relu (x), slope of at least 0 → dx. One pass over both.
void reluGrad(Call& call) {
  const at::Tensor dy = call.tensor();
  const at::Tensor y = call.tensor();
  call.give(at::leaky_relu_backward(dy, y, call.number(), true));
}

// x, dtype
void cast(Call& call) {
  const at::Tensor x = call.tensor();
  call.give(castTo(x, typeOf(call.integer())));
}

}  // namespace

void registerElementwise(Registry& registry) {
  registry.add("abs", unary<at::abs>);
  registry.add("acos", realUnary<at::acos>);
  registry.add("acosh", realUnary<at::acosh>);
  registry.add("asin", realUnary<at::asin>);
  registry.add("asinh", realUnary<at::asinh>);
  registry.add("atan", realUnary<at::atan>);
  registry.add("atanh", realUnary<at::atanh>);
  registry.add("ceil", unary<at::ceil>);
  registry.add("cos", realUnary<at::cos>);
  registry.add("cosh", realUnary<at::cosh>);
  registry.add("elu", realUnary<elu>);
  registry.add("erf", realUnary<at::erf>);
  registry.add("exp", exponential);
  registry.add("expm1", realUnary<at::expm1>);
  registry.add("floor", unary<at::floor>);
  registry.add("log", realUnary<at::log>);
  registry.add("log1p", realUnary<at::log1p>);
  registry.add("neg", unary<at::neg>);
  registry.add("reciprocal", realUnary<at::reciprocal>);
  registry.add("relu", unary<at::relu>);
  registry.add("relu6", unary<relu6>);
  registry.add("round", unary<at::round>);  // half to even
  registry.add("rsqrt", realUnary<at::rsqrt>);
  registry.add("selu", realUnary<at::selu>);
  registry.add("sigmoid", realUnary<at::sigmoid>);
  registry.add("sign", unary<at::sign>);
  registry.add("sin", realUnary<at::sin>);
  registry.add("sinh", realUnary<at::sinh>);
  registry.add("softplus", realUnary<softplus>);
  registry.add("sqrt", realUnary<at::sqrt>);
  registry.add("square", unary<square>);
  registry.add("tan", realUnary<at::tan>);
  registry.add("tanh", realUnary<at::tanh>);

  registry.add("add", binary<add>);
  registry.add("atan2", realBinary<at::atan2>);
  registry.add("bitwiseAnd", binary<at::bitwise_and>);
  registry.add("divide", realBinary<at::div>);
  registry.add("maximum", binary<at::maximum>);
  registry.add("minimum", binary<at::minimum>);
  registry.add("mod", realBinary<at::remainder>);
  registry.add("multiply", binary<at::mul>);
  registry.add("pow", binary<power>);
  registry.add("squaredDifference", binary<squaredDifference>);
  registry.add("subtract", binary<subtract>);

  registry.add("addN", addAll);
  registry.add("floorDivide", floorDivide);
  registry.add("step", step);
  registry.add("clip", clip);
  registry.add("leakyRelu", leakyRelu);
  registry.add("prelu", prelu);
  registry.add("eluGrad", eluGrad);
  registry.add("reluGrad", reluGrad);
  registry.add("cast", cast);
}

}  // namespace gradring
