// native/program against ATen in float64 with autograd: outputs, gradients, moving averages.
// Built and run by test/native/run.mjs.
#include <torch/csrc/autograd/autograd.h>
#include <cstdio>
#include <string>
#include "program_models.h"

using namespace gradring;
using namespace gradring::models;

namespace {

struct Reference {
  at::Tensor y, dx;
  std::vector<at::Tensor> gradients;  // by slot
  std::vector<at::Tensor> weights;    // after: moving averages have moved
};

// All in NCHW and float64.
class Interpreter {
 public:
  Interpreter(const Graph& graph, const std::vector<at::Tensor>& weights, bool training)
      : graph_(graph), training_(training) {
    for (size_t slot = 0; slot < weights.size(); slot++)
      weights_.push_back(weights[slot].to(at::kDouble).set_requires_grad(graph.trainable[slot]));
  }

  Reference run(const at::Tensor& x, const at::Tensor& dyNhwc) {
    const at::Tensor input = x.to(at::kDouble).set_requires_grad(true);
    std::vector<at::Tensor> values;
    for (const Node& node : graph_.nodes)
      values.push_back(node.kind == NodeKind::input ? input.permute({0, 3, 1, 2}) : compute(node, values));
    at::Tensor y = values[graph_.output];
    if (y.dim() == 4) y = y.permute({0, 2, 3, 1});
    Reference result{y.detach(), {}, std::vector<at::Tensor>(weights_.size()), weights_};
    if (!training_) return result;
    std::vector<at::Tensor> inputs{input};
    std::vector<int> slots;
    for (size_t slot = 0; slot < weights_.size(); slot++) {
      if (!graph_.trainable[slot]) continue;
      inputs.push_back(weights_[slot]);
      slots.push_back(static_cast<int>(slot));
    }
    auto all = torch::autograd::grad({y}, inputs, {dyNhwc.to(at::kDouble).view(y.sizes())}, {}, false, true);
    result.dx = all[0];
    for (size_t i = 0; i < slots.size(); i++)
      result.gradients[slots[i]] = all[i + 1].defined() ? all[i + 1] : at::zeros_like(weights_[slots[i]]);
    return result;
  }

 private:
  at::Tensor padded(const Node& node, const at::Tensor& x, double value) const {
    auto a = [&](int i) { return static_cast<int64_t>(node.attributes[i]); };
    return at::constant_pad_nd(x, {a(6), a(7), a(4), a(5)}, value);
  }

  at::Tensor compute(const Node& node, const std::vector<at::Tensor>& values) {
    const at::Tensor& x = values[node.inputs[0]];
    auto a = [&](int i) { return static_cast<int64_t>(node.attributes[i]); };
    switch (node.kind) {
      case NodeKind::conv2d: {
        at::Tensor bias = node.weights[1] < 0 ? at::Tensor() : weights_[node.weights[1]];
        return at::convolution(padded(node, x, 0), weights_[node.weights[0]].permute({3, 2, 0, 1}), bias,
                               {a(2), a(3)}, {0, 0}, {a(8), a(9)}, false, {0, 0}, 1);
      }
      case NodeKind::dense: {
        at::Tensor y = x.reshape({x.size(0), -1}).mm(weights_[node.weights[0]]);
        return node.weights[1] < 0 ? y : y + weights_[node.weights[1]];
      }
      case NodeKind::batchNorm:
        return batchNorm(node, x);
      case NodeKind::activation:
        return at::where(x > 0, x, x * node.attributes[0]) + node.attributes[1];
      case NodeKind::add: {
        at::Tensor total = x;
        for (size_t i = 1; i < node.inputs.size(); i++) total = total + values[node.inputs[i]];
        return total;
      }
      case NodeKind::averagePool: {
        at::Tensor share = at::avg_pool2d(padded(node, at::ones_like(x), 0), {a(0), a(1)}, {a(2), a(3)});
        return at::avg_pool2d(padded(node, x, 0), {a(0), a(1)}, {a(2), a(3)}) / share;
      }
      case NodeKind::maxPool:
        return at::max_pool2d(padded(node, x, -1e300), {a(0), a(1)}, {a(2), a(3)});
      case NodeKind::globalAveragePool:
        return x.mean({2, 3});
      case NodeKind::flatten:
        return x.permute({0, 2, 3, 1}).reshape({x.size(0), -1});
      default:
        return x;
    }
  }

