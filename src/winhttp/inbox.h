// What arrived and nobody has received yet: pieces of messages, and the peer's Close behind them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <deque>
#include <vector>

#include "ringdown/byte_stream.h"
#include "ringdown/close_status.h"
#include "ringdown/winhttp.h"

namespace ringdown::winhttp {

class Inbox {
 public:
  struct Piece {
    DWORD size = 0;
    WINHTTP_WEB_SOCKET_BUFFER_TYPE type = WINHTTP_WEB_SOCKET_CLOSE_BUFFER_TYPE;
  };

  void add(MessageKind kind, ConstBytes bytes, bool last) {
    pieces_.push_back({.kind = kind, .last = last, .size = bytes.size()});
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  void add_close() { closes_ = true; }
  void clear() noexcept {
    pieces_.clear();
    bytes_.clear();
    taken_ = 0;
    closes_ = false;
  }

  bool is_empty() const noexcept { return pieces_.empty() && !closes_; }
  // In bytes of memory.
  std::size_t cost() const noexcept { return bytes_.size() - taken_ + pieces_.size() * 16; }

  // As much of the first piece as fits; never of two, so that a message keeps its frames' ends.
  Piece take(MutableBytes into) {
    if (pieces_.empty()) {
      closes_ = false;
      return {};
    }
    Entry& entry = pieces_.front();
    const std::size_t size = std::min(entry.size, into.size());
    if (size != 0) std::memcpy(into.data(), bytes_.data() + taken_, size);
    taken_ += size;
    entry.size -= size;
    const bool ends = entry.size == 0 && entry.last;
    const Piece piece{.size = static_cast<DWORD>(size), .type = type_of(entry.kind, ends)};
    if (entry.size == 0) pieces_.pop_front();
    // What was taken goes when it is half of all.
    if (taken_ * 2 >= bytes_.size()) {
      bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(taken_));
      taken_ = 0;
    }
    return piece;
  }

 private:
  struct Entry {
    MessageKind kind;
    bool last;
    std::size_t size;
  };

  static WINHTTP_WEB_SOCKET_BUFFER_TYPE type_of(MessageKind kind, bool ends) noexcept {
    if (kind == MessageKind::text) {
      return ends ? WINHTTP_WEB_SOCKET_UTF8_MESSAGE_BUFFER_TYPE
                  : WINHTTP_WEB_SOCKET_UTF8_FRAGMENT_BUFFER_TYPE;
    }
    return ends ? WINHTTP_WEB_SOCKET_BINARY_MESSAGE_BUFFER_TYPE
                : WINHTTP_WEB_SOCKET_BINARY_FRAGMENT_BUFFER_TYPE;
  }

  std::deque<Entry> pieces_;
  std::vector<std::byte> bytes_;
  std::size_t taken_ = 0;  // at the front of `bytes_`
  bool closes_ = false;
};

}  // namespace ringdown::winhttp
