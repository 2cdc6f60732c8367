#include "run.h"

namespace gradring {

int64_t Planner::valueBytes(int value) const {
  return run_.batch() * run_.images(value).elements() *
         static_cast<int64_t>(c10::elementSize(run_.type(value)));
}

void Planner::useValue(int value) {
  if (run_.plan().values[value].isInput) return;
  int& buffer = run_.valueBuffers_[value];
  if (buffer < 0) buffer = run_.memory_.add(valueBytes(value));
  useScratch(buffer);
}

void Planner::useGradient(int value) { useScratch(run_.gradientBuffers_[value]); }

int Planner::gradientBuffer(int value) {
  int& buffer = run_.gradientBuffers_[value];
  if (buffer < 0) buffer = run_.memory_.add(valueBytes(value));
  useScratch(buffer);
  return buffer;
}

int Planner::scratch(int64_t bytes) {
  const int buffer = run_.memory_.add(bytes);
  useScratch(buffer);
  return buffer;
}

int Planner::contribute(int value) {
  if (hasGradient(value)) {
    useGradient(value);
    return scratch(valueBytes(value));
  }
  gradientBuffer(value);
  return -1;
}

bool Planner::takeOver(int value, int gradientOf) {
  if (hasGradient(value)) return false;
  run_.gradientBuffers_[value] = run_.gradientBuffers_[gradientOf];
  useGradient(value);
  return true;
}

Sink planSink(Planner& planner, const Run& run, int value) {
  if (!run.plan().values[value].needsGradient) return {};
  return {value, planner.contribute(value)};
}

at::Tensor Sink::target(const Run& run) const {
  const at::Tensor& gradient = run.gradient(value);
  return scratch < 0 ? gradient : run.scratch(scratch, gradient.sizes(), gradient.scalar_type());
}

void Sink::finish(const Run& run) const {
  if (scratch >= 0) run.gradient(value).add_(target(run));
}

}  // namespace gradring
