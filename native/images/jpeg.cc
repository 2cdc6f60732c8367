#include "jpeg.h"

#include <turbojpeg.h>

#include <cstring>
#include <new>

namespace gradring::images {
namespace {

// Of progressive files: each scan is a pass over the whole image, and thousands of them a way to hold a thread.
constexpr int kFlags = TJFLAG_LIMITSCANS | TJFLAG_STOPONWARNING;

bool isPart(int denominator) {
  return denominator == 1 || denominator == 2 || denominator == 4 || denominator == 8;
}

// The samplings whose decoding is one and the same in all releases.
bool isUsual(int subsampling, int colours, int samples) {
  if (samples == 1) return subsampling == TJSAMP_GRAY && colours == TJCS_GRAY;
  if (colours != TJCS_YCbCr && colours != TJCS_RGB) return false;
  return subsampling == TJSAMP_444 || subsampling == TJSAMP_422 || subsampling == TJSAMP_420;
}

}  // namespace

JpegDecoder::JpegDecoder() { open(); }

JpegDecoder::~JpegDecoder() { tjDestroy(handle_); }

void JpegDecoder::open() {
  handle_ = tjInitDecompress();
  if (handle_ == nullptr) throw std::bad_alloc();
}

bool JpegDecoder::decode(const uint8_t* file, size_t length, const JpegPart& part, size_t rowBytes, RowSink& sink) {
  uint8_t* pixels = pixels_.take(part.rowBytes() * part.height);
  const bool isSound = tryDecode(file, length, part, pixels);
  if (isSound) {
    sink.begin();
    for (const uint8_t* from = pixels; !sink.isDone();) {
      const size_t batch = sink.rowsWanted();
      uint8_t* to = sink.room();
      for (size_t row = 0; row < batch; row++, from += part.rowBytes(), to += rowBytes)
        std::memcpy(to, from, rowBytes);
      sink.add(batch);
    }
  } else {
    // After a damaged file a handle may refuse every other one.
    tjDestroy(handle_);
    handle_ = nullptr;
    open();
  }
  pixels_.release();
  return isSound;
}

bool JpegDecoder::tryDecode(const uint8_t* file, size_t length, const JpegPart& part, uint8_t* pixels) {
  const auto& [denominator, width, height, samples] = part;
  if (!isPart(denominator)) return false;
  int fullWidth = 0, fullHeight = 0, subsampling = 0, colours = 0;
  if (tjDecompressHeader3(handle_, file, length, &fullWidth, &fullHeight, &subsampling, &colours) != 0) return false;
  const tjscalingfactor scale{1, denominator};
  if (!isUsual(subsampling, colours, samples) || TJSCALED(fullWidth, scale) != width ||
      TJSCALED(fullHeight, scale) != height)
    return false;
  return tjDecompress2(handle_, file, length, pixels, width, width * samples, height,
                       samples == 1 ? TJPF_GRAY : TJPF_RGB, kFlags) == 0;
}

}  // namespace gradring::images
