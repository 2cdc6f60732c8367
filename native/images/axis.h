// One axis of a reduction: which pixels, with which weights, make each of those that come out.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace gradring::images {

enum class Kernel { kLinear, kCubic, kLanczos3 };

struct AxisPlan {
  Kernel kernel;
  size_t from;    // pixels that there are
  double factor;  // how many times fewer there are to be, 1 or more
  size_t start;   // the first that is wanted of those that come out
  size_t count;   // how many are
  // Positions are summed up over so many pixels at a time, the first of them beginning at `origin`.
  size_t strip;
  ptrdiff_t origin;

  bool operator==(const AxisPlan& other) const;
};

// libvips's arithmetic to the last bit (vips_reduceh, vips_reducev with a gap of 2): a box of whole pixels first, where
// that leaves a factor of two or more; positions in 64ths of a pixel; weights of 12 bits, cut and not rounded.
class Axis {
 public:
  explicit Axis(const AxisPlan& plan);
  Axis(const Axis&) = delete;
  Axis& operator=(const Axis&) = delete;

  const AxisPlan& plan() const { return plan_; }
  // So many pixels at a time are averaged first; the last of them may be fewer, and the edge goes on.
  size_t box() const { return box_; }
  size_t boxed() const { return boxed_; }
  size_t count() const { return plan_.count; }
  // Weights of a pixel that comes out. Up to the next multiple of 8, zeros follow.
  size_t points() const { return points_; }
  // Of each: the boxed pixel that the first weight is for. Before the first and after the last, the edge goes on.
  const ptrdiff_t* firsts() const { return firsts_.data(); }
  // Of each: where its weights are.
  const int16_t* const* weights() const { return places_.data(); }

 private:
  AxisPlan plan_;
  size_t box_ = 1;
  size_t boxed_;
  size_t points_ = 1;
  std::vector<ptrdiff_t> firsts_;
  std::vector<const int16_t*> places_;
  std::vector<int16_t> weights_;
};

}  // namespace gradring::images