  at::Tensor batchNorm(const Node& node, const at::Tensor& x) {
    const std::vector<int64_t> axes = x.dim() == 4 ? std::vector<int64_t>{0, 2, 3} : std::vector<int64_t>{0};
    const std::vector<int64_t> shape =
        x.dim() == 4 ? std::vector<int64_t>{1, -1, 1, 1} : std::vector<int64_t>{1, -1};
    at::Tensor &movingMean = weights_[node.weights[2]], &movingVariance = weights_[node.weights[3]];
    at::Tensor mean = movingMean, variance = movingVariance;
    if (training_) {
      mean = x.mean(axes);
      variance = (x - mean.view(shape)).pow(2).mean(axes);
      const double momentum = node.attributes[1];
      movingMean = movingMean * momentum + mean.detach() * (1 - momentum);
      movingVariance = movingVariance * momentum + variance.detach() * (1 - momentum);
    }
    at::Tensor y = (x - mean.view(shape)) * (variance.view(shape) + node.attributes[0]).rsqrt();
    if (node.weights[0] >= 0) y = y * weights_[node.weights[0]].view(shape);
    if (node.weights[1] >= 0) y = y + weights_[node.weights[1]].view(shape);
    return y;
  }

  const Graph& graph_;
  const bool training_;
  std::vector<at::Tensor> weights_;
};

// Of the whole run of this program.
int failures = 0;

double distance(const at::Tensor& a, const at::Tensor& b) {
  // Some gradients are zero but for rounding: of a bias whose effect a norm takes away.
  const double norm = std::max(b.norm().item<double>(), 1e-1);
  return (a.to(at::kDouble) - b).norm().item<double>() / norm;
}

void expect(const std::string& what, double error, double most) {
  const bool bad = !(error <= most);
  if (bad) failures++;
  if (bad) std::printf("not ok   %s: %.2e > %.0e\n", what.c_str(), error, most);
}

void check(const std::string& name, Builder& b, int64_t batch, ProgramOptions options, double tolerance) {
  at::manual_seed(7);
  const Graph& graph = b.graph;
  const at::Tensor x = at::randn({batch, graph.height, graph.width, graph.channels});
  const std::vector<at::Tensor> start = weightsOf(b);
  std::vector<at::Tensor> weights, gradients;
  for (size_t slot = 0; slot < start.size(); slot++) {
    weights.push_back(start[slot].clone());
    gradients.push_back(graph.trainable[slot] ? at::full_like(start[slot], NAN) : at::Tensor());
  }
  double worst = 0;
  auto compare = [&](const std::string& what, const at::Tensor& a, const at::Tensor& r) {
    const double error = distance(a, r);
    worst = std::max(worst, error);
    expect(name + " " + what, error, tolerance);
  };
  Program program(graph, options);
  {
    c10::InferenceMode guard;
    Run* idle = program.forward(x, weights, false);
    at::Tensor y = idle->output().clone();
    program.release(idle);
    c10::InferenceMode off(false);
    compare("inference", y.view(-1), Interpreter(graph, start, false).run(x, y).y.reshape(-1));
  }
  // Twice, with a run in between that is not released: the memory of a run must not matter.
  for (int round = 0; round < 2; round++) {
    for (size_t slot = 0; slot < start.size(); slot++) weights[slot].copy_(start[slot]);
    const at::Tensor dy = at::randn_like(program.forward(x, weights, true)->output());
    for (size_t slot = 0; slot < start.size(); slot++) weights[slot].copy_(start[slot]);
    Run* run = program.forward(x, weights, true);
    const at::Tensor y = run->output().clone();
    std::vector<int> order;
    at::Tensor dx = program.backward(run, dy, gradients, [&](int slot) { order.push_back(slot); });
    Reference reference = Interpreter(graph, start, true).run(x, dy);
    compare("output", y.view(-1), reference.y.reshape(-1));
    if (options.inputGradient) compare("dx", dx, reference.dx);
    int wanted = 0;
    for (size_t slot = 0; slot < start.size(); slot++) {
      const std::string label = "weight " + std::to_string(slot);
      if (graph.trainable[slot]) {
        wanted++;
        compare(label + " gradient", gradients[slot], reference.gradients[slot]);
      } else {
        compare(label + " moved", weights[slot], reference.weights[slot]);
      }
    }
    expect(name + " every gradient reported once", std::abs(wanted - static_cast<int>(order.size())), 0);
    program.release(run);
  }
  std::printf("ok       %-42s N=%-3ld worst %.1e\n", name.c_str(), static_cast<long>(batch), worst);
}

void checkAll(const std::string& name, Builder b, double tolerance = 1e-4, bool bf16 = true) {
  for (int64_t batch : {1, 5, 16}) {
    if (batch == 1 && name.find("vector norm") != std::string::npos) continue;
    for (bool forceAten : {false, true}) {
      for (bool inputGradient : {false, true}) {
        ProgramOptions options;
        options.forceAten = forceAten;
        options.inputGradient = inputGradient;
        const std::string full = name + (forceAten ? ", ATen" : "") + (inputGradient ? ", dx" : "");
        check(full, b, batch, options, tolerance);
        if (batch != 16 || !bf16) continue;
        options.bf16 = true;
        check(full + ", bf16", b, batch, options, 0.2);
      }
    }
  }
}

}  // namespace

