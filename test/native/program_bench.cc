// A training step of get_model3 without loss and optimizer: img/s and where the time goes.
// Usage: program_bench BATCH THREADS [bf16] [aten]. Built and run by test/native/run.mjs program_bench.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <map>
#include <string>
#include "program_models.h"

using namespace gradring;

namespace {

const char* nameOf(StageKind kind) {
  const char* names[] = {"convolution",       "dense",  "join", "averagePool", "maxPool",
                         "globalAveragePool", "convert"};
  return names[static_cast<int>(kind)];
}

void printProfile(const Run& run, const std::vector<StepTime>& times) {
  std::map<std::string, std::pair<double, double>> kinds;
  const Plan& plan = run.plan();
  for (size_t index = 0; index < plan.stages.size(); index++) {
    const Stage& stage = plan.stages[index];
    const Value &in = plan.values[stage.terms[0].value], &out = plan.values[stage.output];
    const StepTime time = times[index];
    const double flop = 2e-6 * static_cast<double>(run.batch() * out.height * out.width * out.channels *
                                                   in.channels * stage.window.kernelH * stage.window.kernelW);
    std::printf("%-18s %3ld→%-3ld %ldx%ld s%ld @%-2ld  forward %6.2f ms  backward %6.2f ms",
                nameOf(stage.kind), long(in.channels), long(out.channels), long(stage.window.kernelH),
                long(stage.window.kernelW), long(stage.window.strideH), long(in.height), time.forward,
                time.backward);
    if (stage.kind == StageKind::convolution)
      std::printf("  %4.0f/%4.0f GF/s", flop / time.forward, 2 * flop / time.backward);
    std::printf("\n");
    auto& kind = kinds[stage.stem ? "stem" : nameOf(stage.kind)];
    kind.first += time.forward;
    kind.second += time.backward;
  }
  for (const auto& [kind, time] : kinds)
    std::printf("all %-18s forward %6.2f ms  backward %6.2f ms\n", kind.c_str(), time.first, time.second);
}

}  // namespace

int main(int count, char** arguments) {
  c10::InferenceMode guard;
  const int64_t batch = count > 1 ? std::atoi(arguments[1]) : 128;
  ProgramOptions options;
  options.threads = count > 2 ? std::atoi(arguments[2]) : 1;
  for (int i = 3; i < count; i++) {
    options.bf16 = options.bf16 || !std::strcmp(arguments[i], "bf16");
    options.forceAten = options.forceAten || !std::strcmp(arguments[i], "aten");
  }
  at::set_num_threads(options.threads);
  models::Builder model = models::resnet();
  const auto weights = models::weightsOf(model);
  std::vector<at::Tensor> gradients;
  for (const at::Tensor& weight : weights) gradients.push_back(at::empty_like(weight));
  const at::Tensor x = at::randn({batch, 28, 28, 1}), dy = at::randn({batch, 10});
  Program program(model.graph, options);
  std::vector<double> times;
  std::vector<StepTime> best;
  Run* run = nullptr;
  for (int step = 0; step < 12; step++) {
    const auto begin = std::chrono::steady_clock::now();
    run = program.forward(x, weights, true);
    program.backward(run, dy, gradients, nullptr);
    program.release(run);
    best.resize(run->times().size(), {1e9, 1e9});
    for (size_t i = 0; i < best.size(); i++) {
      best[i].forward = std::min(best[i].forward, run->times()[i].forward);
      best[i].backward = std::min(best[i].backward, run->times()[i].backward);
    }
    times.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
  }
  printProfile(*run, best);
  double sum = 0;
  for (const StepTime& time : best) sum += time.forward + time.backward;
  std::printf("sum of the best: %.1f ms (%.0f img/s)\n", sum, batch / sum * 1e3);
  std::sort(times.begin(), times.end());
  std::printf("batch %ld, %d threads%s: best %.1f ms (%.0f img/s), median %.1f ms; %.0f MB of activations\n",
              long(batch), options.threads, options.bf16 ? ", bf16" : "", times[0], batch / times[0] * 1e3,
              times[times.size() / 2], double(program.bytes()) / 1e6);
}
