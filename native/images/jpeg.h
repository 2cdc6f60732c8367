// JPEGs by libjpeg-turbo, whole or at a part of their size.
#pragma once
#include <cstddef>
#include <cstdint>

#include "scratch.h"

namespace gradring::images {

// One for each Node environment: it keeps its memory from image to image.
class JpegDecoder {
 public:
  JpegDecoder();
  ~JpegDecoder();
  JpegDecoder(const JpegDecoder&) = delete;
  JpegDecoder& operator=(const JpegDecoder&) = delete;

  // Writes the image, at one `denominator`th of its size (1, 2, 4 or 8), as grey (`samples` 1) or RGB (3) bytes into
  // `target`. Returns false, with nothing written, where libjpeg-turbo is in any doubt of the file, its sampling is
  // not among the usual (4:4:4, 4:2:2, 4:2:0, grey), or the image does not come to `width` by `height` pixels.
  bool decode(const uint8_t* file, size_t length, int denominator, int width, int height, int samples,
              uint8_t* target);

 private:
  bool tryDecode(const uint8_t* file, size_t length, int denominator, int width, int height, int samples,
                 uint8_t* pixels);
  void open();

  void* handle_ = nullptr;
  Scratch pixels_;
};

}  // namespace gradring::images
