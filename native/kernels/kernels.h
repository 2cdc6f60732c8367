// All hand-written loops, compiled once per instruction set; the fastest table that this processor can run.
#pragma once
#include "direct.h"
#include "layout.h"
#include "norm.h"
#include "optimizer.h"
#include "pool.h"
#include "stem.h"
#include "winograd.h"

namespace gradring {

struct Kernels {
  const char* name;  // base, v3, v4, v4bf16
  NormKernels norm;
  StemKernels stem;
  PoolKernels pool;
  LayoutKernels layout;
  FlatKernels flat;
  WinogradKernels winograd;
  DirectKernels direct;
};

const Kernels& kernels();

// For tests: the table of that name, or null if it was not compiled or this processor cannot run it.
const Kernels* kernelsNamed(const char* name);

}  // namespace gradring
