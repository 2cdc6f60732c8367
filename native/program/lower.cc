#include <c10/util/Exception.h>
#include <algorithm>
#include "fusion.h"

namespace gradring {

namespace {

class Lowering {
 public:
  Lowering(const Graph& graph, const LowerOptions& options) : graph_(graph), options_(options) {
    nodes_ = withBinaryAdds(graph, output_);
    valueOf_.assign(nodes_.size(), -1);
    absorbed_ = absorbedNodes(nodes_, output_);
  }

  Plan run() {
    plan_.input = addValue({graph_.height, graph_.width, graph_.channels});
    Value& input = plan_.values[plan_.input];
    input.plain = input.isInput = true;
    input.needsGradient = options_.inputGradient;
    for (size_t index = 0; index < nodes_.size(); index++) lowerNode(static_cast<int>(index));
    plan_.output = asOutput(valueOf_[output_]);
    plan_.trainable = graph_.trainable;
    settleLayouts(plan_);
    return std::move(plan_);
  }

 private:
  const Graph& graph_;
  const LowerOptions options_;
  int output_ = -1;
  std::vector<Node> nodes_;
  std::vector<bool> absorbed_;  // by node: computed inside the join of its only reader
  std::vector<int> valueOf_;    // by node; of an absorbed convolution, what it stores
  int convertedInput_ = -1;
  Plan plan_;

  int addValue(const Value& value) {
    plan_.values.push_back(value);
    return static_cast<int>(plan_.values.size()) - 1;
  }

  bool isTrained(int slot) const { return slot >= 0 && graph_.trainable.at(slot); }

  // The stage's output needs a gradient if anything before it learns.
  void addStage(Stage stage) {
    bool needs = isTrained(stage.weight);
    for (const Term& term : stage.terms) {
      needs = needs || plan_.values[term.value].needsGradient || (!term.norm && isTrained(term.bias));
      if (term.norm) needs = needs || isTrained(term.norm->gamma) || isTrained(term.norm->beta);
    }
    plan_.values[stage.output].needsGradient = needs;
    plan_.stages.push_back(std::move(stage));
  }

  int convert(int from, const Value& to) {
    const int value = addValue(to);
    Stage stage{StageKind::convert, {Term{from}}, value};
    addStage(stage);
    return value;
  }

  // The graph's input as every stage but a first-layer convolution wants it.
  int internal(int value) {
    const Value& input = plan_.values[value];
    if (!input.isInput || input.isVector() || !options_.convertInput) return value;
    if (convertedInput_ < 0) convertedInput_ = convert(value, {input.height, input.width, input.channels});
    return convertedInput_;
  }

  int asImage(int value) {
    const Value from = plan_.values[value];
    if (from.isInput && !from.isVector()) return internal(value);
    return from.plain ? convert(value, {from.height, from.width, from.channels}) : value;
  }

  int asVector(int value) {
    const Value from = plan_.values[value];
    if (from.plain && from.isVector()) return value;
    return convert(value, plainVector(from.height * from.width * from.channels));
  }

  int asOutput(int value) {
    Value to = plan_.values[value];
    if (to.plain && !to.isInput) return value;
    to.plain = true;
    to.isInput = false;
    return convert(value, to);
  }

  static Value plainVector(int64_t channels) {
    Value value{1, 1, channels};
    value.plain = true;
    return value;
  }

  void lowerNode(int index) {
    const Node& node = nodes_[index];
    switch (node.kind) {
      case NodeKind::input:
        valueOf_[index] = plan_.input;
        return;
      case NodeKind::conv2d:
      case NodeKind::dense: {
        TORCH_CHECK(node.weights.size() == 2, "a convolution or dense layer has 2 weights, −1 for none");
        valueOf_[index] = node.kind == NodeKind::dense ? dense(node) : convolution(node);
        if (!absorbed_[index] && node.weights[1] >= 0) join(index);
        return;
      }
      case NodeKind::batchNorm:
      case NodeKind::activation:
      case NodeKind::add:
        if (!absorbed_[index]) join(index);
        return;
      case NodeKind::averagePool:
      case NodeKind::maxPool:
        valueOf_[index] = pool(node);
        return;
      case NodeKind::globalAveragePool: {
        const int input = asImage(valueOf_[node.inputs.at(0)]);
        valueOf_[index] = addValue(plainVector(plan_.values[input].channels));
        Stage stage{StageKind::globalAveragePool, {Term{input}}, valueOf_[index]};
        addStage(stage);
        return;
      }
      case NodeKind::flatten:
        valueOf_[index] = asVector(valueOf_[node.inputs.at(0)]);
        return;
    }
  }

