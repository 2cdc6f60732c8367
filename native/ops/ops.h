// The families of operations; each file of this folder registers its own.
#pragma once
#include "../call.h"

namespace gradring {

// All of them.
void registerAll(Registry& registry);

void registerDevice(Registry& registry);
void registerMemory(Registry& registry);
void registerFlat(Registry& registry);
// elementwise.cc, compare.cc, reduce.cc, softmax.cc, random.cc, creation.cc, norm.cc
void registerElementwise(Registry& registry);
void registerCompare(Registry& registry);
void registerReduce(Registry& registry);
void registerSoftmax(Registry& registry);
void registerRandom(Registry& registry);
void registerCreation(Registry& registry);
void registerNorm(Registry& registry);
// conv.cc, pool.cc, matmul.cc, shape.cc, index.cc, image.cc
void registerConv(Registry& registry);
void registerPool(Registry& registry);
void registerMatmul(Registry& registry);
void registerShape(Registry& registry);
void registerIndex(Registry& registry);
void registerImage(Registry& registry);
void registerWarp(Registry& registry);
// ../program/bindings.cc
void registerProgram(Registry& registry);

}  // namespace gradring