// Deep networks on few images: rounding turns single activations round at 0, and with them their gradient.
// With a slope near 1 that hardly matters, and the tolerance is that of the others.
constexpr double flips = 3e-2;

int main() {
  using K = NodeKind;
  {
    Builder b(1, 1, 20);
    int x = b.activation(b.dense(0, 32));
    b.finish(b.dense(b.activation(b.dense(x, 16), 0.1, -0.4), 10));
    checkAll("mlp", b);
  }
  {
    Builder b(1, 1, 12);
    b.finish(b.dense(0, 5, false));
    checkAll("dense only", b);
  }
  {
    Builder b(6, 6, 3);
    b.finish(b.dense(b.flatten(0), 5));
    checkAll("flatten and dense", b);
  }
  {
    Builder b(14, 14, 1);
    int x = b.pool(K::maxPool, b.activation(b.convolution(0, 16, 3)), 2, 2, Padding::valid);
    x = b.pool(K::maxPool, b.activation(b.convolution(x, 32, 3, 1, true, Padding::valid)), 3, 2);
    b.finish(b.dense(b.flatten(x), 10));
    checkAll("cnn with max pools", b, 1e-3);
  }
  {
    Builder b(9, 9, 3);
    int x = b.activation(b.batchNorm(b.convolution(0, 16, 5, 2), false));
    x = b.activation(b.convolution(x, 20, 3), 0.1, -0.4);
    b.finish(b.globalAveragePool(b.pool(K::averagePool, x, 3, 2)));
    checkAll("odd sizes, 20 channels", b);
  }
  {
    Builder b(8, 8, 16);
    int left = b.batchNorm(b.convolution(0, 32, 3, 2)),
        right = b.batchNorm(b.convolution(0, 32, 1, 2, false));
    b.finish(b.globalAveragePool(b.activation(b.sum({left, right}), 0.1, -0.4)));
    checkAll("sum of two norms", b);
  }
  {
    Builder b(7, 7, 16);
    int x = b.activation(b.batchNorm(b.convolution(0, 16, 3)));
    int y = b.activation(b.batchNorm(b.convolution(x, 16, 3)));
    int z = b.sum({x, y, b.convolution(y, 16, 3, 1, false, Padding::same, 2)});
    b.finish(b.batchNorm(z));
    checkAll("identity shortcuts, sum of three", b, 1e-3);
  }
  {
    Builder b(7, 5, 2);
    int z = b.convolution(0, 16, 3);
    int x = b.sum({b.batchNorm(z), b.activation(z)});
    b.finish(b.sum({x, x}));
    checkAll("convolution read twice", b);
  }
  {
    Builder b(8, 8, 1);
    int x = b.activation(b.batchNorm(b.convolution(0, 16, 3)));
    b.convolution(x, 16, 3);  // leads nowhere
    b.finish(b.globalAveragePool(b.pool(K::averagePool, x, 2, 2)));
    checkAll("dead branch, only pooled", b);
  }
  {
    Builder b = resnet({16, 32, 48}, 11, 0.1, -0.4);
    checkAll("small resnet, generalRelu, vector norm", b, flips, false);
  }
  for (double slope : {0.0, 0.9}) {
    Builder b = resnet({16, 32, 64, 128, 256}, 28, slope);
    ProgramOptions options;
    check("get_model3", b, 9, options, slope == 0 ? flips : 1e-3);
    options.threads = 2;
    at::set_num_threads(2);
    check("get_model3, 2 threads", b, 9, options, slope == 0 ? flips : 1e-3);
    at::set_num_threads(1);
  }
  std::printf(failures ? "%d failures\n" : "all passed\n", failures);
  return failures ? 1 : 0;
}
