// Where decoders put rows of pixels: some at a time, from the first to the last.
#pragma once
#include <cstddef>
#include <cstdint>

namespace gradring::images {

class RowSink {
 public:
  virtual ~RowSink() = default;

  // Called before the first rows, once it is certain that the image is sound.
  virtual void begin() {}
  // Whether there is use for further rows.
  virtual bool isDone() const = 0;
  // How many rows may be written to room(), one after the other, before they are added.
  virtual size_t rowsWanted() const = 0;
  virtual uint8_t* room() = 0;
  virtual void add(size_t rows) = 0;
};

// Takes them as they are, all at once.
class WholeImage : public RowSink {
 public:
  WholeImage(uint8_t* target, size_t rows) : target_(target), rows_(rows) {}

  bool isDone() const override { return rows_ == 0; }
  size_t rowsWanted() const override { return rows_; }
  uint8_t* room() override { return target_; }
  void add(size_t) override { rows_ = 0; }

 private:
  uint8_t* target_;
  size_t rows_;
};

}  // namespace gradring::images
