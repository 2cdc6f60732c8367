// How fast each CPU loop is at the shapes of get_model3, batch 128, one thread: best of some runs, ms and
// GB/s (all bytes read and written once) or GFLOP/s. Built and run by test/native/run.mjs kernels_bench.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <vector>

#include "../../native/kernels/kernels.h"

namespace {

using namespace gradring;

constexpr int64_t images = 128;

double bestSeconds(const std::function<void()>& run) {
  double best = 1e9;
  for (int i = 0; i < 15; i++) {
    const auto start = std::chrono::steady_clock::now();
    run();
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

void report(const Images& shape, const char* what, double work, const char* unit,
            const std::function<void()>& run) {
  const double seconds = bestSeconds(run);
  std::printf("%s %3ldx%-3ld %3ld ch  %-28s %7.3f ms %7.1f %s\n", shape.type == Type::f32 ? "f32 " : "bf16",
              shape.height, shape.width, shape.channels, what, seconds * 1e3, work / seconds / 1e9, unit);
}

// Small: what is summed up again and again over the runs must stay a number.
std::vector<float> memory(int64_t count) { return std::vector<float>(count, 1e-3f); }

void benchNorm(const Images& shape) {
  const int64_t count = images * shape.elements(), channels = shape.channels;
  auto x = memory(count), other = memory(count), y = memory(count), pooled = memory(count),
       coefficients = memory(channels);
  std::vector<double> sums(channels), squares(channels), products(channels);
  const NormTerm first{x.data(), coefficients.data(), coefficients.data()};
  const NormTerm second{other.data(), coefficients.data(), coefficients.data()};
  const float* c = coefficients.data();
  const auto bytes = [&](double streams) {
    return streams * static_cast<double>(count) * (shape.type == Type::f32 ? 4 : 2);
  };
  const Range all{0, images};
  const NormKernels& norm = kernels().norm;
  report(shape, "norm stats", bytes(1), "GB/s",
         [&] { norm.stats({shape, x.data(), c, sums.data(), squares.data()}, all); });
  const auto apply = [&](const NormTerm& term, void* pool) {
    return [&, pool] { norm.apply({shape, first, term, 0, 0, y.data(), pool}, all); };
  };
  report(shape, "norm apply", bytes(2), "GB/s", apply({}, nullptr));
  report(shape, "norm apply, two terms", bytes(3), "GB/s", apply(second, nullptr));
  report(shape, "norm apply, two terms, pool", bytes(3.25), "GB/s", apply(second, pooled.data()));
  NormBackwardReduce reduce{
      shape, first, {}, c, c, 0, y.data(), nullptr, nullptr, y.data(), sums.data(), products.data(), nullptr};
  report(shape, "norm reduce", bytes(3), "GB/s", [&] { norm.backwardReduce(reduce, all); });
  reduce.second = second;
  reduce.secondProduct = squares.data();
  report(shape, "norm reduce, two terms", bytes(4), "GB/s", [&] { norm.backwardReduce(reduce, all); });
  reduce.dyPooled = pooled.data();
  report(shape, "norm reduce, two terms, pool", bytes(4.25), "GB/s",
         [&] { norm.backwardReduce(reduce, all); });
  const NormGradient gradient{x.data(), c, c, c, y.data()},
      otherGradient{other.data(), c, c, c, other.data()};
  report(shape, "norm backward apply", bytes(3), "GB/s",
         [&] { norm.backwardApply({shape, y.data(), gradient, {}}, all); });
  report(shape, "norm backward apply, two", bytes(5), "GB/s",
         [&] { norm.backwardApply({shape, y.data(), gradient, otherGradient}, all); });
}

void benchStem(const Images& out) {
  const StemShape shape{28, 28, 1, 5, 5, 1, 2, 2, out};
  auto x = memory(images * 784), filter = memory(25 * 16), z = memory(images * out.elements()), g = z,
       scratch = memory(stemScratch(shape));
  std::vector<double> sums(16), squares(16);
  const float* c = filter.data();
  const double work = 2.0 * images * 784 * 25 * 16;
  report(out, "stem forward", work, "GFLOP/s", [&] {
    kernels().stem.forward(
        {shape, x.data(), c, nullptr, z.data(), c, sums.data(), squares.data(), scratch.data()}, {0, images});
  });
  report(out, "stem backward filter", work, "GFLOP/s", [&] {
    kernels().stem.backwardFilter(
        {shape, x.data(), g.data(), z.data(), c, c, c, filter.data(), scratch.data()}, {0, images});
  });
}

void benchLayout(const Images& shape) {
  const int64_t count = images * shape.elements();
  auto x = memory(count), y = memory(count);
  const double bytes = static_cast<double>(count) * (shape.type == Type::f32 ? 4 : 2);
  Images nhwc = shape;
  nhwc.layout = Layout::nhwc;
  report(shape, "convert from NHWC", 2 * bytes, "GB/s", [&] {
    kernels().layout.convert({nhwc, Layout::blocked, shape.type, x.data(), y.data()}, {0, images});
  });
}

// GFLOP/s as if computed directly, without padding.
void benchConvolution(const Images& in, int64_t outs, int64_t kernel, int64_t stride) {
  Images out = in;
  out.channels = outs;
  out.height = (in.height + stride - 1) / stride;
  out.width = (in.width + stride - 1) / stride;
  const int64_t pad = ((out.height - 1) * stride + kernel - in.height) / 2;
  const DirectShape direct{in, out, kernel, kernel, stride, stride, pad, pad};
  const WinogradShape winograd{in, out, kernel, pad, pad}, back = winogradBackward(winograd);
  const double work = 2.0 * images * static_cast<double>(out.pixels() * directFilterFloats(direct));
  auto x = memory(images * in.elements()), y = memory(images * out.elements());
  auto filter = memory(winogradFilterFloats(winograd)), scratch = memory(directScratch(direct));
  scratch.resize(std::max(directScratch(direct), winogradScratch(winograd)));
  float *u = filter.data(), *own = scratch.data();
  const Range all{0, images};
  const bool strided = stride > 1;
  report(in, strided ? "direct s2 forward" : "winograd forward", work, "GFLOP/s", [&] {
    if (strided) return kernels().direct.forward({direct, x.data(), u, nullptr, y.data(), own}, all);
    kernels().winograd.convolve({winograd, x.data(), u, nullptr, y.data(), own}, all);
  });
  report(in, strided ? "direct s2 by data" : "winograd by data", work, "GFLOP/s", [&] {
    if (strided) return kernels().direct.backwardData({direct, y.data(), u, nullptr, x.data(), own}, all);
    kernels().winograd.convolve({back, y.data(), u, nullptr, x.data(), own}, all);
  });
  report(in, strided ? "direct s2 by filter" : "winograd by filter", work, "GFLOP/s", [&] {
    if (strided) return kernels().direct.backwardFilter({direct, x.data(), y.data(), u, own}, all);
    kernels().winograd.backwardFilter({winograd, x.data(), y.data(), u, own}, all);
  });
}

void benchConvolutions(Type type) {
  const auto images = [&](int64_t size, int64_t channels) {
    return Images{size, size, channels, Layout::blocked, type};
  };
  benchConvolution(images(28, 16), 16, 5, 1);
  for (const int64_t level : {0, 1, 2, 3}) {
    const int64_t size = (27 >> level) + 1, channels = 16 << level;
    benchConvolution(images(size, channels), 2 * channels, 3, 1);
    benchConvolution(images(size, 2 * channels), 2 * channels, 3, 2);
  }
}

void benchFlat() {
  constexpr int64_t count = 1'200'000;
  auto a = memory(count), b = memory(count), c = memory(count), d = memory(count);
  const Images none{1, 1, count, Layout::nhwc, Type::f32};
  float* buffers[] = {a.data(), b.data()};
  report(none, "adam", 28.0 * count, "GB/s", [&] {
    kernels().flat.adam({a.data(), b.data(), c.data(), d.data(), 1e-3, 0.01, 0.9, 0.999, 1e-8, true, 10},
                        {0, count});
  });
  report(none, "sum of 2 replicas", 16.0 * count, "GB/s",
         [&] { kernels().flat.sumChunk(buffers, 2, 0, {0, count}); });
}

}  // namespace

int main() {
  std::printf("table %s\n", kernels().name);
  for (const Type type : {Type::f32, Type::bf16}) {
    benchStem({28, 28, 16, Layout::blocked, type});
    benchConvolutions(type);
    for (const int64_t level : {0, 1, 2, 3})
      benchNorm({(27 >> level) + 1, (27 >> level) + 1, 16 << level, Layout::blocked, type});
    benchNorm({14, 14, 64, Layout::nhwc, type});
    benchLayout({4, 4, 256, Layout::blocked, type});
    benchLayout({14, 14, 64, Layout::blocked, type});
  }
  benchFlat();
  return 0;
}
