#include "png.h"

#include <libdeflate.h>

#include <cstring>
#include <new>

#include "unfilter.h"

namespace gradring::images {
uint32_t crc32(const uint8_t* bytes, size_t length) { return libdeflate_crc32(0, bytes, length); }

PngUnpacker::PngUnpacker() : decompressor_(libdeflate_alloc_decompressor()) {
  if (decompressor_ == nullptr) throw std::bad_alloc();
}

PngUnpacker::~PngUnpacker() { libdeflate_free_decompressor(decompressor_); }

bool PngUnpacker::inflate(const uint8_t* stream, size_t length, uint8_t* target, size_t bytes) {
  // Without a place for the length that it comes to, any other than `bytes` is an error.
  return libdeflate_zlib_decompress(decompressor_, stream, length, target, bytes, nullptr) == LIBDEFLATE_SUCCESS;
}

bool PngUnpacker::unpack(const uint8_t* stream, size_t length, size_t rows, size_t rowBytes, unsigned samples,
                         RowSink& sink) {
  const size_t bytes = rows * (rowBytes + 1);
  uint8_t* filtered = filtered_.take(bytes);
  const bool isSound = inflate(stream, length, filtered, bytes) && filtersExist(filtered, rows, rowBytes);
  if (isSound) {
    above_.assign(rowBytes, 0);
    sink.begin();
    for (const uint8_t* from = filtered; !sink.isDone();) {
      const size_t batch = sink.rowsWanted();
      uint8_t* to = sink.room();
      unfilter(from, batch, rowBytes, samples, above_.data(), to);
      from += batch * (rowBytes + 1);
      std::memcpy(above_.data(), to + (batch - 1) * rowBytes, rowBytes);
      sink.add(batch);
    }
  }
  filtered_.release();
  return isSound;
}

}  // namespace gradring::images
