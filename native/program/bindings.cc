// Programs for JavaScript. Frames, in order (see call.h for how tensors and lists lie in them):
//
//   programCreate    height │ width │ channels │ wants the input's gradient │ trainable, a list of 0 and 1 by weight slot │
//                    output node │ count of nodes │ each node: kind │ inputs, a list │ attributes, a list │ weights, a list
//                    → program
//   programForward   program │ training │ x │ every weight in slot order
//                    → run │ output, a tensor whose contents last until the run is released
//   programBackward  program │ run │ dy │ for every slot the tensor that takes its gradient, or an absent one
//                    → the input's gradient, where it was asked for at creation
//   programRelease   program │ run
//   programDestroy   program
//   programBytes     program → bytes held for activations
//
// Kinds and their attributes are in graph.h, kinds counted from 0. Device, bf16 and threads are the
// environment's at creation. A program that is destroyed takes its runs with it.
#include <map>
#include "../ops/ops.h"
#include "program.h"

namespace gradring {

namespace {

struct Entry {
  explicit Entry(const Graph& graph, const ProgramOptions& options) : program(graph, options) {}

  Run* run(int64_t id) const {
    const auto found = runs.find(id);
    TORCH_CHECK(found != runs.end(), "no run ", id, ": it was released");
    return found->second;
  }

  Program program;
  std::map<int64_t, Run*> runs;
  int64_t nextRun = 0;
};

// Those of one environment.
struct Programs {
  Entry& at(int64_t id) {
    const auto found = entries.find(id);
    TORCH_CHECK(found != entries.end(), "no program ", id, ": it was destroyed");
    return *found->second;
  }

  std::map<int64_t, std::unique_ptr<Entry>> entries;
  int64_t next = 0;
};

Programs& programsOf(Call& call) { return call.environment().attach<Programs>(); }

std::vector<int> readInts(Call& call) {
  const Ints values = call.integers();
  return {values.begin(), values.end()};
}

Node readNode(Call& call) {
  Node node;
  const int64_t kind = call.integer();
  TORCH_CHECK(kind >= 0 && kind <= static_cast<int64_t>(NodeKind::flatten), "no node of kind ", kind);
  node.kind = static_cast<NodeKind>(kind);
  node.inputs = readInts(call);
  node.attributes = call.numbers();
  node.weights = readInts(call);
  return node;
}

void programCreate(Call& call) {
  Graph graph{};
  graph.height = call.integer();
  graph.width = call.integer();
  graph.channels = call.integer();
  ProgramOptions options;
  options.inputGradient = call.flag();
  for (int64_t trainable : call.integers()) graph.trainable.push_back(trainable != 0);
  graph.weightCount = static_cast<int>(graph.trainable.size());
  graph.output = static_cast<int>(call.integer());
  const int64_t count = call.integer();
  for (int64_t i = 0; i < count; i++) graph.nodes.push_back(readNode(call));
  const Environment& environment = call.environment();
  options.device = environment.device();
  options.bf16 = environment.bf16();
  options.threads = environment.threads();
  Programs& programs = programsOf(call);
  programs.entries[programs.next] = std::make_unique<Entry>(graph, options);
  call.giveNumber(static_cast<double>(programs.next++));
}

void programForward(Call& call) {
  Entry& entry = programsOf(call).at(call.integer());
  const bool training = call.flag();
  const at::Tensor x = call.tensor();
  std::vector<at::Tensor> weights;
  for (int slot = 0; slot < entry.program.weightCount(); slot++) weights.push_back(call.tensor());
  Run* run = entry.program.forward(x, weights, training);
  entry.runs[entry.nextRun] = run;
  call.giveNumber(static_cast<double>(entry.nextRun++));
  call.give(run->output());
}

void programBackward(Call& call) {
  Entry& entry = programsOf(call).at(call.integer());
  Run* run = entry.run(call.integer());
  const at::Tensor dy = call.tensor();
  std::vector<at::Tensor> gradients;
  for (int slot = 0; slot < entry.program.weightCount(); slot++)
    gradients.push_back(call.optionalTensor().value_or(at::Tensor()));
  const at::Tensor dx = entry.program.backward(run, dy, gradients, nullptr);
  if (dx.defined()) call.give(dx.clone());
}

void programRelease(Call& call) {
  Entry& entry = programsOf(call).at(call.integer());
  const int64_t id = call.integer();
  entry.program.release(entry.run(id));
  entry.runs.erase(id);
}

void programDestroy(Call& call) { programsOf(call).entries.erase(call.integer()); }

void programBytes(Call& call) {
  call.giveNumber(static_cast<double>(programsOf(call).at(call.integer()).program.bytes()));
}

}  // namespace

void registerProgram(Registry& registry) {
  registry.add("programCreate", programCreate);
  registry.add("programForward", programForward);
  registry.add("programBackward", programBackward);
  registry.add("programRelease", programRelease);
  registry.add("programDestroy", programDestroy);
  registry.add("programBytes", programBytes);
}

}  // namespace gradring
