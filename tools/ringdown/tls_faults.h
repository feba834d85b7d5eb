// Clients that end TLS in a way they should not: decorators of a client's context. What they do to
// their own TLS no call of the library does.
#pragma once

#include "ringdown/secure.h"

namespace ringdown::program {

// Its streams' `close` is a FIN without close_notify (RFC 8446 6.1: "an endpoint sends a
// close_notify before closing the write side", and this one does not).
class TruncatingContext final : public SecureContext {
 public:
  explicit TruncatingContext(SecureContext& sound) noexcept : sound_(sound) {}
  Role role() const noexcept override { return sound_.role(); }
  SecureStream& make_stream(Reactor& reactor, TcpStream& tcp, ByteStreamEvents& events,
                            std::string_view host) override;

 private:
  SecureContext& sound_;
};

// Gives the stream below a WebSocket to who wants to end it without asking the WebSocket.
class ExposingContext final : public SecureContext {
 public:
  explicit ExposingContext(SecureContext& sound) noexcept : sound_(sound) {}
  Role role() const noexcept override { return sound_.role(); }
  SecureStream& make_stream(Reactor& reactor, TcpStream& tcp, ByteStreamEvents& events,
                            std::string_view host) override {
    return *(latest_ = &sound_.make_stream(reactor, tcp, events, host));
  }
  // In WebSocketEvents::on_connected: that connection's stream, which lives until its on_closed
  // has returned.
  SecureStream& latest() const noexcept { return *latest_; }

 private:
  SecureContext& sound_;
  SecureStream* latest_ = nullptr;
};

}  // namespace ringdown::program
