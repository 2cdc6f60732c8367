// Which way each direction of a convolution goes. The rules follow measurements on get_model3 (test/native/
// program_bench.cc), on processors with AVX-512 and, in bf16, with AMX.
#include "convolution.h"

namespace gradring {

namespace {

#if GRADRING_ONEDNN
bool hasTiles() { return dnnl::get_effective_cpu_isa() >= dnnl::cpu_isa::avx512_core_amx; }
#else
bool hasTiles() { return false; }
#endif

enum class Direction { forward, backwardData, backwardFilter };

class Rules {
 public:
  explicit Rules(const ConvolutionShape& shape)
      : shape_(shape),
        isBf16_(shape.x.type == Type::bf16),
        strided_(shape.window.strideH > 1),
        point_(shape.window.kernelH == 1 && shape.window.kernelW == 1) {}

  // Winograd saves multiplications. In bf16 the direct way has twice the multipliers, and the transforms cost as much:
  // it pays with many channels or large kernels. AMX has eight times the multipliers.
  bool winograd(Direction direction) const {
    if (!canWinograd(shape_)) return false;
    if (!isBf16_) return true;
    const int64_t least = direction == Direction::backwardFilter ? 32 : 64;
    return !hasTiles() && (shape_.window.kernelH == 5 || shape_.x.channels >= least);
  }

  // Where a strided image ends in a few pixels, much of the work is in the padding, and oneDNN's own kernels are slow.
  bool gemm(Direction direction) const {
    const Window& w = shape_.window;
    if (w.dilationH > 1 || w.dilationW > 1 || shape_.z.pixels() > 16) return false;
    if (isBf16_ && hasTiles() && direction == Direction::backwardFilter) return strided_ || point_;
    return strided_ && shape_.x.channels >= (direction == Direction::forward ? 256 : 128);
  }

 private:
  const ConvolutionShape& shape_;
  const bool isBf16_, strided_, point_;
};

std::shared_ptr<Convolution> makeGeneral(const ConvolutionShape& shape, const Run& run) {
#if GRADRING_ONEDNN
  if (run.options().usesOnednn()) return makeOnednnConvolution(shape, run.onednn());
#else
  (void)run;
#endif
  return makeAtenConvolution(shape);
}

}  // namespace

Convolutions chooseConvolutions(const ConvolutionShape& shape, const Run& run) {
  if (!run.options().usesKernels()) {
    const std::shared_ptr<Convolution> aten = makeAtenConvolution(shape);
    return {aten, aten, aten};
  }
  const Rules rules(shape);
  std::shared_ptr<Convolution> winograd, gemm, general;
  auto choose = [&](Direction direction) {
    if (rules.winograd(direction)) {
      if (!winograd) winograd = makeWinogradConvolution(shape, run.options().threads);
      return winograd;
    }
    if (run.options().usesOnednn() && rules.gemm(direction)) {
      if (!gemm) gemm = makeGemmConvolution(shape);
      return gemm;
    }
    if (!general) general = makeGeneral(shape, run);
    return general;
  };
  return {choose(Direction::forward), choose(Direction::backwardData), choose(Direction::backwardFilter)};
}

}  // namespace gradring
