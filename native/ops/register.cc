#include "ops.h"

namespace gradring {

void registerAll(Registry& registry) {
  registerDevice(registry);
  registerMemory(registry);
  registerFlat(registry);
  registerElementwise(registry);
  registerCompare(registry);
  registerReduce(registry);
  registerSoftmax(registry);
  registerRandom(registry);
  registerCreation(registry);
  registerNorm(registry);
  registerConv(registry);
  registerPool(registry);
  registerMatmul(registry);
  registerShape(registry);
  registerIndex(registry);
  registerImage(registry);
  registerWarp(registry);
  registerProgram(registry);
}

}  // namespace gradring
