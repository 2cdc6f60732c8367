// The Node-API face:
//
//   copyRows(source, states, wanted, numbers, rowBytes, target): number       how many
//   crc32(file, start, end): number                                           if there is libdeflate
//   inflate(stream, target): boolean                                          if there is libdeflate
//   unpackPng(stream, rows, rowBytes, samples, target): boolean               if there is libdeflate
//   decodeJpeg(file, denominator, width, height, samples, target): boolean    if there is libjpeg-turbo
//   reducePng(stream, reduction, target): boolean                             … and AVX2
//   reduceJpeg(file, denominator, width, height, reduction, target): boolean  … and AVX2
//
// Memory is Uint8Arrays (`numbers` a Uint32Array), shared or not; `states` may be undefined. False: nothing was
// written (or, by inflate, anything), and another decoder has to do it. `reduction` is an object: see
// src/data/image-addon.ts, the other side of all this.
#include <node_api.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>

#include "arguments.h"
#include "rows.h"
#include "sink.h"
#ifdef GRADRING_LIBDEFLATE
#include "png.h"
#endif
#ifdef GRADRING_TURBOJPEG
#include "jpeg.h"
#endif
#ifdef GRADRING_REDUCE
#include "reducer.h"
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
#ifdef GRADRING_REDUCE
  Reducer reducer;
#endif
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

napi_value inflate(napi_env env, napi_callback_info info) {
  return answer(env, [&] {
    Arguments<2> call(env, info);
    if (!call.isSound()) return false;
    const Memory stream = call.bytes(0), target = call.bytes(1);
    return call.isSound() &&
           call.owner<Instance>().png.inflate(stream.data, stream.length, target.data, target.length);
  });
}

napi_value unpackPng(napi_env env, napi_callback_info info) {
  return answer(env, [&] {
    Arguments<5> call(env, info);
    if (!call.isSound()) return false;
    const Memory stream = call.bytes(0), target = call.bytes(4);
    const size_t rows = call.number(1), rowBytes = call.number(2), samples = call.number(3);
    if (!call.isSound() || samples < 1 || samples > 4 || rowBytes % samples != 0 || rows * rowBytes > target.length)
      return false;
    WholeImage image(target.data, rows);
    return call.owner<Instance>().png.unpack(stream.data, stream.length, rows, rowBytes, samples, image);
  });
}
#endif

#ifdef GRADRING_TURBOJPEG
// Of a JPEG, no side is longer than 65,535: what is more comes to no image.
JpegPart partOf(uint32_t denominator, uint32_t width, uint32_t height, uint32_t samples) {
  return {static_cast<int>(std::min(denominator, 0xffffu)), static_cast<int>(std::min(width, 0xffffu)),
          static_cast<int>(std::min(height, 0xffffu)), static_cast<int>(samples)};
}

napi_value decodeJpeg(napi_env env, napi_callback_info info) {
  return answer(env, [&] {
    Arguments<6> call(env, info);
    if (!call.isSound()) return false;
    const Memory file = call.bytes(0), target = call.bytes(5);
    const JpegPart part = partOf(call.number(1), call.number(2), call.number(3), call.number(4));
    if (!call.isSound() || (part.samples != 1 && part.samples != 3) || part.rowBytes() * part.height > target.length)
      return false;
    WholeImage image(target.data, part.height);
    return call.owner<Instance>().jpeg.decode(file.data, file.length, part, part.rowBytes(), image);
  });
}
#endif

#ifdef GRADRING_REDUCE
bool isSound(const Reduction& reduction, size_t room) {
  const auto& [kernel, width, height, samples, across, down, left, top, targetWidth, targetHeight] = reduction;
  return kernel <= Kernel::kLanczos3 && (samples == 1 || samples == 3) && across >= 1 && down >= 1 &&
         across <= static_cast<double>(width) && down <= static_cast<double>(height) &&
         targetWidth * targetHeight * samples <= room;
}

#ifdef GRADRING_LIBDEFLATE
napi_value reducePng(napi_env env, napi_callback_info info) {
  return answer(env, [&] {
    Arguments<3> call(env, info);
    if (!call.isSound()) return false;
    const Memory stream = call.bytes(0), target = call.bytes(2);
    const Reduction reduction = call.reduction(1);
    if (!call.isSound() || !isSound(reduction, target.length)) return false;
    Reducer& reducer = call.owner<Instance>().reducer;
    reducer.prepare(reduction, target.data);
    return call.owner<Instance>().png.unpack(stream.data, stream.length, reduction.height, reduction.rowBytes(),
                                             reduction.samples, reducer);
  });
}
#endif

#ifdef GRADRING_TURBOJPEG
napi_value reduceJpeg(napi_env env, napi_callback_info info) {
  return answer(env, [&] {
    Arguments<6> call(env, info);
    if (!call.isSound()) return false;
    const Memory file = call.bytes(0), target = call.bytes(5);
    const Reduction reduction = call.reduction(4);
    const JpegPart part = partOf(call.number(1), call.number(2), call.number(3), reduction.samples);
    if (!call.isSound() || !isSound(reduction, target.length) || reduction.width > size_t{1} * part.width ||
        reduction.height > size_t{1} * part.height)
      return false;
    Reducer& reducer = call.owner<Instance>().reducer;
    reducer.prepare(reduction, target.data);
    return call.owner<Instance>().jpeg.decode(file.data, file.length, part, reduction.rowBytes(), reducer);
  });
}
#endif
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
  add(env, exports, "inflate", inflate, instance);
  add(env, exports, "unpackPng", unpackPng, instance);
#endif
#ifdef GRADRING_TURBOJPEG
  add(env, exports, "decodeJpeg", decodeJpeg, instance);
#endif
#ifdef GRADRING_REDUCE
  if (__builtin_cpu_supports("avx2")) {
#ifdef GRADRING_LIBDEFLATE
    add(env, exports, "reducePng", reducePng, instance);
#endif
#ifdef GRADRING_TURBOJPEG
    add(env, exports, "reduceJpeg", reduceJpeg, instance);
#endif
  }
#endif
  return exports;
}
