// Filters into the transformed space and their gradients back: [block of out][point][block of in][16 in][16
// out].
#include "../winograd.h"
#include "strips.h"
#include "table.h"
#include "winograd_transforms.h"

namespace gradring::GRADRING_ISA {
namespace {

template <int size>
constexpr FilterMatrix<size> matrix{};

// One vector of output channels of one input channel: w → G·w·Gᵀ.
template <int size>
void transform(const Vec (&w)[size - outputs + 1][size - outputs + 1], float* to, int64_t stride) {
  constexpr int kernel = size - outputs + 1;
  for (int i = 0; i < size; i++) {
    Vec row[kernel] = {};
    for (int k = 0; k < kernel; k++) {
      for (int j = 0; j < kernel; j++) row[j] += static_cast<float>(matrix<size>.at[i][k]) * w[k][j];
    }
    for (int j = 0; j < size; j++) {
      Vec sum = {};
      for (int k = 0; k < kernel; k++) sum += static_cast<float>(matrix<size>.at[j][k]) * row[k];
      store(to + (i * size + j) * stride, sum, Full{});
    }
  }
}

// And back for the gradient: u → Gᵀ·u·G.
template <int size>
void transformBack(const Vec (&u)[size][size], Vec (&w)[size - outputs + 1][size - outputs + 1]) {
  constexpr int kernel = size - outputs + 1;
  for (int k = 0; k < kernel; k++) {
    Vec row[size] = {};
    for (int i = 0; i < size; i++) {
      for (int j = 0; j < size; j++) row[j] += static_cast<float>(matrix<size>.at[i][k]) * u[i][j];
    }
    for (int tap = 0; tap < kernel; tap++) {
      Vec sum = {};
      for (int j = 0; j < size; j++) sum += static_cast<float>(matrix<size>.at[j][tap]) * row[j];
      w[k][tap] = sum;
    }
  }
}

// body(in, out, place) for every input channel and vector of output channels, with its place in the
// transformed filter at the first point.
template <class Body>
void forFilters(const WinogradShape& shape, int64_t points, const Body& body) {
  const int64_t ins = shape.in.channels, outs = shape.out.channels;
  for (int64_t out = 0; out < outs; out += width) {
    for (int64_t in = 0; in < ins; in++) {
      body(in, out, out / blockSize * points * ins * blockSize + in * blockSize + out % blockSize);
    }
  }
}

template <int size>
void transformFilters(const WinogradShape& shape, const float* filter, bool backward, float* transformed) {
  constexpr int kernel = size - outputs + 1, last = kernel - 1;
  const int64_t ins = shape.in.channels, outs = shape.out.channels;
  forFilters(shape, size * size, [&](int64_t in, int64_t out, int64_t place) {
    Vec w[kernel][kernel];
    for (int i = 0; i < kernel; i++) {
      for (int j = 0; j < kernel; j++) {
        if (!backward) {
          w[i][j] = load(filter + ((i * kernel + j) * ins + in) * outs + out, Full{});
          continue;
        }
        const float* turned = filter + (((last - i) * kernel + last - j) * outs + out) * ins + in;
        for (int lane = 0; lane < width; lane++) w[i][j][lane] = turned[lane * ins];
      }
    }
    transform<size>(w, transformed + place, ins * blockSize);
  });
}

template <int size>
void gradients(const WinogradShape& shape, const float* transformed, int64_t parts, float* dFilter) {
  constexpr int kernel = size - outputs + 1;
  const int64_t ins = shape.in.channels, outs = shape.out.channels;
  forFilters(shape, size * size, [&](int64_t in, int64_t out, int64_t place) {
    Vec u[size][size] = {}, w[kernel][kernel];
    for (int64_t part = 0; part < parts; part++) {
      const float* from = transformed + part * size * size * ins * outs + place;
      for (int i = 0; i < size; i++) {
        for (int j = 0; j < size; j++) u[i][j] += load(from + (i * size + j) * ins * blockSize, Full{});
      }
    }
    transformBack<size>(u, w);
    for (int i = 0; i < kernel; i++) {
      for (int j = 0; j < kernel; j++) {
        store(dFilter + ((i * kernel + j) * ins + in) * outs + out, w[i][j], Full{});
      }
    }
  });
}

}  // namespace

void winogradTransformFilter(const WinogradShape& shape, const float* filter, bool backward,
                             float* transformed) {
  if (shape.kernel == 3) {
    transformFilters<6>(shape, filter, backward, transformed);
  } else {
    transformFilters<8>(shape, filter, backward, transformed);
  }
}

void winogradFilterGradient(const WinogradShape& shape, const float* transformed, int64_t parts,
                            float* dFilter) {
  if (shape.kernel == 3) {
    gradients<6>(shape, transformed, parts, dFilter);
  } else {
    gradients<8>(shape, transformed, parts, dFilter);
  }
}

}  // namespace gradring::GRADRING_ISA
