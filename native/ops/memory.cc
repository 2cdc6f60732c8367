// Tensors between JavaScript's memory and the device.
#include <cstring>
#include "ops.h"

namespace gradring {
namespace {

constexpr at::ScalarType kTypes[] = {at::kFloat, at::kInt, at::kBool};

at::Tensor viewOf(const Memory& memory, at::IntArrayRef shape, at::ScalarType type) {
  const at::Tensor view = at::from_blob(memory.data, shape, at::TensorOptions().dtype(type));
  TORCH_CHECK(static_cast<size_t>(view.nbytes()) == memory.bytes, "the array has ", memory.bytes,
              " bytes, its shape needs ", view.nbytes());
  return view;
}

at::Tensor empty(Call& call, at::IntArrayRef shape, at::ScalarType type) {
  return at::empty(shape, call.options(type));
}

// dtype, shape; the values as typed array → tensor.
void upload(Call& call) {
  const at::ScalarType type = kTypes[call.integer()];
  const Ints shape = call.integers();
  at::Tensor result = empty(call, shape, type);
  if (result.numel() > 0) result.copy_(viewOf(call.memory(0), shape, type));
  call.give(result);
}

// shape; uint8 values, such as a batch slot of shared memory → float32 tensor of the values 0 … 255.
void uploadBytes(Call& call) {
  const Ints shape = call.integers();
  at::Tensor result = empty(call, shape, at::kFloat);
  if (result.numel() > 0) {
    // As bytes to the device, and wider only there.
    result.copy_(viewOf(call.memory(0), shape, at::kByte).to(call.environment().device()));
  }
  call.give(result);
}

// tensor; target typed array of as many bytes.
void read(Call& call) {
  const at::Tensor source = call.tensor();
  if (source.numel() > 0) viewOf(call.memory(0), source.sizes(), source.scalar_type()).copy_(source);
}

// handle; target typed array: the values of a tensor whatever its shape.
void readWhole(Call& call) {
  const at::Tensor& source = call.environment().tensor(call.integer());
  if (source.numel() > 0) viewOf(call.memory(0), source.sizes(), source.scalar_type()).copy_(source);
}

// Calls copy(tensor, its part) for each float32 tensor of a list of handles, whose values lie one after the other.
template <class Copy>
void eachPart(Call& call, const Copy& copy) {
  const Memory all = call.memory(0);
  float* values = static_cast<float*>(all.data);
  const float* end = values + all.bytes / sizeof(float);
  for (const int64_t handle : call.integers()) {
    at::Tensor tensor = call.environment().tensor(handle);
    TORCH_CHECK(tensor.numel() <= end - values, "the array is too short for the tensors");
    if (tensor.numel() > 0) copy(tensor, at::from_blob(values, tensor.sizes()));
    values += tensor.numel();
  }
}

// list of handles; float32 typed array: the tensors' values, one after the other.
void readAll(Call& call) {
  eachPart(call, [](at::Tensor& tensor, at::Tensor part) { part.copy_(tensor); });
}

// list of handles; float32 typed array: copied into the tensors, in place.
void writeAll(Call& call) {
  eachPart(call, [](at::Tensor& tensor, const at::Tensor& part) { tensor.copy_(part); });
}

// tensor; float32 typed array: copied into the tensor, in place.
void write(Call& call) {
  at::Tensor target = call.tensor();
  if (target.numel() > 0) target.copy_(viewOf(call.memory(0), target.sizes(), target.scalar_type()));
}

// tensor, first element, shape → a view of its memory: writing to either changes both.
void viewPart(Call& call) {
  const at::Tensor flat = call.tensor();
  const int64_t start = call.integer();
  const Ints shape = call.integers();
  int64_t size = 1;
  for (const int64_t dimension : shape) size *= dimension;
  call.give(flat.narrow(0, start, size).view(shape));
}

// shape; float32 typed array → a tensor of that very memory, which the caller keeps alive: processor only.
void wrap(Call& call) {
  const Ints shape = call.integers();
  call.give(viewOf(call.memory(0), shape, at::kFloat));
}

// target, source of the same shape: copied in place.
void assign(Call& call) {
  at::Tensor target = call.tensor();
  target.copy_(call.tensor());
}

// handle
void dispose(Call& call) { call.environment().drop(call.integer()); }

}  // namespace

void registerMemory(Registry& registry) {
  registry.add("upload", upload);
  registry.add("uploadBytes", uploadBytes);
  registry.add("read", read);
  registry.add("readWhole", readWhole);
  registry.add("write", write);
  registry.add("readAll", readAll);
  registry.add("writeAll", writeAll);
  registry.add("viewPart", viewPart);
  registry.add("wrap", wrap);
  registry.add("assign", assign);
  registry.add("dispose", dispose);
}

}  // namespace gradring
