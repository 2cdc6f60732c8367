// The convolutions of a training step alone, each in the fastest way that oneDNN 2 has for it: what a step could reach
// if everything else took no time. Threads as OMP_NUM_THREADS says.
//
// Usage: convolutions fp32|bf16 BATCH SECONDS INPUTS,OUTPUTS,KERNEL,STRIDE,SIDE …   ('same' padding, square images)
// Prints the milliseconds of a step: forward, by the data (not for a single input channel) and by the weights. Every
// way is tried until SECONDS are over, in turns; the fastest try counts.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <unordered_map>
#include <vector>

#include <dnnl.hpp>

namespace {

using dnnl::memory;
using Tag = memory::format_tag;
using Arguments = std::unordered_map<int, memory>;

struct Layer {
  int inputs, outputs, kernel, stride, side;
};

struct Way {
  dnnl::algorithm algorithm;
  Tag layout;
};

const Way kWays[] = {
    {dnnl::algorithm::convolution_direct, Tag::nChw16c},
    {dnnl::algorithm::convolution_winograd, Tag::nChw16c},
    {dnnl::algorithm::convolution_direct, Tag::nhwc},
};

double seconds() {
  using Clock = std::chrono::steady_clock;
  return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
}

class Machine {
 public:
  // One direction of one convolution in one way, ready to run.
  struct Task {
    dnnl::primitive primitive;
    Arguments arguments;
  };

  Machine(memory::data_type type, int batch) : type_(type), batch_(batch) {}

  // Throws dnnl::error where oneDNN has no such way.
  Task forward(const Layer& layer, const Way& way) {
    const auto descriptor = forwardOf(layer, way);
    return {dnnl::convolution_forward(descriptor),
            {{DNNL_ARG_SRC, make(descriptor.src_desc())},
             {DNNL_ARG_WEIGHTS, make(descriptor.weights_desc())},
             {DNNL_ARG_BIAS, make(descriptor.bias_desc())},
             {DNNL_ARG_DST, make(descriptor.dst_desc())}}};
  }

  Task byData(const Layer& layer, const Way& way) {
    const Shapes shapes(*this, layer, way);
    const dnnl::convolution_backward_data::primitive_desc descriptor(
        {way.algorithm, shapes.x, shapes.filter, shapes.y, shapes.strides, shapes.before, shapes.after}, engine_,
        forwardOf(layer, way));
    return {dnnl::convolution_backward_data(descriptor),
            {{DNNL_ARG_DIFF_SRC, make(descriptor.diff_src_desc())},
             {DNNL_ARG_WEIGHTS, make(descriptor.weights_desc())},
             {DNNL_ARG_DIFF_DST, make(descriptor.diff_dst_desc())}}};
  }

  Task byWeights(const Layer& layer, const Way& way) {
    const Shapes shapes(*this, layer, way);
    const dnnl::convolution_backward_weights::primitive_desc descriptor(
        {way.algorithm, shapes.x, shapes.gradient, shapes.y, shapes.strides, shapes.before, shapes.after}, engine_,
        forwardOf(layer, way));
    return {dnnl::convolution_backward_weights(descriptor),
            {{DNNL_ARG_SRC, make(descriptor.src_desc())},
             {DNNL_ARG_DIFF_WEIGHTS, make(descriptor.diff_weights_desc())},
             {DNNL_ARG_DIFF_DST, make(descriptor.diff_dst_desc())}}};
  }

  double run(const Task& task) {
    const double start = seconds();
    task.primitive.execute(stream_, task.arguments);
    stream_.wait();
    return seconds() - start;
  }

 private:
  struct Shapes {
    Shapes(const Machine& machine, const Layer& layer, const Way& way) {
      const int side = (layer.side + layer.stride - 1) / layer.stride;
      const int padding = std::max(0, (side - 1) * layer.stride + layer.kernel - layer.side);
      const Tag layout = layer.inputs == 1 ? Tag::nhwc : way.layout;
      const memory::dims filterDims{layer.outputs, layer.inputs, layer.kernel, layer.kernel};
      x = {{machine.batch_, layer.inputs, layer.side, layer.side}, machine.type_, layout};
      y = {{machine.batch_, layer.outputs, side, side}, machine.type_, way.layout};
      filter = {filterDims, machine.type_, Tag::any};
      gradient = {filterDims, memory::data_type::f32, Tag::any};
      bias = {{layer.outputs}, memory::data_type::f32, Tag::x};
      strides = {layer.stride, layer.stride};
      before = {padding / 2, padding / 2};
      after = {padding - padding / 2, padding - padding / 2};
    }
    memory::desc x, y, filter, gradient, bias;
    memory::dims strides, before, after;
  };

  dnnl::convolution_forward::primitive_desc forwardOf(const Layer& layer, const Way& way) {
    const Shapes s(*this, layer, way);
    return {{dnnl::prop_kind::forward_training, way.algorithm, s.x, s.filter, s.bias, s.y, s.strides, s.before, s.after},
            engine_};
  }

  // Zeros, so that no value is ever slow.
  memory make(const memory::desc& desc) {
    memory made(desc, engine_);
    std::memset(made.get_data_handle(), 0, desc.get_size());
    return made;
  }

  memory::data_type type_;
  int batch_;
  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
};

// The fastest of all ways and tries.
template <typename Make>
double best(Machine& machine, const Layer& layer, double budget, Make make) {
  std::vector<Machine::Task> tasks;
  for (const Way& way : kWays) {
    try {
      tasks.push_back((machine.*make)(layer, way));
    } catch (const dnnl::error&) {
      // Winograd is for float32 and stride 1, blocks are for 16 channels and more.
    }
  }
  double fastest = 1e9;
  const double start = seconds();
  for (int tries = 0; tries < 3 || seconds() - start < budget; tries++) {
    for (const Machine::Task& task : tasks) fastest = std::min(fastest, machine.run(task));
  }
  return fastest;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 5) return std::fputs("usage: convolutions fp32|bf16 BATCH SECONDS LAYER ...\n", stderr), 2;
  const bool isBf16 = std::string(arguments[1]) == "bf16";
  Machine machine(isBf16 ? memory::data_type::bf16 : memory::data_type::f32, std::atoi(arguments[2]));
  const double budget = std::atof(arguments[3]) / (3 * (count - 4));
  double total = 0;
  for (int i = 4; i < count; i++) {
    Layer layer{};
    if (std::sscanf(arguments[i], "%d,%d,%d,%d,%d", &layer.inputs, &layer.outputs, &layer.kernel, &layer.stride,
                    &layer.side) != 5) {
      return std::fprintf(stderr, "not a layer: %s\n", arguments[i]), 2;
    }
    total += best(machine, layer, budget, &Machine::forward);
    if (layer.inputs > 1) total += best(machine, layer, budget, &Machine::byData);
    total += best(machine, layer, budget, &Machine::byWeights);
  }
  std::printf("%.3f\n", 1000 * total);
}
