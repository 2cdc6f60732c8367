// Which of the compiled tables this processor runs. Decided once by what it can do, never by timing.
#include <cstring>

#include "kernels.h"

namespace gradring {

namespace base {
Kernels table();
}

#if defined(__x86_64__)

namespace v3 {
Kernels table();
}

namespace v4 {
Kernels table();
}

namespace v4bf16 {
Kernels table();
}

#endif

namespace {

struct Choice {
  Kernels (*table)();
  bool runs;
};

constexpr int choices = 4;

// From the slowest to the fastest.
Choice choice(int index) {
#if defined(__x86_64__)
  const bool v3Runs =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
  const bool v4Runs = v3Runs && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vl");
  if (index == 1) return {v3::table, v3Runs};
  if (index == 2) return {v4::table, v4Runs};
  if (index == 3) return {v4bf16::table, v4Runs && __builtin_cpu_supports("avx512bf16")};
#endif
  return {base::table, index == 0};
}

Kernels fastest() {
  int index = choices - 1;
  while (!choice(index).runs) index--;
  return choice(index).table();
}

const Kernels& held(int index) {
  static const Kernels tables[choices] = {choice(0).table(), choice(1).table(), choice(2).table(),
                                          choice(3).table()};
  return tables[index];
}

}  // namespace

const Kernels& kernels() {
  static const Kernels chosen = fastest();
  return chosen;
}

const Kernels* kernelsNamed(const char* name) {
  for (int index = 0; index < choices; index++) {
    if (choice(index).runs && std::strcmp(held(index).name, name) == 0) return &held(index);
  }
  return nullptr;
}

}  // namespace gradring
