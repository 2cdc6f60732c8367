#include "png.h"

#include <libdeflate.h>

#include <new>

#include "unfilter.h"

namespace gradring::images {
uint32_t crc32(const uint8_t* bytes, size_t length) { return libdeflate_crc32(0, bytes, length); }

PngUnpacker::PngUnpacker() : decompressor_(libdeflate_alloc_decompressor()) {
  if (decompressor_ == nullptr) throw std::bad_alloc();
}

PngUnpacker::~PngUnpacker() { libdeflate_free_decompressor(decompressor_); }

bool PngUnpacker::unpack(const uint8_t* stream, size_t length, size_t rows, size_t rowBytes, unsigned samples,
                         uint8_t* target) {
  const size_t expected = rows * (rowBytes + 1);
  uint8_t* filtered = filtered_.take(expected);
  if (zeros_.size() < rowBytes) zeros_.resize(rowBytes);
  // Without a place for the length that it comes to, any other than `expected` is an error.
  const bool isSound = libdeflate_zlib_decompress(decompressor_, stream, length, filtered, expected, nullptr) ==
                           LIBDEFLATE_SUCCESS &&
                       filtersExist(filtered, rows, rowBytes);
  if (isSound) unfilter(filtered, rows, rowBytes, samples, zeros_.data(), target);
  filtered_.release();
  return isSound;
}

}  // namespace gradring::images
