#include "../direct.h"

#include "direct_windows.h"
#include "strips.h"
#include "table.h"

namespace gradring::GRADRING_ISA {
namespace {

// Side by side: as many as their sums leave room for in the registers. direct.cc reckons with 14.
constexpr int imagesAtOnce = width == 16 ? 14 : 12;

// Images lie as [pixel][block of channels][image][16].
constexpr int64_t blockFloats = imagesAtOnce * blockSize;

template <class T>
void pack(const Images& shape, const T* from, int64_t first, int64_t count, float* to) {
  const int64_t pixelFloats = shape.channels * imagesAtOnce;
  for (int64_t i = 0; i < count; i++) {
    for (int64_t c = 0; c < shape.channels; c += width) {
      const T* image = from + offsetOf(shape, first + i, c, 0);
      float* target = to + c / blockSize * blockFloats + i * blockSize + c % blockSize;
      for (int64_t pixel = 0; pixel < shape.pixels(); pixel++) {
        store(target + pixel * pixelFloats, load(image + pixel * blockSize, Full{}), Full{});
      }
    }
  }
}

// A pixel that goes into a sum, and by which place of the kernel.
struct Source {
  int64_t pixel, tap;
};

struct Sources {
  int64_t count = 0;
  Source list[7 * 7];

  void add(int64_t pixel, int64_t tap) { list[count++] = {pixel, tap}; }
};

// body(output pixel, what it sees)
template <class Body>
void forOutputs(const DirectShape& shape, const Body& body) {
  const Axis rows = rowsOf(shape), columns = columnsOf(shape);
  for (int64_t pixel = 0; pixel < shape.out.pixels(); pixel++) {
    const int64_t row = pixel / shape.out.width, column = pixel % shape.out.width;
    const Span down = rows.cells(row), across = columns.cells(column);
    Sources sources;
    for (int64_t i = down.begin; i < down.end; i++) {
      for (int64_t j = across.begin; j < across.end; j++) {
        const int64_t tap = (i - rows.start(row)) * shape.kernelWidth + j - columns.start(column);
        sources.add(i * shape.in.width + j, tap);
      }
    }
    body(pixel, sources);
  }
}

// body(input pixel, the output pixels that see it)
template <class Body>
void forInputs(const DirectShape& shape, const Body& body) {
  const Axis rows = rowsOf(shape), columns = columnsOf(shape);
  forCells(rows, columns, [&](int64_t row, int64_t column, Span down, Span across) {
    Sources sources;
    for (int64_t i = down.begin; i < down.end; i++) {
      for (int64_t j = across.begin; j < across.end; j++) {
        const int64_t tap = (row - rows.start(i)) * shape.kernelWidth + column - columns.start(j);
        sources.add(i * shape.out.width + j, tap);
      }
    }
    body(row * shape.in.width + column, sources);
  });
}

// One pixel and one vector of channels of all images: Σ over sources and channels. The filter's places of the
// kernel follow each other as [channels][16].
template <class T>
void sumSources(const Sources& sources, const float* packed, int64_t channels, const float* filter, Vec bias,
                T* to, int64_t imageStride, int64_t images) {
  Vec sums[imagesAtOnce];
#pragma GCC unroll 14
  for (int i = 0; i < imagesAtOnce; i++) sums[i] = bias;
  for (int64_t s = 0; s < sources.count; s++) {
    const float* from = packed + sources.list[s].pixel * channels * imagesAtOnce;
    const float* weights = filter + sources.list[s].tap * channels * blockSize;
    for (int64_t block = 0; block < channels; block += blockSize, from += blockFloats) {
      for (int64_t c = 0; c < blockSize; c++, weights += blockSize) {
        const Vec weight = load(weights, Full{});
#pragma GCC unroll 14
        for (int i = 0; i < imagesAtOnce; i++) sums[i] += weight * splat(from[i * blockSize + c]);
      }
    }
  }
#pragma GCC unroll 14
  for (int i = 0; i < imagesAtOnce; i++) {
    if (i < images) store(to + i * imageStride, sums[i], Full{});
  }
}

// `forTargets` is forOutputs or forInputs.
template <class T, class ForTargets>
void convolve(const DirectConvolve& call, const Images& from, const Images& to, Range range,
              const ForTargets& forTargets) {
  const int64_t filterFloats = tapsOf(call.shape) * from.channels * blockSize;
  for (int64_t first = range.begin; first < range.end; first += imagesAtOnce) {
    const int64_t count = smaller(imagesAtOnce, range.end - first);
    pack(from, static_cast<const T*>(call.from), first, count, call.scratch);
    for (int64_t c = 0; c < to.channels; c += width) {
      const float* filter = call.filter + c / blockSize * filterFloats + c % blockSize;
      const Vec bias = call.bias ? load(call.bias + c, Full{}) : Vec{};
      forTargets(call.shape, [&](int64_t pixel, const Sources& sources) {
        T* target = static_cast<T*>(call.to) + offsetOf(to, first, c, pixel);
        sumSources(sources, call.scratch, from.channels, filter, bias, target, to.elements(), count);
      });
    }
  }
}

// The gradient of one place of the kernel, `rows` input channels by one vector of output channels, over all
// pixels that it joins. x and dy point at their channels in the packed images.
template <int rows>
void addTap(const DirectShape& shape, int64_t tap, const float* x, const float* dy, int64_t images,
            float* dFilter) {
  const int64_t inFloats = shape.in.channels * imagesAtOnce, outFloats = shape.out.channels * imagesAtOnce;
  Vec sums[rows];
#pragma GCC unroll 16
  for (int c = 0; c < rows; c++) sums[c] = load(dFilter + c * shape.out.channels, Full{});
  forPairs(shape, tap, [&](int64_t in, int64_t out) {
    const float *from = x + in * inFloats, *gradients = dy + out * outFloats;
    for (int64_t image = 0; image < images; image++, from += blockSize, gradients += blockSize) {
      const Vec gradient = load(gradients, Full{});
#pragma GCC unroll 16
      for (int c = 0; c < rows; c++) sums[c] += gradient * splat(from[c]);
    }
  });
#pragma GCC unroll 16
  for (int c = 0; c < rows; c++) store(dFilter + c * shape.out.channels, sums[c], Full{});
}

template <class T>
void addGradients(const DirectGradient& call, int64_t first, int64_t count) {
  constexpr int rows = width == 16 ? 16 : 8;
  const DirectShape& shape = call.shape;
  float *x = call.scratch, *dy = x + shape.in.elements() * imagesAtOnce;
  pack(shape.in, static_cast<const T*>(call.x), first, count, x);
  pack(shape.out, static_cast<const T*>(call.dy), first, count, dy);
  for (int64_t tap = 0; tap < tapsOf(shape); tap++) {
    for (int64_t out = 0; out < shape.out.channels; out += width) {
      const float* gradients = dy + out / blockSize * blockFloats + out % blockSize;
      for (int64_t in = 0; in < shape.in.channels; in += rows) {
        const float* inputs = x + in / blockSize * blockFloats + in % blockSize;
        float* target = call.dFilter + (tap * shape.in.channels + in) * shape.out.channels + out;
        addTap<rows>(shape, tap, inputs, gradients, count, target);
      }
    }
  }
}

void forward(const DirectConvolve& call, Range range) {
  withType(call.shape.in.type, [&](auto type) {
    convolve<decltype(type)>(call, call.shape.in, call.shape.out, range,
                             [](const DirectShape& shape, const auto& body) { forOutputs(shape, body); });
  });
}

void backwardData(const DirectConvolve& call, Range range) {
  withType(call.shape.in.type, [&](auto type) {
    convolve<decltype(type)>(call, call.shape.out, call.shape.in, range,
                             [](const DirectShape& shape, const auto& body) { forInputs(shape, body); });
  });
}

void backwardFilter(const DirectGradient& call, Range range) {
  const int64_t floats = tapsOf(call.shape) * call.shape.in.channels * call.shape.out.channels;
  for (int64_t i = 0; i < floats; i++) call.dFilter[i] = 0;
#if defined(__AVX512BF16__)
  if (call.shape.in.type == Type::bf16) {
    addGradientsOfPairs(call, range);
    return;
  }
#endif
  withType(call.shape.in.type, [&](auto type) {
    for (int64_t first = range.begin; first < range.end; first += imagesAtOnce) {
      addGradients<decltype(type)>(call, first, smaller(imagesAtOnce, range.end - first));
    }
  });
}

// [block of targets][place of the kernel][channel of sources][16 targets]
void packFilter(const DirectShape& shape, const float* filter, bool backward, float* packed) {
  const int64_t ins = shape.in.channels, outs = shape.out.channels;
  const int64_t targets = backward ? ins : outs, sources = backward ? outs : ins;
  for (int64_t block = 0; block < targets; block += blockSize) {
    for (int64_t tap = 0; tap < tapsOf(shape); tap++) {
      for (int64_t source = 0; source < sources; source++, packed += blockSize) {
        const float* from = filter + tap * ins * outs;
        for (int64_t lane = 0; lane < blockSize; lane++) {
          packed[lane] = backward ? from[(block + lane) * outs + source] : from[source * outs + block + lane];
        }
      }
    }
  }
}

}  // namespace

DirectKernels directKernels() { return {packFilter, forward, backwardData, backwardFilter}; }

}  // namespace gradring::GRADRING_ISA
