// A model as the planner describes it: a list of plain nodes in an order that can be computed from front to
// back.
#pragma once
#include <cstdint>
#include <vector>

namespace gradring {

// attributes, and weights as slots of the caller's list (−1: absent):
//   conv2d             kernelH, kernelW, strideH, strideW, padTop, padBottom, padLeft, padRight, dilationH,
//   dilationW,
//                      groups (1), output channels │ filter [kH, kW, in, out], bias
//   batchNorm          epsilon, momentum │ gamma, beta, moving mean, moving variance
//                      moving = moving · momentum + batch · (1 − momentum); the batch's variance is the
//                      biased one
//   activation         slope, offset: y = (x > 0 ? x : slope · x) + offset
//   averagePool        kernelH, kernelW, strideH, strideW, padTop, padBottom, padLeft, padRight; the average
//   is over maxPool            real cells, padding not counted dense              units │ kernel [in, out],
//   bias add, globalAveragePool, flatten, input: none
enum class NodeKind {
  input,
  conv2d,
  batchNorm,
  activation,
  add,
  averagePool,
  maxPool,
  globalAveragePool,
  dense,
  flatten
};

struct Node {
  NodeKind kind;
  std::vector<int> inputs;  // earlier nodes
  std::vector<double> attributes;
  std::vector<int> weights;
};

struct Graph {
  int64_t height, width, channels;  // of the input
  std::vector<Node> nodes;
  int output;
  int weightCount;
  std::vector<bool> trainable;  // by weight slot
};

}  // namespace gradring
