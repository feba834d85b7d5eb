// A response that failed the opening handshake, kept for on_open_failed: its head, and the
// beginning of its body. Allocates, which only a failure does.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/http_body.h"
#include "ringdown/websocket.h"

namespace ringdown {

class KeptResponse {
 public:
  // Null where there is no memory. `head` is one that parses.
  static std::unique_ptr<KeptResponse> of(std::string_view head, int http_status) noexcept;

  void take_body(std::string_view bytes) noexcept;
  // `cut`: without the marker of the layer below HTTP (RFC 8446 6.1).
  void end_of_stream(bool cut) noexcept;
  // Nothing more is wanted: the body is whole, or more than is kept, or nonsense.
  bool is_enough() const noexcept;
  void show_in(OpenFailed& failed) const noexcept;

 private:
  KeptResponse(std::string_view head, int http_status);

  std::string head_;
  std::vector<HeaderView> fields_;  // of head_
  std::string body_;
  protocol::BodyReader reader_;
  bool is_whole_ = false;
  bool is_over_ = false;  // there was more than is kept
};

}  // namespace ringdown
