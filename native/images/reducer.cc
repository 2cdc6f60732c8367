#include "reducer.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "lines.h"

namespace gradring::images {
namespace {

// Rows that are decoded at a time: few enough to stay in the cache of a core until they are used.
constexpr size_t kBatch = 32;
// libvips reduces an image that is read from the top in strips of 10 rows, and where boxes of rows come first, what
// comes out in tiles of 128 columns. Positions are sums over these.
constexpr size_t kRowStrip = 10;
constexpr size_t kColumnStrip = 128;
// Longer than any image.
constexpr size_t kOneStrip = size_t{1} << 31;
constexpr size_t kMostKept = size_t{64} << 20;

// For what `count` pixels from `start` on show of an image that is reduced from `from` pixels.
AxisPlan planOf(Kernel kernel, size_t from, double factor, ptrdiff_t start, size_t count) {
  AxisPlan plan{};
  plan.kernel = kernel;
  plan.from = from;
  plan.factor = factor;
  const auto reduced = static_cast<ptrdiff_t>(static_cast<double>(from) / factor + 0.5);
  const ptrdiff_t first = std::max<ptrdiff_t>(start, 0);
  const ptrdiff_t end = std::min(reduced, start + static_cast<ptrdiff_t>(count));
  plan.start = static_cast<size_t>(first);
  plan.count = end > first ? static_cast<size_t>(end - first) : 0;
  return plan;
}

// Mostly it is that of the image before.
void renew(std::unique_ptr<Axis>& axis, const AxisPlan& plan) {
  if (axis == nullptr || !(axis->plan() == plan)) axis = std::make_unique<Axis>(plan);
}

template <class T>
void atLeast(std::vector<T>& memory, size_t count) {
  if (memory.size() < count) memory.resize(count);
}

size_t batchOf(size_t box) { return std::max<size_t>(1, kBatch / box); }

// Repeats the pixel at `from`, `count` times, to `to`.
void repeat(const uint8_t* from, unsigned samples, size_t count, uint8_t* to) {
  for (size_t i = 0; i < count; i++) std::memcpy(to + i * samples, from, samples);
}

}  // namespace

void Reducer::prepare(const Reduction& reduction, uint8_t* target) {
  reduction_ = reduction;
  target_ = target;
  const auto& [kernel, width, height, samples, across, down, left, top, targetWidth, targetHeight] = reduction;
  AxisPlan rows = planOf(kernel, height, down, top, targetHeight);
  rows.strip = kRowStrip;
  renew(down_, rows);
  AxisPlan columns = planOf(kernel, width, across, left, targetWidth);
  columns.strip = down_->box() > 1 ? kColumnStrip : kOneStrip;
  columns.origin = left;
  renew(across_, columns);
  rowBytes_ = reduction.rowBytes();
  read_ = next_ = first_ = held_ = 0;
  measureEdges();
}

void Reducer::measureEdges() {
  before_ = after_ = 0;
  for (size_t i = 0; i < across_->count(); i++) {
    const ptrdiff_t first = across_->firsts()[i];
    const ptrdiff_t beyond = first + static_cast<ptrdiff_t>(across_->points() - across_->boxed());
    before_ = std::max(before_, static_cast<size_t>(std::max<ptrdiff_t>(-first, 0)));
    after_ = std::max(after_, static_cast<size_t>(std::max<ptrdiff_t>(beyond, 0)));
  }
}

void Reducer::begin() {
  const size_t samples = reduction_.samples, box = down_->box();
  if (box > 1) {
    atLeast(buffers_.unboxed, std::min(batchOf(box) * box, reduction_.height) * rowBytes_);
    atLeast(buffers_.sums, rowBytes_);
  }
  atLeast(buffers_.rows, std::min(down_->points() + batchOf(box), down_->boxed()) * rowBytes_ + kSlack);
  atLeast(buffers_.line, rowBytes_ + across_->box() * samples + kSlack);
  atLeast(buffers_.pixels, (before_ + across_->boxed() + after_) * samples + kSlack);
  atLeast(buffers_.out, across_->count() * samples + kSlack);
  atLeast(buffers_.lines, down_->points());
  const auto& [width, height] = std::pair(reduction_.targetWidth, reduction_.targetHeight);
  if (across_->count() < width || down_->count() < height) std::memset(target_, 0, width * height * samples);
}

size_t Reducer::rowsWanted() const {
  return std::min(reduction_.height - read_, batchOf(down_->box()) * down_->box());
}

uint8_t* Reducer::room() {
  return down_->box() > 1 ? buffers_.unboxed.data() : buffers_.rows.data() + held_ * rowBytes_;
}

void Reducer::add(size_t rows) {
  read_ += rows;
  if (down_->box() > 1) {
    addBoxes(rows);
  } else {
    held_ += rows;
  }
  while (!isDone()) {
    const ptrdiff_t last = down_->firsts()[next_] + static_cast<ptrdiff_t>(down_->points()) - 1;
    if (boxedRow(last) >= static_cast<ptrdiff_t>(first_ + held_)) break;
    emit();
    next_++;
  }
  if (!isDone()) return dropRows();
  if (buffers_.rows.size() > kMostKept) buffers_ = {};
}

void Reducer::addBoxes(size_t rows) {
  const size_t box = down_->box();
  uint32_t* sums = buffers_.sums.data();
  for (size_t row = 0; row < rows; row += box, held_++) {
    std::fill_n(sums, rowBytes_, 0);
    // Below the last row, it goes on.
    for (size_t i = 0; i < box; i++)
      addLine(buffers_.unboxed.data() + std::min(row + i, rows - 1) * rowBytes_, rowBytes_, sums);
    meanOfLines(sums, rowBytes_, box, buffers_.rows.data() + held_ * rowBytes_);
  }
}

// Beyond the edges there is the edge.
ptrdiff_t Reducer::boxedRow(ptrdiff_t row) const {
  return std::clamp<ptrdiff_t>(row, 0, static_cast<ptrdiff_t>(down_->boxed()) - 1);
}

// The next row of the target.
void Reducer::emit() {
  const uint8_t** lines = buffers_.lines.data();
  for (size_t i = 0; i < down_->points(); i++) {
    const ptrdiff_t row = boxedRow(down_->firsts()[next_] + static_cast<ptrdiff_t>(i));
    lines[i] = buffers_.rows.data() + (static_cast<size_t>(row) - first_) * rowBytes_;
  }
  const Axis& columns = *across_;
  const unsigned samples = reduction_.samples;
  uint8_t* inner = buffers_.pixels.data() + before_ * samples;
  uint8_t* line = columns.box() > 1 ? buffers_.line.data() : inner;
  weighLines(lines, down_->weights()[next_], down_->points(), rowBytes_, line);
  if (columns.box() > 1) {
    repeat(line + rowBytes_ - samples, samples, columns.box(), line + rowBytes_);
    meansOfPixels(line, columns.boxed(), columns.box(), samples, inner);
  }
  uint8_t* end = inner + columns.boxed() * samples;
  repeat(inner, samples, before_, buffers_.pixels.data());
  repeat(end - samples, samples, after_, end);
  uint8_t* out = buffers_.out.data();
  weighPixels(inner, columns.firsts(), columns.weights(), columns.count(), columns.points(), samples, out);
  std::memcpy(rowOfTarget(next_), out, columns.count() * samples);
}

uint8_t* Reducer::rowOfTarget(size_t row) const {
  const auto padding = [](ptrdiff_t start) { return static_cast<size_t>(std::max<ptrdiff_t>(-start, 0)); };
  const size_t pixel = (padding(reduction_.top) + row) * reduction_.targetWidth + padding(reduction_.left);
  return target_ + pixel * reduction_.samples;
}

// Those above what the next row of the target needs.
void Reducer::dropRows() {
  const auto needed = static_cast<size_t>(boxedRow(down_->firsts()[next_]));
  const size_t dropped = std::min(needed - std::min(needed, first_), held_);
  uint8_t* rows = buffers_.rows.data();
  std::memmove(rows, rows + dropped * rowBytes_, (held_ - dropped) * rowBytes_);
  first_ += dropped;
  held_ -= dropped;
}

}  // namespace gradring::images
