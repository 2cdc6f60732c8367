#include "plan.h"
#include <c10/util/Exception.h>
#include <algorithm>
#include "../kernels/images.h"

namespace gradring {

namespace {

int64_t outSize(int64_t size, int64_t padding, int64_t kernel, int64_t dilation, int64_t stride) {
  const int64_t span = (kernel - 1) * dilation + 1;
  TORCH_CHECK(size + padding >= span, "window of ", span, " on an image of ", size, " cells");
  return (size + padding - span) / stride + 1;
}

}  // namespace

Window windowOf(const Node& node) {
  const auto& a = node.attributes;
  TORCH_CHECK(a.size() >= 8, "a window has 8 attributes, got ", a.size());
  auto at = [&](size_t index) { return static_cast<int64_t>(a[index]); };
  Window window{at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7)};
  if (node.kind == NodeKind::conv2d) {
    TORCH_CHECK(a.size() == 12 && at(10) == 1, "conv2d has 12 attributes and one group");
    window.dilationH = at(8);
    window.dilationW = at(9);
  }
  return window;
}

Value windowed(const Value& from, const Window& w, int64_t channels) {
  return {outSize(from.height, w.padTop + w.padBottom, w.kernelH, w.dilationH, w.strideH),
          outSize(from.width, w.padLeft + w.padRight, w.kernelW, w.dilationW, w.strideW), channels};
}

bool isHalving(const Window& w, const Value& from) {
  return w.kernelH == 2 && w.kernelW == 2 && w.strideH == 2 && w.strideW == 2 && w.padTop == 0 &&
         w.padLeft == 0 && w.padBottom == from.height % 2 && w.padRight == from.width % 2;
}

bool isStem(const Window& w, int64_t inputChannels, int64_t outputChannels) {
  return inputChannels <= 4 && outputChannels % 16 == 0 && w.kernelH % 2 == 1 && w.kernelH <= 7 &&
         w.kernelW % 2 == 1 && w.kernelW <= 7 && w.strideH == w.strideW && w.strideH <= 2 &&
         w.dilationH == 1 && w.dilationW == 1;
}

void settleLayouts(Plan& plan) {
  const auto isBlocked = [&](int index) {
    const Value& value = plan.values[index];
    return !value.plain && !value.channelsLast && value.channels % blockSize == 0;
  };
  bool changed = true;
  while (changed) {
    changed = false;
    for (const Stage& stage : plan.stages) {
      const bool keepsLayout = stage.kind == StageKind::convolution ? !stage.stem
                                                                    : stage.kind == StageKind::join ||
                                                                          stage.kind == StageKind::averagePool ||
                                                                          stage.kind == StageKind::maxPool;
      if (!keepsLayout) continue;
      std::vector<int> values{stage.output};
      if (stage.pooled >= 0) values.push_back(stage.pooled);
      for (const Term& term : stage.terms) values.push_back(term.value);
      if (std::all_of(values.begin(), values.end(), isBlocked)) continue;
      for (const int index : values) {
        if (!isBlocked(index)) continue;
        plan.values[index].channelsLast = true;
        changed = true;
      }
    }
  }
}

int Plan::readers(int value) const {
  int count = value == output ? 1 : 0;
  for (const Stage& stage : stages)
    for (const Term& term : stage.terms) count += term.value == value ? 1 : 0;
  return count;
}

bool Plan::isFromStem(int value) const {
  return std::any_of(stages.begin(), stages.end(),
                     [&](const Stage& stage) { return stage.stem && stage.output == value; });
}

}  // namespace gradring
