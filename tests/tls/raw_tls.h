// A raw peer's TLS: a session that does what the test tells it, and breaks off where it likes.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "protocol/tls_session.h"
#include "raw_peer.h"

namespace ringdown {

class RawTls final : public RawLayer {
 public:
  RawTls(void* context, const protocol::TlsSessionOptions& options);
  ~RawTls() override;
  void write(std::string_view plain) override;
  void end() override;
  std::string take_output() override;
  std::string read(std::string_view wire) override;
  bool ended() const override { return ended_; }
  protocol::TlsSession& session() { return *session_; }

 private:
  void go_on();

  protocol::TlsChunks chunks_;
  std::unique_ptr<protocol::TlsSession> session_;
  std::string unwritten_;
  std::string plain_;
  bool ends_ = false;
  bool ended_ = false;
};

}  // namespace ringdown
