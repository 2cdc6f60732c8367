// Every table of CPU loops that this processor runs, against naive loops in double. Built and run by:
//   test/native/run.mjs
#include "kernels_check.h"

int main(int argumentCount, char** arguments) {
  using namespace gradring;
  int failures = 0;
  for (const char* name : {"base", "v3", "v4", "v4bf16"}) {
    const Kernels* table = kernelsNamed(name);
    if (!table || (argumentCount > 1 && std::strcmp(arguments[1], name) != 0)) continue;
    test::Checks checks(name);
    test::testNorm(*table, checks);
    test::testStem(*table, checks);
    test::testPool(*table, checks);
    test::testLayout(*table, checks);
    test::testFlat(*table, checks);
    test::testConvolution(*table, checks);
    failures += checks.failures();
  }
  std::printf("%s uses %s; %d failures\n", arguments[0], kernels().name, failures);
  return failures == 0 ? 0 : 1;
}
