// A TLS session, either role, whose peer says what it likes, cut where it likes: nothing is
// delivered, no handshake is done, and FIN ends it with a failure that has a name.
#include "tls_peer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ringdown;
  using namespace ringdown::fuzz;
  FuzzInput input(data, size);
  const unsigned mode = input.byte();
  const bool is_server = (mode & 1U) != 0;
  protocol::TlsSessionOptions options;
  options.role = is_server ? Role::server : Role::client;
  if ((mode & 2U) != 0) options.host = "server.test";
  if ((mode & 4U) != 0) options.handshake_input_max = 100;
  Cuts cuts(input);
  TlsPeer peer(is_server ? server_context((mode & 16U) != 0) : client_context(), options);
  for (auto bytes = input.rest(); !bytes.empty();) {
    const std::size_t piece = cuts.next(bytes.size());
    peer.receive(bytes.first(piece));
    bytes = bytes.subspan(piece);
    peer.write("too early");
    if ((mode & 8U) != 0) peer.shutdown();
  }
  peer.receive_end();
  RINGDOWN_CHECK(peer.failed() && !peer.session().handshake_done());
  RINGDOWN_CHECK(peer.received().empty() && peer.written().empty());
  return 0;
}
