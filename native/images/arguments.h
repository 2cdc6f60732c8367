// What JavaScript calls a function of the addon with.
#pragma once
#include <node_api.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#ifdef GRADRING_REDUCE
#include "reducer.h"
#endif

namespace gradring::images {

template <class T>
struct Memory {
  T* data = nullptr;
  size_t length = 0;
};

// The arguments of a call, as many as it is to have. Reading one of another type than it is makes the call unsound.
template <size_t count>
class Arguments {
 public:
  Arguments(napi_env env, napi_callback_info info) : env_(env) {
    size_t given = count;
    isSound_ = napi_get_cb_info(env, info, &given, values_.data(), nullptr, &data_) == napi_ok && given == count;
  }

  bool isSound() const { return isSound_; }
  // What the function was made with.
  template <class T>
  T& owner() const {
    return *static_cast<T*>(data_);
  }

  Memory<uint8_t> bytes(size_t index) { return memory<uint8_t>(index, napi_uint8_array); }
  Memory<uint32_t> words(size_t index) { return memory<uint32_t>(index, napi_uint32_array); }

  bool isAbsent(size_t index) const {
    napi_valuetype type;
    return napi_typeof(env_, values_[index], &type) == napi_ok && type == napi_undefined;
  }

  uint32_t number(size_t index) {
    uint32_t value = 0;
    if (napi_get_value_uint32(env_, values_[index], &value) != napi_ok) isSound_ = false;
    return value;
  }

#ifdef GRADRING_REDUCE
  Reduction reduction(size_t index) {
    const auto whole = [&](const char* name) { return static_cast<size_t>(std::max(property(index, name), 0.0)); };
    const auto either = [&](const char* name) { return static_cast<ptrdiff_t>(property(index, name)); };
    return {static_cast<Kernel>(whole("kernel")),
            whole("width"),
            whole("height"),
            static_cast<unsigned>(whole("samples")),
            property(index, "across"),
            property(index, "down"),
            either("left"),
            either("top"),
            whole("targetWidth"),
            whole("targetHeight")};
  }
#endif

 private:
#ifdef GRADRING_REDUCE
  // Of an object, a number of which no computation is too much for 64 bits.
  double property(size_t index, const char* name) {
    constexpr double most = 1 << 30;
    napi_value value = nullptr;
    double number = 0;
    if (napi_get_named_property(env_, values_[index], name, &value) == napi_ok &&
        napi_get_value_double(env_, value, &number) == napi_ok && number >= -most && number <= most)
      return number;
    isSound_ = false;
    return 0;
  }
#endif

  template <class T>
  Memory<T> memory(size_t index, napi_typedarray_type wanted) {
    napi_typedarray_type type;
    Memory<T> memory;
    void* data = nullptr;
    if (napi_get_typedarray_info(env_, values_[index], &type, &memory.length, &data, nullptr, nullptr) != napi_ok ||
        type != wanted) {
      isSound_ = false;
      return {};
    }
    memory.data = static_cast<T*>(data);
    return memory;
  }

  napi_env env_;
  std::array<napi_value, count> values_{};
  void* data_ = nullptr;
  bool isSound_ = false;
};

}  // namespace gradring::images
