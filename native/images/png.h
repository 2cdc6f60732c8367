// From the zlib stream of a PNG to its rows, without filters.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "scratch.h"
#include "sink.h"

struct libdeflate_decompressor;

namespace gradring::images {

// Of `length` bytes, as PNG's chunks have it.
uint32_t crc32(const uint8_t* bytes, size_t length);

// One for each Node environment: it keeps its memory from image to image.
class PngUnpacker {
 public:
  PngUnpacker();
  ~PngUnpacker();
  PngUnpacker(const PngUnpacker&) = delete;
  PngUnpacker& operator=(const PngUnpacker&) = delete;

  // Writes exactly `bytes` bytes to `target`. Returns false where the stream is damaged, its sum is wrong, or it comes
  // to another length.
  bool inflate(const uint8_t* stream, size_t length, uint8_t* target, size_t bytes);

  // Gives `rows` rows of `rowBytes` bytes, without their filters, to `sink`. Returns false, with nothing given, where it
  // does not come to these, or a row names a filter that does not exist.
  bool unpack(const uint8_t* stream, size_t length, size_t rows, size_t rowBytes, unsigned samples, RowSink& sink);

 private:
  libdeflate_decompressor* decompressor_;
  Scratch filtered_;
  std::vector<uint8_t> above_;
};

}  // namespace gradring::images
