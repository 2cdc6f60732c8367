// Programs as JavaScript sees them, by number. In the order of the frame:
//
//   programCreate    height, width, channels of the input; number of nodes; for each node its kind, list of inputs, list
//                    of attributes, list of weight slots (graph.h); the output node; list of trainable (0, 1) by weight
//                    slot; whether the gradient of the input is wanted → program
//   programForward   x; program, training, list of the weights' handles → y, run
//   programBackward  dy; program, run → the gradient of each trainable weight, in slot order, then of x if wanted
//   programRelease   program, run
//   programDestroy   program
#include <map>
#include <memory>
#include "../ops/ops.h"
#include "program.h"

namespace gradring {
namespace {

// A program, its runs by number, and where the gradients of each go.
struct Held {
  explicit Held(const Graph& graph, const ProgramOptions& options)
      : program(graph, options), trainable(graph.trainable), inputGradient(options.inputGradient) {}

  struct OpenRun {
    Run* run;
    std::vector<at::Tensor> weights;
    std::vector<int64_t> inputShape;
  };

  Program program;
  const std::vector<bool> trainable;
  const bool inputGradient;
  std::map<int64_t, OpenRun> runs;
  int64_t nextRun = 0;
};

// All programs of an environment.
struct Programs {
  std::map<int64_t, std::unique_ptr<Held>> held;
  int64_t next = 0;
};

Held& heldOf(Call& call) {
  const int64_t id = call.integer();
  auto& programs = call.environment().attach<Programs>().held;
  const auto found = programs.find(id);
  TORCH_CHECK(found != programs.end(), "there is no program ", id);
  return *found->second;
}

Held::OpenRun& openRun(Held& held, int64_t id) {
  const auto found = held.runs.find(id);
  TORCH_CHECK(found != held.runs.end(), "there is no run ", id, " (its activations were released)");
  return found->second;
}

std::vector<int> indices(Call& call) {
  std::vector<int> values(static_cast<size_t>(call.integer()));
  for (int& value : values) value = static_cast<int>(call.integer());
  return values;
}

Graph readGraph(Call& call) {
  Graph graph;
  graph.height = call.integer();
  graph.width = call.integer();
  graph.channels = call.integer();
  graph.nodes.resize(static_cast<size_t>(call.integer()));
  for (Node& node : graph.nodes) {
    node.kind = static_cast<NodeKind>(call.integer());
    node.inputs = indices(call);
    node.attributes = call.numbers();
    node.weights = indices(call);
  }
  graph.output = static_cast<int>(call.integer());
  for (const int trainable : indices(call)) graph.trainable.push_back(trainable != 0);
  graph.weightCount = static_cast<int>(graph.trainable.size());
  return graph;
}

void programCreate(Call& call) {
  const Graph graph = readGraph(call);
  const auto& environment = call.environment();
  ProgramOptions options;
  options.device = environment.device();
  options.bf16 = environment.bf16();
  options.threads = environment.threads();
  options.replay = environment.cudaGraph();
  options.inputGradient = call.flag();
  auto& programs = call.environment().attach<Programs>();
  programs.held.emplace(programs.next, std::make_unique<Held>(graph, options));
  call.giveNumber(static_cast<double>(programs.next++));
}

void programForward(Call& call) {
  const at::Tensor x = call.tensor();
  Held& held = heldOf(call);
  const bool training = call.flag();
  std::vector<at::Tensor> weights;
  for (const int64_t handle : call.integers()) weights.push_back(call.environment().tensor(handle));
  Run* run = held.program.forward(x, weights, training);
  held.runs.emplace(held.nextRun, Held::OpenRun{run, std::move(weights), x.sizes().vec()});
  // The run's own output serves its next forward pass.
  call.give(run->output().clone());
  call.giveNumber(static_cast<double>(held.nextRun++));
}

void programBackward(Call& call) {
  const at::Tensor dy = call.tensor();
  Held& held = heldOf(call);
  const auto& [run, weights, inputShape] = openRun(held, call.integer());
  std::vector<at::Tensor> gradients(weights.size());
  for (size_t slot = 0; slot < weights.size(); slot++)
    if (held.trainable[slot]) gradients[slot] = at::empty_like(weights[slot]);
  const at::Tensor dx = held.program.backward(run, dy, gradients, [](int) {});
  for (at::Tensor& gradient : gradients)
    if (gradient.defined()) call.give(std::move(gradient));
  if (held.inputGradient) call.give(dx.clone().view(inputShape));
}

void programRelease(Call& call) {
  Held& held = heldOf(call);
  const int64_t id = call.integer();
  held.program.release(openRun(held, id).run);
  held.runs.erase(id);
}

void programDestroy(Call& call) { call.environment().attach<Programs>().held.erase(call.integer()); }

}  // namespace

void registerProgram(Registry& registry) {
  registry.add("programCreate", programCreate);
  registry.add("programForward", programForward);
  registry.add("programBackward", programBackward);
  registry.add("programRelease", programRelease);
  registry.add("programDestroy", programDestroy);
}

}  // namespace gradring
