// One call from JavaScript: arguments in, results out.
//
// Both lie in the frame, an array of doubles that the environment shares with JavaScript. Arguments, in order:
//
//   tensor    │ handle │ rank │ dimension … │      handle −1, rank 0: an optional tensor that is absent
//   number    │ value │                          booleans as 0 and 1
//   list      │ length │ value … │
//
// Results overwrite them from the start:
//
//   tensor    │ handle │ dtype (0 float32, 1 int32, 2 bool) │ rank │ dimension … │
//   number    │ value │
//
// Memory of JavaScript's own (typed arrays, shared ones too) comes as real arguments of the call.
#pragma once
#include <array>
#include <cstddef>
#include <string>
#include <vector>
#include "environment.h"

namespace gradring {

using Ints = c10::SmallVector<int64_t, 6>;

struct Memory {
  void* data = nullptr;
  size_t bytes = 0;
};

class Call {
 public:
  static constexpr size_t kFrameLength = 1 << 16;
  static constexpr size_t kMostMemories = 16;

  Call(Environment& environment, double* frame, const std::array<Memory, kMostMemories>& memories)
      : environment_(environment), frame_(frame), memories_(memories) {}

  Environment& environment() const { return environment_; }
  at::TensorOptions options(at::ScalarType type = at::kFloat) const {
    return at::TensorOptions().device(environment_.device()).dtype(type);
  }

  int64_t integer() { return static_cast<int64_t>(frame_[read_++]); }
  double number() { return frame_[read_++]; }
  bool flag() { return frame_[read_++] != 0; }
  Ints integers();
  std::vector<double> numbers();
  // With the shape that the caller knows it by: reshaped tensors share their data.
  at::Tensor tensor();
  c10::optional<at::Tensor> optionalTensor();
  // The caller's `index`th typed array; throws when it is not one.
  Memory memory(size_t index) const;

  // A result. int64 becomes int32, and every other kind of float float32; made contiguous.
  void give(at::Tensor result);
  void giveNumber(double result) { frame_[written_++] = result; }

 private:
  at::Tensor tensorOf(int64_t handle);

  Environment& environment_;
  double* frame_;
  const std::array<Memory, kMostMemories>& memories_;
  size_t read_ = 0;
  size_t written_ = 0;
};

using Operation = void (*)(Call&);

// The operations by name, as JavaScript sees them.
class Registry {
 public:
  struct Entry {
    std::string name;
    Operation operation;
  };
  void add(std::string name, Operation operation) { entries_.push_back({std::move(name), operation}); }
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
};

}  // namespace gradring
