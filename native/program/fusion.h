// Which nodes of a graph are computed together.
#pragma once
#include "plan.h"

namespace gradring {

inline bool isLinear(NodeKind kind) { return kind == NodeKind::conv2d || kind == NodeKind::dense; }

// The graph's nodes with the sum of many as sums of two, in order; `output` becomes the output's place among
// them.
std::vector<Node> withBinaryAdds(const Graph& graph, int& output);

// By node: it is computed inside the join of its only reader. A join reaches back from its root over inputs
// that nobody else reads: activation ← add ← batch norm ← convolution.
std::vector<bool> absorbedNodes(const std::vector<Node>& nodes, int output);

}  // namespace gradring
