// What stands between TCP and WebSocket where a connection is secure: the interface of TLS, in the
// library that has none. ringdown/tls.h (the library ringdown-tls) has the contexts that implement
// it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ringdown/byte_stream.h"
#include "ringdown/close_status.h"
#include "ringdown/tls_failure.h"

namespace ringdown {

class TcpStream;

inline constexpr std::size_t tls_failure_count = static_cast<std::size_t>(TlsFailure::internal) + 1;

// How the TLS of a connection began and ended; all false without TLS.
struct TlsFacts {
  bool secured = false;          // the handshake was completed
  bool resumed = false;          // with a session of an earlier connection
  bool tls13 = false;            // TLS 1.3, else 1.2
  bool notify_sent = false;      // our close_notify is with the kernel
  bool notify_received = false;  // the peer's came
  bool truncated = false;        // FIN came instead of it
  TlsFailure failure = TlsFailure::none;
  int failure_detail = 0;  // see TlsFailure
};

// What the handshake agreed on, and whom the peer has shown itself to be. All empty before its end;
// views are good until on_closed has returned.
struct TlsView {
  std::string_view version{};      // "TLSv1.2", "TLSv1.3"
  std::string_view cipher{};       // "TLS_AES_128_GCM_SHA256", as in the RFCs
  std::string_view server_name{};  // on a server: what the client asked for (SNI), or empty
  bool resumed = false;            // with a session of an earlier connection
  // DER. On a server the client's, verified, or empty if it showed none; on a client the server's,
  // verified unless TlsClientOptions::verify or `tolerates` say otherwise. Of a resumed session:
  // what was shown at its beginning.
  ConstBytes peer_certificate{};
};

// A byte stream with TLS in it. Its marker is close_notify: `shutdown` sends that and leaves TCP
// open, `close` and `close_after_sends` send FIN behind it. on_end_of_stream follows the peer's
// close_notify, or a FIN without it; TlsFacts::truncated tells them apart.
class SecureStream : public ByteStream {
 public:
  // close_notify, then FIN. As `shutdown` otherwise.
  virtual Start shutdown_through() = 0;
  // close_after_sends in a bounded time: it waits for the peer's close_notify and, unless little
  // was sent, FIN, so that no RST destroys what the peer has not read yet. Past `deadline` that is
  // left to the kernel, if the peer's close_notify has come and the kernel has all that was sent;
  // else RST, and on_closed with ETIMEDOUT.
  virtual Start close_after_sends_until(TimePoint deadline) = 0;
  virtual TlsFacts facts() const noexcept = 0;
  virtual TlsView view() const noexcept = 0;
  // The last call, once on_closed has run: the stream is gone.
  virtual void release() noexcept = 0;

 protected:
  ~SecureStream() = default;
};

// What a dial or a server is given to be secure. Must outlive every connection made with it.
class SecureContext : Immovable {
 public:
  virtual Role role() const noexcept = 0;
  // A stream over `tcp`, which has no socket yet and tells the stream from now on. A client
  // verifies that the certificate is for `host`, a name or an address; a server is given none.
  // Of a dial, on_connected follows before anything else is made: a context that wraps another can
  // tell whose stream it was.
  virtual SecureStream& make_stream(Reactor& reactor, TcpStream& tcp, ByteStreamEvents& events,
                                    std::string_view host) = 0;

 protected:
  ~SecureContext() = default;
};

}  // namespace ringdown
