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

  HeadReader(WebSocketPools& pools, protocol::HeadScanner::Kind kind) noexcept
      : scanner_(kind), storage_(pools.heads) {}
  HeadReader(const HeadReader&) = delete;
  HeadReader& operator=(const HeadReader&) = delete;

  // Answers how many of `bytes` belong to the head. With Verdict::complete `head` is good until
  // `bytes` go or the reader does.
  std::size_t receive(MutableBytes bytes) {
    const std::string_view piece(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (!stores_) {
      verdict_ = scanner_.scan(piece);
      if (verdict_ == Verdict::complete) head_ = piece.substr(0, scanner_.size());
      if (verdict_ != Verdict::incomplete) return scanner_.size();
      stores_ = true;
    }
    const std::size_t before = storage_.size();
    const std::string_view fits = piece.substr(0, protocol::head_size_max - before);
    storage_.append(fits);
    if (verdict_ == Verdict::incomplete) verdict_ = scanner_.scan(storage_.bytes());
    if (verdict_ == Verdict::incomplete && fits.size() < piece.size()) {
      verdict_ = Verdict::too_large;
    }
    if (verdict_ == Verdict::incomplete) return bytes.size();
    if (verdict_ == Verdict::complete) head_ = storage_.bytes().substr(0, scanner_.size());
    return scanner_.size() > before ? scanner_.size() - before : 0;
  }

  // For the head that follows.
  void restart() noexcept {
    storage_.release();
    stores_ = false;
    scanner_.restart();
    verdict_ = Verdict::incomplete;
    head_ = {};
  }

  Verdict verdict() const noexcept { return verdict_; }
  std::string_view head() const noexcept { return head_; }

 private:
  protocol::HeadScanner scanner_;
  Verdict verdict_ = Verdict::incomplete;
  HeadStorage storage_;
  bool stores_ = false;  // it did not come in one piece
  std::string_view head_;
};

}  // namespace ringdown
