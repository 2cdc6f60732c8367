// Conversions between dtypes, as JavaScript's typed arrays make them.
#pragma once
#include "../call.h"

namespace gradring {

// The dtype that the frame writes as `code`.
at::ScalarType typeOf(int64_t code);

// To int32, fractions are cut off, what does not fit wraps around, and NaN and the infinities become 0.
at::Tensor castTo(const at::Tensor& x, at::ScalarType type);

// A result as a tensor of `type` holds it: what is truncated to 0 is false.
at::Tensor storeAs(const at::Tensor& result, at::ScalarType type);

// bool as int32: LibTorch's arithmetic on bool is logic.
at::Tensor arithmetic(const at::Tensor& x);

// For functions of real numbers: float32 as it is, integers in a type that holds each of them.
at::Tensor floating(const at::Tensor& x);

// A number as float32 holds it: LibTorch refuses what lies beyond its range, and here becomes infinite.
inline double rounded(double value) { return static_cast<float>(value); }

// The widest floating type of the device.
at::ScalarType widestType(const c10::Device& device);

}  // namespace gradring
