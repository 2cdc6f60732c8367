#include "program.h"
#include <algorithm>

namespace gradring {

namespace {

// Batch sizes whose memory is kept: whole batches and the last, smaller one, for training and for inference.
constexpr size_t kMostIdleRuns = 4;

LowerOptions lowerOptions(const Graph& graph, const ProgramOptions& options) {
  LowerOptions lower;
  lower.inputGradient = options.inputGradient;
  lower.convertInput = options.bf16 || (options.usesKernels() && graph.channels % blockSize == 0);
  lower.stem = options.usesKernels();
  return lower;
}

}  // namespace

Program::Program(const Graph& graph, const ProgramOptions& options)
    : options_(options), weightCount_(graph.weightCount), plan_(lower(graph, lowerOptions(graph, options))) {}

Run* Program::forward(const at::Tensor& x, at::ArrayRef<at::Tensor> weights, bool training) {
  TORCH_CHECK(x.dim() > 0 && x.size(0) > 0, "a program wants at least one image");
  TORCH_CHECK(static_cast<int>(weights.size()) == weightCount_, "a program of ", weightCount_,
              " weights got ", weights.size());
  auto fits = [&](const Slot& slot) {
    return !slot.busy && slot.run->batch() == x.size(0) && slot.run->training() == training;
  };
  auto found = std::find_if(slots_.begin(), slots_.end(), fits);
  if (found == slots_.end()) {
    forgetOldest();
    auto run = std::make_unique<Run>(plan_, options_, onednn_, x.size(0), training);
    auto replay = options_.replay ? std::make_unique<Replay>(options_.device) : nullptr;
    slots_.push_back({std::move(run), false, std::move(replay)});
    found = slots_.end() - 1;
  }
  std::rotate(found, found + 1, slots_.end());
  Slot& slot = slots_.back();
  if (slot.replay) {
    slot.replay->forward(*slot.run, x, weights);
  } else {
    slot.run->forward(x, weights);
  }
  slot.busy = true;
  return slot.run.get();
}

void Program::forgetOldest() {
  auto isIdle = [](const Slot& slot) { return !slot.busy; };
  if (std::count_if(slots_.begin(), slots_.end(), isIdle) < static_cast<int>(kMostIdleRuns)) return;
  slots_.erase(std::find_if(slots_.begin(), slots_.end(), isIdle));
}

Program::Slot& Program::slotOf(const Run* run) {
  for (Slot& slot : slots_)
    if (slot.run.get() == run && slot.busy) return slot;
  TORCH_CHECK(false, "a run that this program does not hold");
}

at::Tensor Program::backward(Run* run, const at::Tensor& dy, at::ArrayRef<at::Tensor> gradients,
                             const std::function<void(int)>& done) {
  TORCH_CHECK(static_cast<int>(gradients.size()) == weightCount_, "a program of ", weightCount_,
              " weights got ", gradients.size(), " gradients");
  const Slot& slot = slotOf(run);
  if (slot.replay) return slot.replay->backward(*run, dy, gradients, done);
  return run->backward(dy, gradients, done);
}

void Program::release(Run* run) {
  Slot& slot = slotOf(run);
  slot.busy = false;
  slot.run->letGo();
}

int64_t Program::bytes() const {
  int64_t total = 0;
  for (const Slot& slot : slots_) total += slot.run->bytes();
  return total;
}

}  // namespace gradring
