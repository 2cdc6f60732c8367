// Operations that move values and compute none.
//
// Many of these are views in ATen. Results are copies all the same: a variable's memory is overwritten by the
// optimizer, and a small slice would keep a large tensor alive.
#include "cast.h"
#include "lists.h"

namespace gradring {
namespace {

void giveCopy(Call& call, const at::Tensor& view) { call.give(view.clone(at::MemoryFormat::Contiguous)); }

// x; permutation
void transpose(Call& call) {
  const at::Tensor x = call.tensor();
  giveCopy(call, x.permute(call.integers()));
}

// x; shape, permutation, shape: a transposition between two reshapes
void rearrange(Call& call) {
  const at::Tensor x = call.tensor();
  const Ints before = call.integers();
  const Ints permutation = call.integers();
  const Ints after = call.integers();
  giveCopy(call, x.view(before).permute(permutation).reshape(after));
}

// tensors …; axis
void concat(Call& call) {
  const auto tensors = readTensors(call);
  call.give(at::cat(tensors, call.integer()));
}

// tensors …; axis
void pack(Call& call) {
  const auto tensors = readTensors(call);
  call.give(at::stack(tensors, call.integer()));
}

// x; axis, index along it: one rank less
void pick(Call& call) {
  const at::Tensor x = call.tensor();
  const int64_t axis = call.integer();
  giveCopy(call, x.select(axis, call.integer()));
}

// x; begin, size
void slice(Call& call) {
  at::Tensor x = call.tensor();
  const Ints begin = call.integers();
  const Ints size = call.integers();
  for (size_t axis = 0; axis < begin.size(); axis++) {
    if (size[axis] != x.size(axis)) x = x.narrow(static_cast<int64_t>(axis), begin[axis], size[axis]);
  }
  giveCopy(call, x);
}

// x; begin, strides (of either sign), size, shape of the result
void stridedSlice(Call& call) {
  at::Tensor x = call.tensor();
  const Ints begin = call.integers();
  const Ints strides = call.integers();
  const Ints size = call.integers();
  const Ints shape = call.integers();
  for (size_t i = 0; i < begin.size(); i++) {
    const auto axis = static_cast<int64_t>(i);
    const int64_t length = std::max<int64_t>(size[i], 0);
    const int64_t last = begin[i] + (length - 1) * strides[i];
    if (length == 0) {
      x = x.narrow(axis, 0, 0);
    } else if (strides[i] > 0) {
      x = x.slice(axis, begin[i], last + 1, strides[i]);
    } else {
      x = x.slice(axis, last, begin[i] + 1, -strides[i]).flip(axis);
    }
  }
  giveCopy(call, x.reshape(shape));
}

// x; value, before and after of each axis
void pad(Call& call) {
  const at::Tensor x = call.tensor();
  const double given = call.number();
  const double value = x.is_floating_point() ? rounded(given) : given;
  const Ints paddings = call.integers();
  Ints lastFirst;
  for (size_t i = paddings.size(); i > 0; i -= 2) {
    lastFirst.push_back(paddings[i - 2]);
    lastFirst.push_back(paddings[i - 1]);
  }
  call.give(at::constant_pad_nd(x, lastFirst, value));
}

// x; 1 if the edge itself is repeated (symmetric) or 0 (reflect), before and after of each axis
void mirrorPad(Call& call) {
  at::Tensor x = call.tensor();
  const int64_t inner = 1 - call.integer();
  const Ints paddings = call.integers();
  for (size_t i = 0; i < paddings.size(); i += 2) {
    const auto axis = static_cast<int64_t>(i / 2);
    const int64_t before = paddings[i];
    const int64_t after = paddings[i + 1];
    if (before == 0 && after == 0) continue;
    const at::Tensor start = x.narrow(axis, inner, before).flip(axis);
    const at::Tensor end = x.narrow(axis, x.size(axis) - inner - after, after).flip(axis);
    x = at::cat({start, x, end}, axis);
  }
  giveCopy(call, x);
}

// x; repetitions of each axis
void tile(Call& call) {
  const at::Tensor x = call.tensor();
  giveCopy(call, x.repeat(call.integers()));
}

// x; axes
void reverse(Call& call) {
  const at::Tensor x = call.tensor();
  call.give(x.flip(call.integers()));
}

}  // namespace

void registerShape(Registry& registry) {
  registry.add("transpose", transpose);
  registry.add("rearrange", rearrange);
  registry.add("concat", concat);
  registry.add("pack", pack);
  registry.add("pick", pick);
  registry.add("slice", slice);
  registry.add("stridedSlice", stridedSlice);
  registry.add("pad", pad);
  registry.add("mirrorPad", mirrorPad);
  registry.add("tile", tile);
  registry.add("reverse", reverse);
}

}  // namespace gradring
