// A TLS client and a TLS server, and between them somebody who flips, cuts, inserts, repeats and
// withholds what they say. What one reads is the beginning of what the other wrote, all of it if it
// ends with close_notify; a handshake that both think done agreed on one thing, and on the newest
// version, and the host the client asked for; with nobody in between all arrives.
#include "tls_peer.h"

namespace ringdown::fuzz {
namespace {

using protocol::TlsReadKind;
using protocol::TlsSessionOptions;

constexpr std::string_view host = "server.test";

struct Wire {
  TlsPeer& from;
  TlsPeer& to;
  std::vector<std::byte> bytes{};  // on their way
  bool ended = false;

  void collect(std::size_t size) {
    const auto more = from.take_output(size);
    bytes.insert(bytes.end(), more.begin(), more.end());
  }
  void collect() { collect(from.session().output_size()); }
  // Answers whether there was anything.
  bool carry(std::size_t size) {
    collect();
    const auto count = static_cast<std::ptrdiff_t>(std::min(size, bytes.size()));
    if (count == 0) return false;
    const std::vector<std::byte> front(bytes.begin(), bytes.begin() + count);
    bytes.erase(bytes.begin(), bytes.begin() + count);
    if (!ended) to.receive(front);
    return true;
  }
  void end() {
    if (!ended) to.receive_end();
    ended = true;
  }
};

class Conversation {
 public:
  Conversation(FuzzInput& input, const TlsSessionOptions& client_options, bool only_1_2, bool lazy)
      : input_(input),
        offers_(!client_options.alpn.empty()),
        resumes_(client_options.resume != nullptr),
        only_1_2_(only_1_2),
        lazy_(lazy),
        other_host_(client_options.host != host),
        client_(client_context(), client_options, lazy),
        server_(server_context(only_1_2), {.role = Role::server}) {}

  void run() {
    while (!input_.empty()) act();
    carry_all();
    for (TlsPeer* const peer : {&client_, &server_}) {
      peer->write("the last word");
      peer->shutdown();
    }
    carry_all();
    if (!disturbed_ && !lazy_) {
      // Nothing waits for FIN, which only now may come.
      RINGDOWN_CHECK(server_.received() == client_.written());
      RINGDOWN_CHECK(client_.received() == server_.written());
    }
    to_server_.end();
    to_client_.end();
    if (other_host_) return check_nothing_said();
    check_reader(client_, server_);
    check_reader(server_, client_);
    check_agreement();
  }

  TlsPeer& client() noexcept { return client_; }

 private:
  // An act takes three bytes: what and in which direction, where, how.
  void act() {
    const unsigned what = input_.byte();
    Wire& wire = (what & 1U) != 0 ? to_client_ : to_server_;
    const std::size_t where = input_.byte();
    const unsigned how = input_.byte();
    switch (what >> 1 & 15U) {
      case 0: return carry_all();
      case 1: wire.carry(where * (how + 1)); return;
      case 2: return wire.collect(where * (how + 1));
      case 3: return wire.from.write(std::string(where * (1 + how % 64), letter(how)));
      case 4: return wire.from.shutdown();
      case 5: return wire.from.update_keys();
      default: break;
    }
    disturb(wire, what >> 1 & 15U, where, how);
  }

  static char letter(unsigned number) { return static_cast<char>('a' + number % 26); }

  void disturb(Wire& wire, unsigned what, std::size_t where, unsigned how) {
    disturbed_ = true;
    wire.collect();
    const std::size_t at = std::min(where * (1 + how / 16 % 8), wire.bytes.size());
    const auto place = wire.bytes.begin() + static_cast<std::ptrdiff_t>(at);
    const auto left = static_cast<std::size_t>(wire.bytes.end() - place);
    const auto until = place + static_cast<std::ptrdiff_t>(std::min<std::size_t>(how, left));
    switch (what) {
      case 6: wire.bytes.erase(place, until); break;
      case 7: wire.bytes.insert(place, std::byte(how)); break;
      case 8: {
        const std::vector<std::byte> again(place, until);
        wire.bytes.insert(until, again.begin(), again.end());
        break;
      }
      case 9: {  // as much of the fuzzer's own
        const auto own = input_.take(how);
        wire.bytes.insert(place, own.begin(), own.end());
        break;
      }
      case 10: std::swap(to_client_.bytes, to_server_.bytes); break;
      case 11: wire.end(); break;
      default:
        if (left != 0) *place ^= std::byte(how);
        break;
    }
  }

