// Collects the head of an opening handshake: in place when it comes in one piece, else in pooled
// storage that grows with it.
#pragma once

#include <cstddef>
#include <string_view>

#include "protocol/http_head.h"
#include "websocket/pools.h"

namespace ringdown {

class HeadReader {
 public:
  using Verdict = protocol::HeadScanner::Verdict;
  using Kind = protocol::HeadScanner::Kind;

  // The limits are the options'.
  HeadReader(WebSocketPools& pools, Kind kind, const WebSocketOptions& options) noexcept
      : options_(options),
        scanner_(kind, limits_of(options)),
        storage_(pools.heads, kind == Kind::request ? pools.heads.lent_to_requests
                                                    : pools.heads.lent_to_responses) {}
  HeadReader(const HeadReader&) = delete;
  HeadReader& operator=(const HeadReader&) = delete;

  static protocol::HeadLimits limits_of(const WebSocketOptions& options) noexcept {
    return {.size_max = options.head_size_max, .fields_max = options.head_fields_max};
  }

  // Answers how many of `bytes` belong to the head. With Verdict::complete `head` is good until
  // `bytes` go or the reader does. Where it lacks memory, the same bytes may be tried again.
  std::size_t receive(MutableBytes bytes) {
    const std::string_view piece(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (!stores_) {
      verdict_ = scanner_.scan(piece);
      if (verdict_ == Verdict::complete) head_ = piece.substr(0, scanner_.size());
      if (verdict_ != Verdict::incomplete) return scanner_.size();
      stores_ = true;
    }
    const std::size_t before = storage_.size();
    const std::string_view fits = piece.substr(0, options_.head_size_max - before);
    lacks_memory_ = !storage_.append(fits, options_.head_memory_max);
    verdict_ = lacks_memory_ ? Verdict::too_large : scanner_.scan(storage_.bytes());
    if (lacks_memory_) return 0;
    if (verdict_ == Verdict::incomplete && fits.size() < piece.size()) {
      verdict_ = Verdict::too_large;
    }
    if (verdict_ == Verdict::incomplete) return bytes.size();
    if (verdict_ == Verdict::complete) head_ = storage_.bytes().substr(0, scanner_.size());
    return scanner_.size() > before ? scanner_.size() - before : 0;
  }

  // For the head that follows; or there is none, and the memory is given back.
  void restart() noexcept {
    storage_.release();
    stores_ = false;
    scanner_.restart();
    verdict_ = Verdict::incomplete;
    head_ = {};
  }

  Verdict verdict() const noexcept { return verdict_; }
  // With too_large: it is so for head_memory_max, not by itself.
  bool lacks_memory() const noexcept { return lacks_memory_; }
  std::string_view head() const noexcept { return head_; }

 private:
  const WebSocketOptions& options_;
  protocol::HeadScanner scanner_;
  Verdict verdict_ = Verdict::incomplete;
  HeadStorage storage_;
  bool stores_ = false;  // it did not come in one piece
  bool lacks_memory_ = false;
  std::string_view head_;
};

}  // namespace ringdown
