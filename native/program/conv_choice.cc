// Which way each direction of a convolution goes. The rules follow measurements on get_model3 (test/native/
// program_bench.cc) on processors with AVX-512; those for AMX follow a prototype's.
#include <string>
#include "convolution.h"

namespace gradring {

namespace {

// Products of bf16 pairs in the hand-written loops.
bool hasPairs() { return kernels().name == std::string("v4bf16"); }

enum class Direction { forward, backwardData, backwardFilter };

class Rules {
 public:
  Rules(const ConvolutionShape& shape, bool onednn)
      : shape_(shape),
        onednn_(onednn),
        isBf16_(shape.x.type == Type::bf16),
        strided_(shape.window.strideH > 1),
        point_(shape.window.kernelH == 1 && shape.window.kernelW == 1) {}

  // Winograd saves multiplications; only AMX has so many multipliers that the transforms cost more.
  bool winograd() const { return canWinograd(shape_) && !(isBf16_ && onednn_ && onednnHasTiles()); }

  // What oneDNN does worst: the gradient of strided filters in bf16, and small strided images with many
  // channels.
  bool direct(Direction direction) const {
    if (!canDirect(shape_) || !strided_ || (isBf16_ && onednnHasTiles()) || shape_.x.channels >= 256)
      return false;
    if (isBf16_) return direction == Direction::backwardFilter && hasPairs();
    return direction != Direction::forward && shape_.x.channels >= 128;
  }

  // Where a strided image ends in a few pixels, much of the work is in the padding.
  bool gemm(Direction direction) const {
    const Window& w = shape_.window;
    if (!onednn_ || w.dilationH > 1 || w.dilationW > 1 || shape_.z.pixels() > 16) return false;
    if (isBf16_ && onednnHasTiles() && direction == Direction::backwardFilter) return strided_ || point_;
    return strided_ && shape_.x.channels >= 256;
  }

 private:
  const ConvolutionShape& shape_;
  const bool onednn_, isBf16_, strided_, point_;
};

std::shared_ptr<Convolution> makeGeneral(const ConvolutionShape& shape, const Run& run) {
#if GRADRING_ONEDNN
  if (run.options().usesOnednn()) return makeOnednnConvolution(shape, run.onednn());
#endif
  if (canDirect(shape)) return makeDirectConvolution(shape, run.options().threads);
  return makeAtenConvolution(shape);
}

}  // namespace

Convolutions chooseConvolutions(const ConvolutionShape& shape, const Run& run) {
  if (!run.options().usesKernels()) {
    const std::shared_ptr<Convolution> aten = makeAtenConvolution(shape);
    return {aten, aten, aten};
  }
  const Rules rules(shape, run.options().usesOnednn());
  std::shared_ptr<Convolution> winograd, direct, gemm, general;
  auto choose = [&](Direction direction) {
    if (rules.winograd()) {
      if (!winograd) winograd = makeWinogradConvolution(shape, run.options().threads);
      return winograd;
    }
    if (rules.direct(direction)) {
      if (!direct) direct = makeDirectConvolution(shape, run.options().threads);
      return direct;
    }
    if (rules.gemm(direction)) {
      if (!gemm) gemm = makeGemmConvolution(shape);
      return gemm;
    }
    if (!general) general = makeGeneral(shape, run);
    return general;
  };
  return {choose(Direction::forward), choose(Direction::backwardData), choose(Direction::backwardFilter)};
}

}  // namespace gradring
