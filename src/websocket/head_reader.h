// Collects the head of an opening handshake: in place when it comes in one piece, else in pooled
// storage.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

#include "protocol/http_head.h"
#include "websocket/pools.h"

namespace ringdown {

class HeadReader {
 public:
  using Verdict = protocol::HeadScanner::Verdict;

  HeadReader(WebSocketPools& pools, protocol::HeadScanner::Kind kind) noexcept
      : pools_(pools), scanner_(kind) {}
  HeadReader(const HeadReader&) = delete;
  HeadReader& operator=(const HeadReader&) = delete;
  ~HeadReader() { give_back(); }

  // Answers how many of `bytes` belong to the head. With Verdict::complete `head` is good until
  // `bytes` go or the reader does.
  std::size_t receive(MutableBytes bytes) {
    const std::string_view piece(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (storage_ == nullptr) {
      verdict_ = scanner_.scan(piece);
      if (verdict_ == Verdict::complete) head_ = piece.substr(0, scanner_.size());
      if (verdict_ != Verdict::incomplete) return scanner_.size();
      storage_ = pools_.heads.take();
    }
    const std::size_t before = stored_;
    const std::size_t size = std::min(piece.size(), storage_->bytes.size() - stored_);
    std::copy_n(piece.data(), size, storage_->bytes.data() + stored_);
    stored_ += size;
    const std::string_view all(storage_->bytes.data(), stored_);
    if (verdict_ == Verdict::incomplete) verdict_ = scanner_.scan(all);
    if (verdict_ == Verdict::incomplete && size < piece.size()) verdict_ = Verdict::too_large;
    if (verdict_ == Verdict::incomplete) return bytes.size();
    if (verdict_ == Verdict::complete) head_ = all.substr(0, scanner_.size());
    return scanner_.size() > before ? scanner_.size() - before : 0;
  }

  // For the head that follows.
  void restart() noexcept {
    give_back();
    scanner_.restart();
    verdict_ = Verdict::incomplete;
    stored_ = 0;
    head_ = {};
  }

  Verdict verdict() const noexcept { return verdict_; }
  std::string_view head() const noexcept { return head_; }

 private:
  void give_back() noexcept {
    if (storage_ != nullptr) pools_.heads.give_back(std::exchange(storage_, nullptr));
  }

  WebSocketPools& pools_;
  protocol::HeadScanner scanner_;
  Verdict verdict_ = Verdict::incomplete;
  HeadStorage* storage_ = nullptr;
  std::size_t stored_ = 0;
  std::string_view head_;
};

}  // namespace ringdown
