// The Node-API face:
//
//   copyRows(source, states, wanted, numbers, rowBytes, target): number       how many
//   crc32(file, start, end): number                                           if there is libdeflate
//   unpackPng(stream, rows, rowBytes, samples, target): boolean               if there is libdeflate
//   decodeJpeg(file, denominator, width, height, samples, target): boolean    if there is libjpeg-turbo
//
// Memory is Uint8Arrays (`numbers` a Uint32Array), shared or not; `states` may be undefined. False: nothing was
// written, and another decoder has to do it.
#include <node_api.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>

#include "rows.h"
#ifdef GRADRING_LIBDEFLATE
#include "png.h"
#endif
#ifdef GRADRING_TURBOJPEG
#include "jpeg.h"
#endif

namespace {

using namespace gradring::images;

// What an environment owns: deleted with it, in its own thread.
struct Instance {
#ifdef GRADRING_LIBDEFLATE
  PngUnpacker png;
#endif
#ifdef GRADRING_TURBOJPEG
  JpegDecoder jpeg;
#endif
};

template <class T>
struct Memory {
  T* data = nullptr;
  size_t length = 0;
};

// The arguments of a call, as many as it is to have.
template <size_t count>
class Arguments {
 public:
  Arguments(napi_env env, napi_callback_info info) : env_(env) {
    size_t given = count;
    isSound_ = napi_get_cb_info(env, info, &given, values_.data(), nullptr, &data_) == napi_ok && given == count;
  }

  bool isSound() const { return isSound_; }
  Instance& instance() const { return *static_cast<Instance*>(data_); }

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

 private:
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

// Runs `work`, which nothing may leave as an exception, and gives back what it says.
template <class Work>
napi_value answer(napi_env env, Work work) {
  bool done = false;
  try {
    done = work();
  } catch (const std::exception&) {
    // No memory for it: others may need less.
  }
  napi_value result = nullptr;
  napi_get_boolean(env, done, &result);
  return result;
}

napi_value copyRows(napi_env env, napi_callback_info info) {
  Arguments<6> call(env, info);
  size_t copied = 0;
  if (call.isSound()) {
    const Memory source = call.bytes(0), target = call.bytes(5);
    const Memory<uint8_t> states = call.isAbsent(1) ? Memory<uint8_t>{} : call.bytes(1);
    const auto wanted = static_cast<uint8_t>(call.number(2));
    const Memory numbers = call.words(3);
    const size_t rowBytes = call.number(4);
    if (call.isSound() && rowBytes > 0) {
      size_t rows = source.length / rowBytes;
      if (states.data != nullptr && states.length < rows) rows = states.length;
      const size_t room = target.length / rowBytes;
      copied = gradring::images::copyRows({source.data, rows, rowBytes, states.data}, wanted, numbers.data,
                                          numbers.length < room ? numbers.length : room, target.data);
    }
  }
  napi_value result = nullptr;
  napi_create_uint32(env, static_cast<uint32_t>(copied), &result);
  return result;
}

#ifdef GRADRING_LIBDEFLATE
napi_value crc32(napi_env env, napi_callback_info info) {
  Arguments<3> call(env, info);
  uint32_t sum = 0;
  if (call.isSound()) {
    const Memory file = call.bytes(0);
    const size_t start = call.number(1), end = call.number(2);
    if (call.isSound() && start <= end && end <= file.length)
      sum = gradring::images::crc32(file.data + start, end - start);
  }
  napi_value result = nullptr;
  napi_create_uint32(env, sum, &result);
  return result;
}

napi_value unpackPng(napi_env env, napi_callback_info info) {
  return answer(env, [&] {
    Arguments<5> call(env, info);
    if (!call.isSound()) return false;
    const Memory stream = call.bytes(0), target = call.bytes(4);
    const size_t rows = call.number(1), rowBytes = call.number(2), samples = call.number(3);
    if (!call.isSound() || samples < 1 || samples > 4 || rowBytes % samples != 0 || rows * rowBytes > target.length)
      return false;
    return call.instance().png.unpack(stream.data, stream.length, rows, rowBytes, samples, target.data);
  });
}
#endif

#ifdef GRADRING_TURBOJPEG
napi_value decodeJpeg(napi_env env, napi_callback_info info) {
  return answer(env, [&] {
    Arguments<6> call(env, info);
    if (!call.isSound()) return false;
    const Memory file = call.bytes(0), target = call.bytes(5);
    const uint32_t denominator = call.number(1), width = call.number(2), height = call.number(3);
    const uint32_t samples = call.number(4);
    // Of a JPEG, no side is longer than 65,535.
    if (!call.isSound() || width > 0xffff || height > 0xffff || (samples != 1 && samples != 3) ||
        size_t{1} * width * height * samples > target.length)
      return false;
    return call.instance().jpeg.decode(file.data, file.length, static_cast<int>(denominator), static_cast<int>(width),
                                       static_cast<int>(height), static_cast<int>(samples), target.data);
  });
}
#endif

void add(napi_env env, napi_value exports, const char* name, napi_callback callback, Instance* instance) {
  napi_value function = nullptr;
  if (napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, instance, &function) == napi_ok)
    napi_set_named_property(env, exports, name, function);
}

}  // namespace

NAPI_MODULE_INIT() {
  Instance* instance = nullptr;
  try {
    instance = new Instance;
  } catch (const std::exception&) {
    napi_throw_error(env, "ERR_OUT_OF_MEMORY", "no memory for the image addon");
    return exports;
  }
  const auto drop = [](napi_env, void* data, void*) { delete static_cast<Instance*>(data); };
  if (napi_set_instance_data(env, instance, drop, nullptr) != napi_ok) {
    delete instance;
    return exports;
  }
  add(env, exports, "copyRows", copyRows, instance);
#ifdef GRADRING_LIBDEFLATE
  add(env, exports, "crc32", crc32, instance);
  add(env, exports, "unpackPng", unpackPng, instance);
#endif
#ifdef GRADRING_TURBOJPEG
  add(env, exports, "decodeJpeg", decodeJpeg, instance);
#endif
  return exports;
}
