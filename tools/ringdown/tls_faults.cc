// A stream that leaves out its close_notify: see the header.
#include "tls_faults.h"

#include <memory>

#include "ringdown/tcp.h"

namespace ringdown::program {

namespace {

// Everything but `close` is the sound stream's. Which is called by a client once both Close frames
// have passed and its own is with the kernel: no record is left to be sent then, and TCP can be
// ended below the stream, which is told that by TCP.
class TruncatingStream final : public SecureStream {
 public:
  TruncatingStream(SecureStream& sound, TcpStream& tcp) noexcept : sound_(sound), tcp_(tcp) {}

  void start_receiving() override { sound_.start_receiving(); }
  void pause() override { sound_.pause(); }
  void resume() override { sound_.resume(); }
  Start send(SendOperation& operation, std::span<const ConstBytes> pieces) override {
    return sound_.send(operation, pieces);
  }
  Start shutdown() override { return sound_.shutdown(); }
  Start shutdown_through() override { return sound_.shutdown_through(); }
  Start close(Linger linger) override { return tcp_.close(linger); }
  Start close_after_sends() override { return sound_.close_after_sends(); }
  Start close_after_sends_until(TimePoint deadline) override {
    return sound_.close_after_sends_until(deadline);
  }
  Start abort() override { return sound_.abort(); }
  TlsFacts facts() const noexcept override { return sound_.facts(); }
  TlsView view() const noexcept override { return sound_.view(); }
  void release() noexcept override {
    const std::unique_ptr<TruncatingStream> last(this);
    sound_.release();
  }

 private:
  SecureStream& sound_;
  TcpStream& tcp_;
};

}  // namespace

SecureStream& TruncatingContext::make_stream(Reactor& reactor, TcpStream& tcp,
                                             ByteStreamEvents& events, std::string_view host) {
  SecureStream& sound = sound_.make_stream(reactor, tcp, events, host);
  return *std::make_unique<TruncatingStream>(sound, tcp).release();
}

}  // namespace ringdown::program
