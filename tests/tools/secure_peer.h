// A client that speaks TLS and WebSocket to `serve` as the test tells it, and breaks off where it
// likes.
#pragma once

#include <string>
#include <string_view>

#include "raw_tls.h"
#include "ringdown/tls.h"

namespace ringdown::program {

class SecurePeer {
 public:
  // Connected and upgraded. Verifies nothing.
  explicit SecurePeer(const std::string& address);
  SecurePeer(const SecurePeer&) = delete;
  SecurePeer& operator=(const SecurePeer&) = delete;
  ~SecurePeer();

  void send_text(std::string_view text);  // at most 125 bytes
  // The same, with the last byte of its record changed; and the first half of its record.
  void send_spoiled(std::string_view text);
  void send_half(std::string_view text);
  void send_fin() const;
  // What the server says, up to these words; false: it has ended, or said nothing for 10 s.
  bool says(std::string_view words);
  // The server ends TCP, with FIN or RST.
  bool is_ended();

 private:
  std::string record_of(std::string_view text);
  void write(std::string_view wire) const;
  bool receive();

  TlsClientContext context_;
  RawTls tls_;
  int descriptor_;
  std::string said_;
};

}  // namespace ringdown::program
