// The graph after fusion: few stages over few stored tensors.
//
// Everything pointwise between two convolutions is one stage, a *join*: y = act(Σ terms), where a term is a
// stored tensor as it is, with a bias, or under a batch norm. The bias of a convolution under a batch norm in
// training only shifts the mean: it is added to the moving mean and nowhere else.
#pragma once
#include <c10/util/Optional.h>
#include <array>
#include "graph.h"

namespace gradring {

struct Value {
  int64_t height, width, channels;
  bool plain =
      false;  // fp32 in NHWC: the input, the output, vectors; others are of the program's type and layout
  bool isInput = false;  // the caller's own tensor
  bool channelsLast = false;  // NHWC where others of as many channels are blocked
  bool needsGradient = false;

  bool isVector() const { return height == 1 && width == 1; }
};

struct NormSpec {
  double epsilon, momentum;
  int gamma, beta, movingMean, movingVariance;  // weight slots
};

struct Term {
  int value;
  int bias = -1;  // weight slot
  c10::optional<NormSpec> norm;
};

// Convolution or pool: the window.
struct Window {
  int64_t kernelH = 1, kernelW = 1, strideH = 1, strideW = 1;
  int64_t padTop = 0, padBottom = 0, padLeft = 0, padRight = 0, dilationH = 1, dilationW = 1;
};

enum class StageKind { convolution, dense, join, averagePool, maxPool, globalAveragePool, convert };

struct Stage {
  StageKind kind;
  std::vector<Term> terms;  // what it reads; one, but for joins of two
  int output;
  int weight = -1;    // filter or dense kernel
  bool stem = false;  // convolution by the hand-written first-layer loop
  Window window;
  double slope = 1, offset = 0;  // join
  int pooled = -1;               // join: the value that takes the 2×2 average pool of the output
};

struct Plan {
  std::vector<Value> values;
  std::vector<Stage> stages;
  int input, output;
  std::vector<bool> trainable;  // by weight slot
  // Weights that get an exact zero as gradient: biases under a batch norm.
  std::vector<int> zeroGradients;

  // How many stages read a value; the caller is one more for the output.
  int readers(int value) const;
  bool isFromStem(int value) const;
};

struct LowerOptions {
  bool inputGradient = false;
  // The input has to become another layout or type before anything but a first-layer convolution reads it.
  bool convertInput = false;
  // There are hand-written convolutions for inputs of few channels.
  bool stem = false;
};

// The window of a convolution's or pool's node.
Window windowOf(const Node& node);
// What comes out of a window over a value.
Value windowed(const Value& from, const Window& window, int64_t channels);
// 2×2 with stride 2 over every pixel, cut off at odd borders.
bool isHalving(const Window& window, const Value& from);
// Whether the hand-written first-layer convolution can do it.
bool isStem(const Window& window, int64_t inputChannels, int64_t outputChannels);

// Makes NHWC whatever meets a tensor that cannot be blocked, through a convolution or side by side in a join: no
// convolution reads one layout and writes the other at any speed. First-layer loops do, and end it.
void settleLayouts(Plan& plan);

// Throws where the graph does not fit together.
Plan lower(const Graph& graph, const LowerOptions& options);

}  // namespace gradring