  int convolution(const Node& node) {
    const Window window = windowOf(node);
    const int64_t channels = static_cast<int64_t>(node.attributes[11]);
    int input = valueOf_[node.inputs.at(0)];
    const Value from = plan_.values[input];
    const bool stem =
        options_.stem && from.isInput && !options_.inputGradient && isStem(window, from.channels, channels);
    if (!stem) input = asImage(input);
    const int output = addValue(windowed(from, window, channels));
    Stage stage{StageKind::convolution, {Term{input}}, output, node.weights[0], stem, window};
    addStage(stage);
    return output;
  }

  int dense(const Node& node) {
    const int input = asVector(valueOf_[node.inputs.at(0)]);
    TORCH_CHECK(node.attributes.size() == 1, "dense: its attribute is the count of units");
    const int output = addValue(plainVector(static_cast<int64_t>(node.attributes[0])));
    Stage stage{StageKind::dense, {Term{input}}, output, node.weights[0]};
    addStage(stage);
    return output;
  }

  int pool(const Node& node) {
    const Window window = windowOf(node);
    const int input = asImage(valueOf_[node.inputs.at(0)]);
    const Value from = plan_.values[input];
    const int output = addValue(windowed(from, window, from.channels));
    const bool average = node.kind == NodeKind::averagePool;
    if (average && isHalving(window, from)) {
      for (Stage& stage : plan_.stages) {
        if (stage.kind != StageKind::join || stage.output != input || stage.pooled >= 0) continue;
        stage.pooled = output;
        plan_.values[output].needsGradient = from.needsGradient;
        return output;
      }
    }
    Stage stage{
        average ? StageKind::averagePool : StageKind::maxPool, {Term{input}}, output, -1, false, window};
    addStage(stage);
    return output;
  }

  // What the join of a reader sees of a node.
  Term termOf(int index) {
    const Node& node = nodes_[index];
    if (!absorbed_[index]) return {internal(valueOf_[index])};
    if (isLinear(node.kind)) return {valueOf_[index], node.weights[1]};
    return normOf(node);
  }

  Term normOf(const Node& node) {
    TORCH_CHECK(node.attributes.size() == 2 && node.weights.size() == 4,
                "batchNorm: 2 attributes, 4 weights");
    Term term = termOf(node.inputs.at(0));
    const auto& w = node.weights;
    term.norm = NormSpec{node.attributes[0], node.attributes[1], w[0], w[1], w[2], w[3]};
    if (isTrained(term.bias)) plan_.zeroGradients.push_back(term.bias);
    return term;
  }

  void join(int root) {
    Stage stage{StageKind::join, {}, -1};
    int index = root;
    if (nodes_[root].kind == NodeKind::activation) {
      stage.slope = nodes_[root].attributes.at(0);
      stage.offset = nodes_[root].attributes.at(1);
      if (absorbed_[nodes_[root].inputs.at(0)]) index = nodes_[root].inputs[0];
    }
    stage.terms = termsOf(index);
    const Value from = plan_.values[stage.terms[0].value];
    for (const Term& term : stage.terms) checkSameShape(from, plan_.values[term.value]);
    Value to{from.height, from.width, from.channels, from.plain};
    stage.output = valueOf_[root] = addValue(to);
    addStage(stage);
  }

  std::vector<Term> termsOf(int index) {
    const Node& node = nodes_[index];
    if (node.kind == NodeKind::batchNorm) return {normOf(node)};
    if (isLinear(node.kind)) return {{valueOf_[index], node.weights[1]}};
    std::vector<Term> terms;
    for (int input : node.inputs) terms.push_back(termOf(input));
    if (terms.size() == 2 && !terms[0].norm && terms[1].norm) std::swap(terms[0], terms[1]);
    return terms;
  }

  static void checkSameShape(const Value& a, const Value& b) {
    TORCH_CHECK(a.height == b.height && a.width == b.width && a.channels == b.channels && a.plain == b.plain,
                "add of [", a.height, ", ", a.width, ", ", a.channels, "] and [", b.height, ", ", b.width,
                ", ", b.channels, "]");
  }
};

}  // namespace

Plan lower(const Graph& graph, const LowerOptions& options) { return Lowering(graph, options).run(); }

}  // namespace gradring
