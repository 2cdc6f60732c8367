#include "ops.h"

namespace gradring {

void registerAll(Registry& registry) {
  registerDevice(registry);
  registerMemory(registry);
}

}  // namespace gradring
