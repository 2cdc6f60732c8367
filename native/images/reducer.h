// Makes images smaller while their rows are decoded: sharp's pixels, without the whole image in memory.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "axis.h"
#include "sink.h"

namespace gradring::images {

struct Reduction {
  Kernel kernel;
  size_t width, height;  // of the image
  unsigned samples;      // bytes of a pixel: 1 or 3
  double across, down;   // how many times smaller it becomes, 1 or more
  // Where in the reduced image the target begins: below zero where it is padded with black.
  ptrdiff_t left, top;
  size_t targetWidth, targetHeight;

  size_t rowBytes() const { return width * samples; }
};

// One for each Node environment: it keeps its memory from image to image.
class Reducer : public RowSink {
 public:
  // Is to begin with an image. `target`: rows of pixels.
  void prepare(const Reduction& reduction, uint8_t* target);

  void begin() override;
  bool isDone() const override { return next_ == down_->count(); }
  size_t rowsWanted() const override;
  uint8_t* room() override;
  void add(size_t rows) override;

 private:
  void measureEdges();
  void addBoxes(size_t rows);
  ptrdiff_t boxedRow(ptrdiff_t row) const;
  void emit();
  uint8_t* rowOfTarget(size_t row) const;
  void dropRows();

  // Kept from image to image, unless one took very much.
  struct Buffers {
    std::vector<uint8_t> unboxed, rows, line, pixels, out;
    std::vector<uint32_t> sums;
    std::vector<const uint8_t*> lines;
  };

  Reduction reduction_{};
  uint8_t* target_ = nullptr;
  std::unique_ptr<Axis> across_, down_;
  size_t rowBytes_ = 0;
  size_t before_ = 0;  // pixels that the edge goes on for at the left
  size_t after_ = 0;   // and at the right
  size_t read_ = 0;    // rows of the image that were added
  size_t next_ = 0;    // the next row of the target, without its padding
  size_t first_ = 0;   // the boxed row that is the first of those held
  size_t held_ = 0;    // and how many they are
  Buffers buffers_;
};

}  // namespace gradring::images
