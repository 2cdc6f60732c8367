// JPEGs by libjpeg-turbo, whole or at a part of their size.
#pragma once
#include <cstddef>
#include <cstdint>

#include "scratch.h"
#include "sink.h"

namespace gradring::images {

// What an image is decoded to: one `denominator`th (1, 2, 4 or 8) of its size, grey (`samples` 1) or RGB (3).
struct JpegPart {
  int denominator, width, height, samples;

  size_t rowBytes() const { return size_t{1} * width * samples; }
};

// One for each Node environment: it keeps its memory from image to image.
class JpegDecoder {
 public:
  JpegDecoder();
  ~JpegDecoder();
  JpegDecoder(const JpegDecoder&) = delete;
  JpegDecoder& operator=(const JpegDecoder&) = delete;

  // Gives the rows to `sink`, the first `rowBytes` bytes of each. Returns false, with nothing given, where
  // libjpeg-turbo is in any doubt of the file, its sampling is not among the usual (4:4:4, 4:2:2, 4:2:0, grey), or the
  // image does not come to that many pixels.
  bool decode(const uint8_t* file, size_t length, const JpegPart& part, size_t rowBytes, RowSink& sink);

 private:
  bool tryDecode(const uint8_t* file, size_t length, const JpegPart& part, uint8_t* pixels);
  void open();

  void* handle_ = nullptr;
  Scratch pixels_;
};

}  // namespace gradring::images