  void carry_all() {
    constexpr std::size_t all = ~std::size_t{};
    for (bool moved = true; moved;) {
      moved = to_server_.carry(all);
      moved = to_client_.carry(all) || moved;
    }
  }

  void check_reader(const TlsPeer& reader, const TlsPeer& writer) const {
    RINGDOWN_CHECK(writer.written().starts_with(reader.received()));
    if (reader.read_end() == TlsReadKind::end_of_data) {
      RINGDOWN_CHECK(writer.was_shut_down() && reader.received() == writer.written());
    }
    if (!disturbed_) RINGDOWN_CHECK(reader.read_end() == TlsReadKind::end_of_data);
  }

  void check_nothing_said() {
    RINGDOWN_CHECK(!client_.session().handshake_done() && !server_.session().handshake_done());
    RINGDOWN_CHECK(disturbed_ || client_.session().failure() == TlsFailure::host_mismatch);
  }

  void check_agreement() {
    auto& client = client_.session();
    auto& server = server_.session();
    if (!disturbed_) RINGDOWN_CHECK(client.handshake_done() && server.handshake_done());
    if (!client.handshake_done() || !server.handshake_done()) return;
    RINGDOWN_CHECK(client.version() == (only_1_2_ ? "TLSv1.2" : "TLSv1.3"));
    RINGDOWN_CHECK(client.version() == server.version());
    RINGDOWN_CHECK(client.cipher() == server.cipher());
    RINGDOWN_CHECK(client.alpn() == server.alpn() && client.alpn().empty() == !offers_);
    RINGDOWN_CHECK(client.resumed() == server.resumed());
    RINGDOWN_CHECK(disturbed_ || client.resumed() == resumes_);
    RINGDOWN_CHECK(server.server_name() == host);
    RINGDOWN_CHECK(!client.peer_certificate().empty() && server.peer_certificate().empty());
  }

  FuzzInput& input_;
  bool offers_;  // ALPN
  bool resumes_;
  bool only_1_2_;
  bool lazy_;
  bool other_host_;
  TlsPeer client_;
  TlsPeer server_;
  Wire to_server_{client_, server_};
  Wire to_client_{server_, client_};
  bool disturbed_ = false;
};

// A ticket of an earlier conversation.
const protocol::TlsTicket& ticket_of(bool only_1_2) {
  static protocol::TlsTicket tickets[2];
  auto& ticket = tickets[only_1_2 ? 1 : 0];
  if (ticket) return ticket;
  const std::uint8_t server_writes[] = {0, 0, 0, 7, 1, 1, 0, 0, 0};
  FuzzInput acts(server_writes, sizeof server_writes);
  Conversation conversation(acts, {.host = host, .keep_tickets = true}, only_1_2, false);
  conversation.run();
  ticket = conversation.client().session().take_ticket();
  RINGDOWN_CHECK(ticket);
  return ticket;
}

}  // namespace
}  // namespace ringdown::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ringdown;
  using namespace ringdown::fuzz;
  constexpr std::string_view protocols[] = {"http/1.1"};
  FuzzInput input(data, size);
  const unsigned mode = input.byte();
  const bool only_1_2 = (mode & 1U) != 0;
  protocol::TlsSessionOptions options{.host = host};
  options.keep_tickets = (mode & 2U) != 0;
  if ((mode & 4U) != 0) options.resume = &ticket_of(only_1_2);
  if ((mode & 8U) != 0) options.record_size_max = 100;
  if ((mode & 16U) != 0) options.alpn = protocols;
  options.verify = (mode & 32U) == 0;
  const bool has_other_host = (mode & 128U) != 0 && options.verify && options.resume == nullptr;
  if (has_other_host) options.host = "other.test";
  Conversation(input, options, only_1_2, (mode & 64U) != 0).run();
  return 0;
}
