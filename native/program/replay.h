// A run whose work CUDA records once and then replays.
#pragma once
#include "../cuda.h"
#include "run.h"

namespace gradring {

// Recorded work reads and writes the same addresses at every replay. Input, output gradient and weight gradients come
// in other tensors each time, so these have a fixed one here; weights are their owner's, and if one of them moves the
// work is recorded anew.
class Replay {
 public:
  explicit Replay(c10::Device device) : forward_(device, true), backward_(device, true) {}

  void forward(Run& run, const at::Tensor& x, at::ArrayRef<at::Tensor> weights);
  // `done` comes for every wanted slot at the end: a replay has no order of its own.
  at::Tensor backward(Run& run, const at::Tensor& dy, at::ArrayRef<at::Tensor> gradients,
                      const std::function<void(int)>& done);

 private:
  Recording forward_, backward_;
  at::Tensor x_, dy_, dx_;
  std::vector<at::Tensor> weights_, gradients_;
};

}  // namespace gradring
