// Small language to write graphs in, for the test and the benchmark of native/program.
#pragma once
#include "../../native/program/program.h"

namespace gradring::models {

enum class Padding { same, valid };

class Builder {
 public:
  Builder(int64_t height, int64_t width, int64_t channels) : graph{height, width, channels, {}, 0, 0, {}} {
    add({NodeKind::input, {}, {}, {}}, {height, width, channels});
  }

  int convolution(int in, int64_t out, int64_t kernel, int64_t stride = 1, bool bias = true,
                  Padding padding = Padding::same, int64_t dilation = 1) {
    const Shape from = shapes[in];
    const auto [top, bottom, height] = side(from.height, kernel, stride, padding, dilation);
    const auto [left, right, width] = side(from.width, kernel, stride, padding, dilation);
    const int filter = weight({kernel, kernel, from.channels, out});
    const int biases = bias ? weight({out}) : -1;
    std::vector<double> attributes;
    for (int64_t value :
         {kernel, kernel, stride, stride, top, bottom, left, right, dilation, dilation, int64_t(1), out})
      attributes.push_back(static_cast<double>(value));
    return add({NodeKind::conv2d, {in}, attributes, {filter, biases}}, {height, width, out});
  }

  int batchNorm(int in, bool affine = true) {
    const Shape shape = shapes[in];
    const std::vector<int64_t> each{shape.channels};
    const int gamma = affine ? weight(each) : -1, beta = affine ? weight(each) : -1;
    const int mean = weight(each, false), variance = weight(each, false);
    return add({NodeKind::batchNorm, {in}, {1e-3, 0.9}, {gamma, beta, mean, variance}}, shape);
  }

  int activation(int in, double slope = 0, double offset = 0) {
    return add({NodeKind::activation, {in}, {slope, offset}, {}}, shapes[in]);
  }

  int sum(std::vector<int> in) {
    const Shape shape = shapes[in[0]];
    return add({NodeKind::add, std::move(in), {}, {}}, shape);
  }

  int pool(NodeKind kind, int in, int64_t kernel, int64_t stride, Padding padding = Padding::same) {
    const Shape from = shapes[in];
    const auto [top, bottom, height] = side(from.height, kernel, stride, padding, 1);
    const auto [left, right, width] = side(from.width, kernel, stride, padding, 1);
    std::vector<double> attributes;
    for (int64_t value : {kernel, kernel, stride, stride, top, bottom, left, right})
      attributes.push_back(static_cast<double>(value));
    return add({kind, {in}, attributes, {}}, {height, width, from.channels});
  }

  int globalAveragePool(int in) {
    return add({NodeKind::globalAveragePool, {in}, {}, {}}, {1, 1, shapes[in].channels});
  }

  int flatten(int in) {
    const Shape s = shapes[in];
    return add({NodeKind::flatten, {in}, {}, {}}, {1, 1, s.height * s.width * s.channels});
  }

  int dense(int in, int64_t units, bool bias = true) {
    const int kernel = weight({shapes[in].channels, units});
    const int biases = bias ? weight({units}) : -1;
    return add({NodeKind::dense, {in}, {static_cast<double>(units)}, {kernel, biases}}, {1, 1, units});
  }

  // The residual block of src/models/resnet.ts.
  int block(int in, int64_t out, int64_t kernel, int64_t stride, double slope = 0, double offset = 0) {
    const int first = activation(batchNorm(convolution(in, out, kernel)), slope, offset);
    const int second = batchNorm(convolution(first, out, kernel, stride));
    int shortcut = in;
    if (stride != 1) shortcut = pool(NodeKind::averagePool, shortcut, 2, 2);
    if (shapes[in].channels != out) shortcut = convolution(shortcut, out, 1);
    return activation(sum({second, shortcut}), slope, offset);
  }

  Graph finish(int output) {
    graph.output = output;
    return graph;
  }

  Graph graph;
  std::vector<std::vector<int64_t>> weightShapes;

 private:
  struct Shape {
    int64_t height, width, channels;
  };
  struct Side {
    int64_t before, after, size;
  };

  static Side side(int64_t size, int64_t kernel, int64_t stride, Padding padding, int64_t dilation) {
    const int64_t span = (kernel - 1) * dilation + 1;
    if (padding == Padding::valid) return {0, 0, (size - span) / stride + 1};
    const int64_t out = (size + stride - 1) / stride;
    const int64_t total = std::max<int64_t>(0, (out - 1) * stride + span - size);
    return {total / 2, total - total / 2, out};
  }

  int weight(std::vector<int64_t> shape, bool trainable = true) {
    weightShapes.push_back(std::move(shape));
    graph.trainable.push_back(trainable);
    return graph.weightCount++;
  }

  int add(Node node, Shape shape) {
    graph.nodes.push_back(std::move(node));
    shapes.push_back(shape);
    return static_cast<int>(graph.nodes.size()) - 1;
  }

  std::vector<Shape> shapes;
};

inline Builder resnet(std::vector<int64_t> filters = {16, 32, 64, 128, 256}, int64_t size = 28,
                      double slope = 0, double offset = 0) {
  Builder b(size, size, 1);
  int x = b.block(0, filters[0], 5, 1, slope, offset);
  for (size_t i = 1; i < filters.size(); i++) x = b.block(x, filters[i], 3, 2, slope, offset);
  b.finish(b.batchNorm(b.dense(b.globalAveragePool(x), 10, false)));
  return b;
}

// Start values of all weights: random filters, positive variances.
inline std::vector<at::Tensor> weightsOf(const Builder& b) {
  std::vector<at::Tensor> weights;
  for (const auto& shape : b.weightShapes) {
    const int64_t fan = shape.size() > 1 ? c10::multiply_integers(shape) / shape.back() : 8;
    weights.push_back(at::randn(shape) * std::sqrt(2.0 / static_cast<double>(fan)));
  }
  for (const Node& node : b.graph.nodes) {
    if (node.kind != NodeKind::batchNorm) continue;
    if (node.weights[0] >= 0) weights[node.weights[0]].add_(1);
    weights[node.weights[3]].abs_().add_(0.5);
  }
  return weights;
}

}  // namespace gradring::models
