// A model, or the part of it that the planner could describe, as one call forward and one backward over
// activations that are allocated once. One program belongs to one thread.
#pragma once
#include "replay.h"
#include "run.h"

namespace gradring {

class Program {
 public:
  Program(const Graph& graph, const ProgramOptions& options);

  // x [N, H, W, C] fp32, left alone until backward; weights in slot order, fp32 and contiguous, views of one
  // buffer or not. The output, fp32, is run->output() until the run is released. Training: batch statistics,
  // moving averages updated in place, and what backward needs is kept. A run not yet released is never
  // reused: there is then another.
  Run* forward(const at::Tensor& x, at::ArrayRef<at::Tensor> weights, bool training);

  // dy like the output. gradients[slot], shaped like the weight, is overwritten; an undefined one is not
  // wanted. done(slot) comes as soon as that gradient is final, in the same order each time. The result,
  // gradient of x, is undefined unless the options asked for it, and valid until the run is released.
  at::Tensor backward(Run* run, const at::Tensor& dy, at::ArrayRef<at::Tensor> gradients,
                      const std::function<void(int)>& done);

  // Its memory serves the next forward of that batch size.
  void release(Run* run);

  int64_t bytes() const;  // held for activations
  int weightCount() const { return weightCount_; }

 private:
  struct Slot {
    std::unique_ptr<Run> run;
    bool busy;
    std::unique_ptr<Replay> replay;  // if the options asked for it
  };
  Slot& slotOf(const Run* run);
  void forgetOldest();

  const ProgramOptions options_;
  const int weightCount_;
  const Plan plan_;
  const Onednn onednn_{};
  std::vector<Slot> slots_;  // the last used one last
};

}  // namespace gradring
