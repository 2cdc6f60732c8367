// Softmax, and softmax cross-entropy with integer labels.
#include <algorithm>
#include <limits>
#include "cast.h"
#include "ops.h"

namespace gradring {
namespace {

// x, axis
void softmax(Call& call) {
  const at::Tensor x = castTo(call.tensor(), at::kFloat);
  call.give(at::softmax(x, call.integer()));
}

// Labels [N] as the column to gather from. One outside the classes would end a GPU's context: it is clamped.
at::Tensor columnOf(const at::Tensor& labels, int64_t classes) {
  return labels.clamp(0, classes - 1).to(at::kLong).unsqueeze(1);
}

// labels int32 [N], classes → the first row whose label is no class, or −1. Only on a processor: a GPU's labels are not
// waited for.
void rowOutside(Call& call) {
  const at::Tensor labels = call.tensor();
  const int64_t classes = call.integer();
  int64_t row = -1;
  if (labels.device().is_cpu()) {
    const int32_t* values = labels.data_ptr<int32_t>();
    const auto isOutside = [=](int32_t label) { return label < 0 || label >= classes; };
    const int32_t* found = std::find_if(values, values + labels.numel(), isOutside);
    if (found != values + labels.numel()) row = found - values;
  }
  call.giveNumber(static_cast<double>(row));
}

// logits [N, C], labels int32 [N], weight → weight × sum of losses, probabilities [N, C]. A label outside the
// classes makes the loss NaN.
void crossEntropy(Call& call) {
  const at::Tensor logits = call.tensor();
  const at::Tensor labels = call.tensor();
  const double weight = call.number();
  const int64_t classes = logits.size(1);
  const at::Tensor logProbabilities = at::log_softmax(logits, 1);
  at::Tensor chosen = logProbabilities.gather(1, columnOf(labels, classes)).squeeze(1);
  chosen.masked_fill_(labels.lt(0).logical_or_(labels.ge(classes)), std::numeric_limits<double>::quiet_NaN());
  call.give(chosen.sum().mul_(-weight));
  call.give(logProbabilities.exp());
}

// probabilities, labels, dy (scalar), weight → dLogits [N, C] = (probabilities − one-hot labels) · dy · weight
void crossEntropyGrad(Call& call) {
  const at::Tensor probabilities = call.tensor();
  const at::Tensor labels = call.tensor();
  const at::Tensor dy = call.tensor();
  const double weight = call.number();
  const at::Tensor column = columnOf(labels, probabilities.size(1));
  at::Tensor gradient = probabilities.clone();
  gradient.scatter_add_(1, column, at::full(column.sizes(), -1, probabilities.options()));
  call.give(gradient.mul_(dy * weight));
}

}  // namespace

void registerSoftmax(Registry& registry) {
  registry.add("softmax", softmax);
  registry.add("rowOutside", rowOutside);
  registry.add("crossEntropy", crossEntropy);
  registry.add("crossEntropyGrad", crossEntropyGrad);
}

}  // namespace gradring
