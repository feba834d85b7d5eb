// TLS in which nothing comes whole: records of a few bytes, and of what TCP brings only so many
// bytes at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "protocol/tls_session.h"
#include "ringdown/tcp.h"
#include "tls/tls_stream.h"

namespace ringdown {

struct Splits {
  std::uint16_t record = 1;    // bytes of plaintext in a record that we write
  std::size_t ciphertext = 1;  // bytes that a stream is told of at once
};

class SplittingContext final : public SecureContext {
 public:
  // `native` is the SSL_CTX* of a context of that role, which must outlive this one.
  SplittingContext(Role role, void* native, Splits splits)
      : role_(role), native_(static_cast<ssl_ctx_st*>(native)), splits_(splits) {}
  Role role() const noexcept override { return role_; }
  SecureStream& make_stream(Reactor& reactor, TcpStream& tcp, ByteStreamEvents& events,
                            std::string_view host) override;

 private:
  // Between TCP and the stream.
  class Splitter final : public ByteStreamEvents {
   public:
    Splitter(ByteStreamEvents& stream, std::size_t size) : stream_(stream), size_(size) {}
    ~Splitter() = default;
    std::size_t on_received(MutableBytes bytes) override;
    void on_end_of_stream() override { stream_.on_end_of_stream(); }
    void on_failed(Error error) override { stream_.on_failed(error); }
    void on_shutdown(Error error) override { stream_.on_shutdown(error); }
    void on_closed(Error error) override { stream_.on_closed(error); }

   private:
    ByteStreamEvents& stream_;
    std::size_t size_;
  };

  Role role_;
  ssl_ctx_st* native_;
  Splits splits_;
  std::deque<Splitter> splitters_;  // until the end: one that never had a socket is told of none
};

}  // namespace ringdown
