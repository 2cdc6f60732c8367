#include "../layout.h"

#include "strips.h"
#include "table.h"

namespace gradring::GRADRING_ISA {
namespace {

template <class From, class To>
void convertImages(const Convert& call, Range range) {
  constexpr int64_t tile = 64;  // pixels: what one vector leaves of a cache line, the next one finds there
  const Images& from = call.from;
  Images to = from;
  to.layout = call.layout;
  for (int64_t n = range.begin; n < range.end; n++) {
    for (int64_t first = 0; first < from.pixels(); first += tile) {
      const int64_t pixels = smaller(tile, from.pixels() - first);
      forVectors(from.channels, [&](int64_t c, auto lanes) {
        const From* source = static_cast<const From*>(call.source) + offsetOf(from, n, c, first);
        To* target = static_cast<To*>(call.target) + offsetOf(to, n, c, first);
        for (int64_t i = 0; i < pixels; i++) {
          store(target + i * strideOf(to), load(source + i * strideOf(from), lanes), lanes);
        }
      });
    }
  }
}

void convert(const Convert& call, Range range) {
  withType(call.from.type, [&](auto from) {
    withType(call.type, [&](auto to) { convertImages<decltype(from), decltype(to)>(call, range); });
  });
}

}  // namespace

LayoutKernels layoutKernels() { return {convert}; }

}  // namespace gradring::GRADRING_ISA
