// The Node-API face of the addon: `frame`, the versions, and every operation as a function.
#include <node_api.h>
#include <array>
#include <memory>
#include <string>
#include <vector>
#include "call.h"
#include "host_allocator.h"
#include "ops/ops.h"

namespace gradring {
namespace {

struct Instance;

struct Binding {
  Instance* instance;
  Operation operation;
};

// What an environment owns: deleted with it, in its own thread.
struct Instance {
  // Before the tensors that live in its memory.
  HostAllocatorUser hostAllocator;
  Environment environment;
  double* frame = nullptr;
  std::vector<std::unique_ptr<Binding>> bindings;
};

void check(napi_env env, napi_status status) {
  if (status == napi_ok) return;
  const napi_extended_error_info* info = nullptr;
  napi_get_last_error_info(env, &info);
  throw std::runtime_error(info && info->error_message ? info->error_message : "a Node-API call failed");
}

// Code `ERR_OUT_OF_MEMORY` or `ERR_OPERATION`: the caller in JavaScript makes a typed error of it.
void raise(napi_env env, const char* code, const std::string& message) {
  napi_throw_error(env, code, message.c_str());
}

bool isOutOfMemory(const std::string& message) {
  return message.find("out of memory") != std::string::npos ||
         message.find("not enough memory") != std::string::npos ||
         message.find("can't allocate memory") != std::string::npos;
}

// A shared array cannot be asked for as an ArrayBuffer, a view of it can.
Memory memoryOf(napi_env env, napi_value value) {
  napi_typedarray_type type;
  size_t length = 0;
  Memory memory;
  if (napi_get_typedarray_info(env, value, &type, &length, &memory.data, nullptr, nullptr) != napi_ok) return {};
  constexpr size_t kBytes[] = {1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8};
  memory.bytes = length * kBytes[type];
  return memory;
}

napi_value invoke(napi_env env, napi_callback_info info) {
  std::array<napi_value, Call::kMostMemories> arguments;
  size_t count = arguments.size();
  void* data = nullptr;
  if (napi_get_cb_info(env, info, &count, arguments.data(), nullptr, &data) != napi_ok) return nullptr;
  const auto* binding = static_cast<const Binding*>(data);
  std::array<Memory, Call::kMostMemories> memories{};
  for (size_t i = 0; i < count && i < memories.size(); i++) memories[i] = memoryOf(env, arguments[i]);
  try {
    const c10::InferenceMode inference;
    Call call(binding->instance->environment, binding->instance->frame, memories);
    binding->operation(call);
  } catch (const c10::Error& error) {
    const std::string message = error.what_without_backtrace();
    raise(env, isOutOfMemory(message) ? "ERR_OUT_OF_MEMORY" : "ERR_OPERATION", message);
  } catch (const std::bad_alloc&) {
    raise(env, "ERR_OUT_OF_MEMORY", "the processor's memory has no room for it");
  } catch (const std::exception& error) {
    const std::string message = error.what();
    raise(env, isOutOfMemory(message) ? "ERR_OUT_OF_MEMORY" : "ERR_OPERATION", message);
  }
  return nullptr;
}

void expose(napi_env env, napi_value exports, Instance& instance) {
  Registry registry;
  registerAll(registry);
  for (const auto& [name, operation] : registry.entries()) {
    instance.bindings.push_back(std::make_unique<Binding>(Binding{&instance, operation}));
    napi_value function;
    check(env, napi_create_function(env, name.c_str(), NAPI_AUTO_LENGTH, invoke, instance.bindings.back().get(),
                                    &function));
    check(env, napi_set_named_property(env, exports, name.c_str(), function));
  }
}

void shareFrame(napi_env env, napi_value exports, Instance& instance) {
  void* data = nullptr;
  napi_value buffer;
  napi_value frame;
  check(env, napi_create_arraybuffer(env, Call::kFrameLength * sizeof(double), &data, &buffer));
  check(env, napi_create_typedarray(env, napi_float64_array, Call::kFrameLength, buffer, 0, &frame));
  check(env, napi_set_named_property(env, exports, "frame", frame));
  // Whatever JavaScript does to its exports, the memory stays as long as the environment.
  napi_ref reference;
  check(env, napi_create_reference(env, buffer, 1, &reference));
  instance.frame = static_cast<double*>(data);
}

napi_value initialise(napi_env env, napi_value exports) {
  auto instance = std::make_unique<Instance>();
  try {
    expose(env, exports, *instance);
    shareFrame(env, exports, *instance);
    napi_value version;
    check(env, napi_create_string_utf8(env, TORCH_VERSION, NAPI_AUTO_LENGTH, &version));
    check(env, napi_set_named_property(env, exports, "torchVersion", version));
    const auto destroy = [](napi_env, void* data, void*) { delete static_cast<Instance*>(data); };
    check(env, napi_set_instance_data(env, instance.get(), destroy, nullptr));
    instance.release();
  } catch (const std::exception& error) {
    raise(env, "ERR_LOAD", error.what());
  }
  return exports;
}

}  // namespace
}  // namespace gradring

NAPI_MODULE_INIT() { return gradring::initialise(env, exports); }
