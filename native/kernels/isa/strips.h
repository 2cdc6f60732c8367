// Walking over images so that one vector of channels stays the same: a strip is one vector wide and some
// pixels long. Both layouts are the same walk with another distance between pixels.
#pragma once
#include "vector.h"

namespace gradring::GRADRING_ISA {

struct Strip {
  int64_t channel;  // the first of the vector
  int64_t offset;   // of its first pixel, in elements from the start of the batch
  int64_t stride;   // from pixel to pixel
  int64_t pixels;
};

// body(channel, lanes) for every vector of `channels` channels: full ones, then what is left.
template <class Body>
inline void forVectors(int64_t channels, const Body& body) {
  int64_t c = 0;
  for (; c + width <= channels; c += width) body(c, Full{});
  if (c < channels) body(c, Part{static_cast<int>(channels - c)});
}

// The vectors of pixels [first, first + count) of image n.
template <class Body>
inline void forPixels(const Images& shape, int64_t n, int64_t first, int64_t count, const Body& body) {
  const int64_t pixels = shape.pixels(), channels = shape.channels;
  if (shape.layout == Layout::nhwc) {
    const int64_t start = (n * pixels + first) * channels;
    forVectors(channels, [&](int64_t c, auto lanes) { body(Strip{c, start + c, channels, count}, lanes); });
    return;
  }
  for (int64_t block = 0; block < channels; block += blockSize) {
    const int64_t start = n * pixels * channels + pixels * block + first * blockSize;
    for (int64_t c = 0; c < blockSize; c += width) {
      body(Strip{block + c, start + c, blockSize, count}, Full{});
    }
  }
}

// All pixels of images [begin, end), in strips short enough that fp32 may sum them up and all vectors of a
// strip's pixels stay in the cache.
template <class Body>
inline void forStrips(const Images& shape, Range range, const Body& body) {
  constexpr int64_t cached = 16384, longest = 256;
  if (shape.layout == Layout::nhwc) {
    // Images follow each other without a gap: one long row of pixels.
    const int64_t step = larger(8, smaller(longest, cached / shape.channels));
    const int64_t end = range.end * shape.pixels();
    const Images row{1, 1, shape.channels, shape.layout, shape.type};
    for (int64_t first = range.begin * shape.pixels(); first < end; first += step) {
      forPixels(row, 0, first, smaller(step, end - first), body);
    }
    return;
  }
  for (int64_t n = range.begin; n < range.end; n++) {
    for (int64_t first = 0; first < shape.pixels(); first += longest) {
      forPixels(shape, n, first, smaller(longest, shape.pixels() - first), body);
    }
  }
}

// Where a vector of channels lies at a pixel of image n, and how far it is to the next pixel.
inline int64_t offsetOf(const Images& shape, int64_t n, int64_t channel, int64_t pixel) {
  const int64_t pixels = shape.pixels();
  if (shape.layout == Layout::nhwc) return (n * pixels + pixel) * shape.channels + channel;
  const int64_t lane = channel % blockSize;
  return (n * shape.channels + channel - lane) * pixels + pixel * blockSize + lane;
}

inline int64_t strideOf(const Images& shape) {
  return shape.layout == Layout::nhwc ? shape.channels : blockSize;
}

// The images that a 2×2 pool of stride 2 makes of these.
inline Images halved(Images shape) {
  shape.height = (shape.height + 1) / 2;
  shape.width = (shape.width + 1) / 2;
  return shape;
}

// body(i, slot) for i in [0, count): slot 0 … 3, so that sums need not wait for each other.
template <class Body>
inline void forSlots(int64_t count, const Body& body) {
  int64_t i = 0;
  for (; i + 4 <= count; i += 4) {
    body(i, 0);
    body(i + 1, 1);
    body(i + 2, 2);
    body(i + 3, 3);
  }
  for (; i < count; i++) body(i, 0);
}

// Four running sums of a vector.
struct Sum {
  Vec parts[4] = {};

  Vec total() const { return (parts[0] + parts[1]) + (parts[2] + parts[3]); }
};

}  // namespace gradring::GRADRING_ISA
