// A join by the hand-written loops: see plan.h for what it is.
#include "norm.h"

namespace gradring {

namespace {

class Join : public Step {
 public:
  Join(const Stage& stage, Run& run)
      : stage_(stage),
        shape_(run.images(stage.output)),
        parts_(run.options().threads),
        ones_(shape_.channels, 1.f),
        zeros_(shape_.channels, 0.f) {
    for (const Term& term : stage.terms) {
      norms_.push_back(term.norm ? std::make_unique<Norm>(run, term) : nullptr);
      if (!term.norm || run.plan().readers(term.value) != 1) continue;
      run.setNormOf(term.value, norms_.back().get());
      norms_.back()->folded = run.plan().isFromStem(term.value);
    }
    for (auto* each : {&sum_, &products_[0], &products_[1]}) each->resize(parts_ * shape_.channels);
  }

  void planForward(Planner& planner) override {
    for (const Term& term : stage_.terms) planner.useValue(term.value);
    planner.useValue(stage_.output);
    if (stage_.pooled >= 0) planner.useValue(stage_.pooled);
  }

  void planBackward(Planner& planner, const Run& run) override {
    reads_ = {planner.hasGradient(stage_.output), stage_.pooled >= 0 && planner.hasGradient(stage_.pooled)};
    planner.gradientBuffer(stage_.output);
    if (reads_.pooled) planner.useGradient(stage_.pooled);
    for (const Term& term : stage_.terms) planner.useValue(term.value);
    // g lies where dy was. One term may have that buffer as its own gradient: first who needs it unchanged.
    bool taken = false;
    for (bool unchanged : {true, false}) {
      for (size_t index = 0; index < stage_.terms.size(); index++) {
        const Term& term = stage_.terms[index];
        const bool asItIs = !norms_[index] || norms_[index]->folded;
        if (asItIs != unchanged || !run.plan().values[term.value].needsGradient) continue;
        if (!taken && planner.takeOver(term.value, stage_.output)) {
          taken = true;
          sinks_[index].value = term.value;
          isG_[index] = true;
        } else {
          sinks_[index] = planSink(planner, run, term.value);
        }
      }
    }
  }

  void forward(Run& run) override {
    for (size_t index = 0; index < norms_.size(); index++) prepare(run, index);
    const NormTerm first = termOf(run, 0, true);
    const NormTerm second = norms_.size() > 1 ? termOf(run, 1, false) : NormTerm();
    NormApply apply{shape_, first, second};
    apply.slope = static_cast<float>(stage_.slope);
    apply.offset = static_cast<float>(stage_.offset);
    apply.y = run.value(stage_.output).data_ptr();
    apply.pooled = stage_.pooled < 0 ? nullptr : run.value(stage_.pooled).data_ptr();
    inParts(run.batch(), parts_, [&](int64_t, Range range) { kernels().norm.apply(apply, range); });
  }

  void backward(Run& run) override {
    reduce(run);
    for (size_t index = 0; index < norms_.size(); index++) {
      const Term& term = stage_.terms[index];
      if (norms_[index]) norms_[index]->backward(run, sum_.data(), products_[index].data());
      if (!norms_[index]) writeBiasGradient(run, term.bias);
    }
    apply(run);
  }

 private:
  // Statistics, and from them scale and shift.
  void prepare(Run& run, size_t index) {
    Norm* norm = norms_[index].get();
    if (!norm) return;
    if (!run.training()) return norm->fromMoving(run);
    if (!norm->summed) {
      const void* x = run.value(stage_.terms[index].value).data_ptr();
      inParts(run.batch(), parts_, [&](int64_t part, Range range) {
        kernels().norm.stats({shape_, x, norm->pivot(run), norm->sum.data() + part * shape_.channels,
                              norm->square.data() + part * shape_.channels},
                             range);
      });
    }
    norm->fromBatch(run);
  }

  NormTerm termOf(const Run& run, size_t index, bool needsScale) const {
    const Term& term = stage_.terms[index];
    const void* x = run.value(term.value).data_ptr();
    if (norms_[index]) return {x, norms_[index]->scale.data(), norms_[index]->shift.data()};
    if (term.bias < 0) return needsScale ? NormTerm{x, ones_.data(), zeros_.data()} : NormTerm{x};
    return {x, ones_.data(), run.weightData(term.bias)};
  }

  void reduce(Run& run) {
    NormBackwardReduce pass;
    pass.shape = shape_;
    pass.first = termOf(run, 0, true);
    if (norms_.size() > 1) pass.second = termOf(run, 1, false);
    pass.firstMean = norms_[0] ? norms_[0]->mean.data() : zeros_.data();
    pass.secondMean = norms_.size() > 1 && norms_[1] ? norms_[1]->mean.data() : zeros_.data();
    pass.slope = static_cast<float>(stage_.slope);
    pass.g = run.gradient(stage_.output).data_ptr();
    pass.dy = reads_.dy ? pass.g : nullptr;
    pass.dyPooled = reads_.pooled ? run.gradient(stage_.pooled).data_ptr() : nullptr;
    inParts(run.batch(), parts_, [&](int64_t part, Range range) {
      NormBackwardReduce own = pass;
      const int64_t offset = part * shape_.channels;
      own.sum = sum_.data() + offset;
      own.firstProduct = norms_[0] ? products_[0].data() + offset : nullptr;
      own.secondProduct = norms_.size() > 1 && norms_[1] ? products_[1].data() + offset : nullptr;
      kernels().norm.backwardReduce(own, range);
    });
  }

  void writeBiasGradient(const Run& run, int slot) const {
    float* gradient = run.weightGradientData(slot);
    if (!gradient) return;
    for (int64_t c = 0; c < shape_.channels; c++) {
      double total = 0;
      for (int part = 0; part < parts_; part++) total += sum_[part * shape_.channels + c];
      gradient[c] = static_cast<float>(total);
    }
    run.done(slot);
  }

  // From g to the gradients of the terms.
  void apply(Run& run) {
    const at::Tensor& g = run.gradient(stage_.output);
    NormBackwardApply pass;
    pass.shape = shape_;
    pass.g = g.data_ptr();
    NormGradient* next = &pass.first;
    for (size_t index = 0; index < norms_.size(); index++) {
      const Norm* norm = norms_[index].get();
      if (!sinks_[index].wanted()) continue;
      if (!norm || norm->folded) {
        if (!isG_[index]) sinks_[index].target(run).copy_(g);
        continue;
      }
      *next = {run.value(stage_.terms[index].value).data_ptr(), norm->p.data(), norm->q.data(),
               norm->r.data(), sinks_[index].target(run).data_ptr()};
      next = &pass.second;
    }
    if (pass.first.x)
      inParts(run.batch(), parts_, [&](int64_t, Range range) { kernels().norm.backwardApply(pass, range); });
    for (const Sink& sink : sinks_) sink.finish(run);
  }

  struct Reads {
    bool dy, pooled;
  };
  const Stage& stage_;
  const Images shape_;
  const int parts_;
  const std::vector<float> ones_, zeros_;
  std::vector<std::unique_ptr<Norm>> norms_;  // by term; null: none
  Reads reads_{};
  Sink sinks_[2];
  bool isG_[2] = {};                       // the gradient of the term is g's own buffer
  std::vector<double> sum_, products_[2];  // Σg, Σg·(x − mean): by part and channel
};

}  // namespace

std::unique_ptr<Step> makeJoin(const Stage& stage, Run& run) { return std::make_unique<Join>(stage, run); }

}  // namespace gradring
