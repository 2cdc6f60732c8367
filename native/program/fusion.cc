#include "fusion.h"
#include <c10/util/Exception.h>

namespace gradring {

namespace {

bool takesIn(NodeKind reader, NodeKind input) {
  switch (reader) {
    case NodeKind::activation:
      return isLinear(input) || input == NodeKind::batchNorm || input == NodeKind::add;
    case NodeKind::add:
      return isLinear(input) || input == NodeKind::batchNorm;
    case NodeKind::batchNorm:
      return isLinear(input);
    default:
      return false;
  }
}

}  // namespace

std::vector<Node> withBinaryAdds(const Graph& graph, int& output) {
  std::vector<Node> nodes;
  std::vector<int> moved;
  for (Node node : graph.nodes) {
    for (int& input : node.inputs) {
      TORCH_CHECK(input >= 0 && input < static_cast<int>(moved.size()), "nodes come after what they read");
      input = moved[input];
    }
    if (node.kind == NodeKind::add) {
      TORCH_CHECK(node.inputs.size() >= 2, "add of ", node.inputs.size());
      while (node.inputs.size() > 2) {
        nodes.push_back({NodeKind::add, {node.inputs[0], node.inputs[1]}, {}, {}});
        node.inputs.erase(node.inputs.begin());
        node.inputs[0] = static_cast<int>(nodes.size()) - 1;
      }
    }
    moved.push_back(static_cast<int>(nodes.size()));
    nodes.push_back(std::move(node));
  }
  output = moved.at(graph.output);
  return nodes;
}

std::vector<bool> absorbedNodes(const std::vector<Node>& nodes, int output) {
  std::vector<int> readers(nodes.size(), 0);
  for (const Node& node : nodes)
    for (int input : node.inputs) readers[input]++;
  readers[output]++;
  std::vector<bool> absorbed(nodes.size(), false);
  for (const Node& node : nodes) {
    for (int input : node.inputs)
      if (readers[input] == 1) absorbed[input] = takesIn(node.kind, nodes[input].kind);
  }
  return absorbed;
}

}  // namespace gradring
