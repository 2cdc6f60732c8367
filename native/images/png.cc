#include "png.h"

#include <libdeflate.h>

#include <new>

#include "unfilter.h"

namespace gradring::images {
namespace {

// What is kept of the memory that an image took.
constexpr size_t kMostKept = size_t{64} << 20;

}  // namespace

uint32_t crc32(const uint8_t* bytes, size_t length) { return libdeflate_crc32(0, bytes, length); }

PngUnpacker::PngUnpacker() : decompressor_(libdeflate_alloc_decompressor()) {
  if (decompressor_ == nullptr) throw std::bad_alloc();
}

PngUnpacker::~PngUnpacker() { libdeflate_free_decompressor(decompressor_); }

bool PngUnpacker::unpack(const uint8_t* stream, size_t length, size_t rows, size_t rowBytes, unsigned samples,
                         uint8_t* target) {
  const size_t expected = rows * (rowBytes + 1);
  if (filtered_.size() < expected) filtered_.resize(expected);
  if (zeros_.size() < rowBytes) zeros_.resize(rowBytes);
  // Without a place for the length that it comes to, any other than `expected` is an error.
  const bool isSound = libdeflate_zlib_decompress(decompressor_, stream, length, filtered_.data(), expected, nullptr) ==
                           LIBDEFLATE_SUCCESS &&
                       filtersExist(filtered_.data(), rows, rowBytes);
  if (isSound) unfilter(filtered_.data(), rows, rowBytes, samples, zeros_.data(), target);
  if (filtered_.size() > kMostKept) std::vector<uint8_t>().swap(filtered_);
  return isSound;
}

}  // namespace gradring::images
