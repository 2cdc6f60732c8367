// Loops over flat float32 buffers in JavaScript's memory: the optimizers' steps and the all-reduce's sums.
#include <algorithm>
#include "../kernels/kernels.h"
#include "ops.h"

namespace gradring {
namespace {

float* floats(const Call& call, size_t index) { return static_cast<float*>(call.memory(index).data); }

// Below this, sharing the work out costs more than it saves.
constexpr int64_t kGrain = 1 << 16;

template <class Loop>
void split(const Call& call, int64_t begin, int64_t end, const Loop& loop) {
  if (call.environment().threads() == 1 || end - begin < kGrain) {
    loop(Range{begin, end});
    return;
  }
  at::parallel_for(begin, end, kGrain, [&](int64_t from, int64_t to) { loop(Range{from, to}); });
}

Range range(Call& call) {
  const int64_t begin = call.integer();
  return {begin, call.integer()};
}

// start, end, lr, weight decay, momentum, dampening, nesterov, step; values, gradients, momenta
void flatSgd(Call& call) {
  const Range all = range(call);
  SgdStep step;
  step.values = floats(call, 0);
  step.gradients = floats(call, 1);
  step.momenta = floats(call, 2);
  step.lr = call.number();
  step.weightDecay = call.number();
  step.momentum = call.number();
  step.dampening = call.number();
  step.nesterov = call.flag();
  step.step = call.integer();
  split(call, all.begin, all.end, [&](Range part) { kernels().flat.sgd(step, part); });
}

// start, end, lr, weight decay, beta1, beta2, epsilon, decoupled decay, step; values, gradients, means, squares
void flatAdam(Call& call) {
  const Range all = range(call);
  AdamStep step;
  step.values = floats(call, 0);
  step.gradients = floats(call, 1);
  step.means = floats(call, 2);
  step.squares = floats(call, 3);
  step.lr = call.number();
  step.weightDecay = call.number();
  step.beta1 = call.number();
  step.beta2 = call.number();
  step.epsilon = call.number();
  step.decoupledDecay = call.flag();
  step.step = call.integer();
  split(call, all.begin, all.end, [&](Range part) { kernels().flat.adam(step, part); });
}

// target, source
void flatAccumulate(Call& call) {
  const int64_t length = static_cast<int64_t>(call.memory(0).bytes / sizeof(float));
  split(call, 0, length, [&](Range part) { kernels().flat.accumulate(floats(call, 0), floats(call, 1), part); });
}

// factor; target
void flatScale(Call& call) {
  const float factor = static_cast<float>(call.number());
  const int64_t length = static_cast<int64_t>(call.memory(0).bytes / sizeof(float));
  split(call, 0, length, [&](Range part) { kernels().flat.scale(floats(call, 0), factor, part); });
}

// number of buffers, first, start, end; the buffers
void flatSum(Call& call) {
  const int64_t count = call.integer();
  const int64_t first = call.integer();
  const Range all = range(call);
  std::array<float*, Call::kMostMemories> buffers;
  TORCH_CHECK(count <= static_cast<int64_t>(buffers.size()), count, " buffers are more than one call takes");
  for (int64_t i = 0; i < count; i++) buffers[i] = floats(call, i);
  // One thread: the other replicas are at the same on theirs.
  kernels().flat.sumChunk(buffers.data(), count, first, all);
}

}  // namespace

void registerFlat(Registry& registry) {
  registry.add("flatSgd", flatSgd);
  registry.add("flatAdam", flatAdam);
  registry.add("flatAccumulate", flatAccumulate);
  registry.add("flatScale", flatScale);
  registry.add("flatSum", flatSum);
}

}  // namespace gradring
