// The transforms of F(4, 3) and F(4, 5) in one dimension. Points: 0, ±1, ±2, for F(4, 5) also ±½, and ∞. With
// x the inputs of a tile, w the filter: y = Aᵀ[(G·w) ⊙ (Bᵀ·x)]; for the gradient of the filter dw = Gᵀ[(A·dy)
// ⊙ (Bᵀ·x)].
#pragma once
#include "vector.h"

namespace gradring::GRADRING_ISA {

constexpr int outputs = 4;  // of a tile, along each side

// Bᵀ
inline void transformInput(Vec (&x)[6]) {
  const Vec a = x[4] - 4 * x[2], b = x[3] - 4 * x[1], c = x[4] - x[2], d = 2 * (x[3] - x[1]);
  x[0] = 4 * x[0] - 5 * x[2] + x[4];
  x[5] = 4 * x[1] - 5 * x[3] + x[5];
  x[1] = a + b;
  x[2] = a - b;
  x[3] = c + d;
  x[4] = c - d;
}

inline void transformInput(Vec (&x)[8]) {
  const Vec a = x[2] + x[6] - 4.25f * x[4], b = x[1] + x[5] - 4.25f * x[3];
  const Vec c = 0.25f * x[2] - 1.25f * x[4] + x[6], d = 0.5f * x[1] - 2.5f * x[3] + 2 * x[5];
  const Vec e = 4 * x[2] - 5 * x[4] + x[6], f = 2 * x[1] - 2.5f * x[3] + 0.5f * x[5];
  x[0] = x[0] - x[6] + 5.25f * (x[4] - x[2]);
  x[7] = x[7] - x[1] + 5.25f * (x[3] - x[5]);
  x[1] = a + b;
  x[2] = a - b;
  x[3] = c + d;
  x[4] = c - d;
  x[5] = e + f;
  x[6] = e - f;
}

// Aᵀ
inline void transformOutput(const Vec (&m)[6], Vec (&y)[outputs]) {
  const Vec a = m[1] + m[2], b = m[1] - m[2], c = m[3] + m[4], d = m[3] - m[4];
  y[0] = m[0] + a + c;
  y[1] = b + 2 * d;
  y[2] = a + 4 * c;
  y[3] = b + 8 * d + m[5];
}

inline void transformOutput(const Vec (&m)[8], Vec (&y)[outputs]) {
  const Vec a = m[1] + m[2], b = m[1] - m[2], c = m[3] + m[4], d = m[3] - m[4], e = m[5] + m[6],
            f = m[5] - m[6];
  y[0] = m[0] + a + (c + e);
  y[1] = b + 2 * d + 0.5f * f;
  y[2] = a + 4 * c + 0.25f * e;
  y[3] = b + 8 * d + (0.125f * f + m[7]);
}

// A
inline void transformGradient(const Vec (&y)[outputs], Vec (&z)[6]) {
  const Vec a = y[0] + y[2], b = y[1] + y[3], c = y[0] + 4 * y[2], d = 2 * y[1] + 8 * y[3];
  z[0] = y[0];
  z[1] = a + b;
  z[2] = a - b;
  z[3] = c + d;
  z[4] = c - d;
  z[5] = y[3];
}

inline void transformGradient(const Vec (&y)[outputs], Vec (&z)[8]) {
  const Vec a = y[0] + y[2], b = y[1] + y[3], c = y[0] + 4 * y[2], d = 2 * y[1] + 8 * y[3];
  const Vec e = y[0] + 0.25f * y[2], f = 0.5f * y[1] + 0.125f * y[3];
  z[0] = y[0];
  z[1] = a + b;
  z[2] = a - b;
  z[3] = c + d;
  z[4] = c - d;
  z[5] = e + f;
  z[6] = e - f;
  z[7] = y[3];
}

// G[point][tap]: powers of the points, scaled so that Bᵀ above has the plain numbers it has.
template <int size>
struct FilterMatrix {
  static constexpr int kernel = size - outputs + 1;
  double at[size][kernel] = {};

  constexpr FilterMatrix() {
    const double point[] = {0, 1, -1, 2, -2, 0.5, -0.5};
    const double ofSix[] = {1. / 4, -1. / 6, -1. / 6, 1. / 24, 1. / 24};
    const double ofEight[] = {1, -2. / 9, -2. / 9, 1. / 90, 1. / 90, 32. / 45, 32. / 45};
    for (int i = 0; i < size - 1; i++) {
      double power = size == 6 ? ofSix[i] : ofEight[i];
      for (int tap = 0; tap < kernel; tap++, power *= point[i]) at[i][tap] = power;
    }
    at[size - 1][kernel - 1] = 1;
  }
};

}  // namespace gradring::GRADRING_ISA
