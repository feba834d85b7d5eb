// Bytes that no peer can predict, for masking keys (RFC 6455 10.3): getrandom(2), a page at a time.
#pragma once

#include <array>
#include <cstddef>
#include <string>

#include "protocol/frame.h"
#include "ringdown/result.h"

namespace ringdown {

class RandomBytes {
 public:
  template <std::size_t Size>
  std::array<std::byte, Size> take() {
    static_assert(Size <= 64);
    if (bytes_.size() - taken_ < Size) refill();
    std::array<std::byte, Size> out;
    for (std::byte& byte : out) byte = bytes_[taken_++];
    return out;
  }
  // Empty, or why there are none, and the cure.
  static std::string problem();
  protocol::MaskingKey masking_key() { return take<sizeof(protocol::MaskingKey)>(); }

 private:
  RINGDOWN_API void refill();  // for ringdown-winhttp
  std::array<std::byte, 4096> bytes_;
  std::size_t taken_ = 4096;
};

}  // namespace ringdown
