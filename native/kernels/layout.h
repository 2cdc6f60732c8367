// From one layout and type to another.
#pragma once
#include "images.h"

namespace gradring {

// The same pixels in another layout, another type or both.
struct Convert {
  Images from;
  Layout layout = Layout::nhwc;
  Type type = Type::f32;
  const void* source = nullptr;
  void* target = nullptr;
};

struct LayoutKernels {
  void (*convert)(const Convert&, Range);
};

}  // namespace gradring
