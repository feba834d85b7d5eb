#include "splitting.h"

#include <algorithm>

namespace ringdown {

std::size_t SplittingContext::Splitter::on_received(MutableBytes bytes) {
  std::size_t used = 0;
  while (used < bytes.size()) {
    const std::size_t size = std::min(size_, bytes.size() - used);
    const std::size_t taken = stream_.on_received(bytes.subspan(used, size));
    used += taken;
    if (taken < size) break;
  }
  return used;
}

SecureStream& SplittingContext::make_stream(Reactor& reactor, TcpStream& tcp,
                                            ByteStreamEvents& events, std::string_view host) {
  protocol::TlsSessionOptions options;
  options.role = role_;
  options.host = host;
  options.record_size_max = splits_.record;
  ReactorCore& core = reactor.core();
  TlsStream& stream =
      *TlsPools::of(core).streams->take(core, tcp, events, native_, options, nullptr);
  // What TCP tells is no business of a stream's users: only this kind of cast sees that base.
  tcp.set_events(splitters_.emplace_back((ByteStreamEvents&)stream, splits_.ciphertext));
  return stream;
}

}  // namespace ringdown
