#include "websocket/server_opening.h"
#include "base/handler.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <utility>
#include <vector>

namespace ringdown {
namespace {

// RFC 8446 5.1: ContentType handshake, and a version of 3 and something. No method begins so.
bool begins_tls(MutableBytes bytes) noexcept {
  return bytes[0] == std::byte{22} && (bytes.size() == 1 || bytes[1] == std::byte{3});
}

class RequestView final : public UpgradeView {
 public:
  RequestView(const protocol::UpgradeRequest& request, const SocketAddress& peer,
              const Connection& connection) noexcept
      : request_(request), peer_(peer), connection_(connection) {}
  const SocketAddress& peer() const override { return peer_; }
  TlsView tls() const override { return connection_.tls(); }
  std::string_view target() const override { return request_.target; }
  std::string_view host() const override { return request_.host; }
  std::string_view origin() const override { return request_.origin; }
  std::string_view header(std::string_view name) const override { return request_.find(name); }
  std::size_t subprotocol_count() const override { return request_.subprotocols().size(); }
  std::string_view subprotocol(std::size_t index) const override {
    return request_.subprotocols()[index];
  }

 private:
  const protocol::UpgradeRequest& request_;
  const SocketAddress& peer_;
  const Connection& connection_;
};

// See UpgradeAnswer; what would break the head is found when it is written.
bool is_sendable(const UpgradeAnswer& answer, const protocol::UpgradeRequest& request) noexcept {
  if (answer.refuse_with != 0) return answer.refuse_with >= 400 && answer.refuse_with <= 599;
  const auto offered = request.subprotocols();
  return answer.subprotocol.empty() ||
         std::find(offered.begin(), offered.end(), answer.subprotocol) != offered.end();
}

// What may be sent to a client that has the usual limits.
constexpr protocol::HeadLimits answer_limits;
// Most answers have a subprotocol at most.
constexpr std::size_t usual_answer_size = 1024;

// Not less than the 101 takes; what the handshake itself writes has 129 bytes.
std::size_t answer_size_max(const UpgradeAnswer& answer) noexcept {
  std::size_t size = 256 + answer.subprotocol.size();
  for (const Header& header : answer.headers) size += header.name.size() + header.value.size() + 4;
  return size;
}

}  // namespace

ServerOpening::ServerOpening(Connection& connection, Server::Core& server,
                             const SocketAddress& peer) noexcept
    : connection_(connection),
      server_(server),
      peer_(peer),
      head_(connection.pools(), HeadReader::Kind::request, server.options) {}

std::size_t ServerOpening::receive(MutableBytes bytes) {
  if (is_over()) return bytes.size();
  server_.admission().advance(*this, OpeningProgress::reading);
  const bool begins = !std::exchange(begun_, true);
  std::size_t used = head_.receive(bytes);
  while (head_.lacks_memory() && server_.admission().evict_for_head(*this)) {
    used = head_.receive(bytes);
  }
  switch (head_.verdict()) {
    case HeadReader::Verdict::incomplete: break;
    case HeadReader::Verdict::complete: answer(); break;
    case HeadReader::Verdict::malformed:
    case HeadReader::Verdict::too_large:
    case HeadReader::Verdict::too_many_fields: {
      if (begins && !server_.is_secure() && begins_tls(bytes)) {
        ++server_.tally().unexpected_tls;
        refuse(400, "unexpected_tls", OpenFailure::unexpected_tls);
        break;
      }
      if (head_.lacks_memory()) {
        refuse(503, protocol::http_phrase(503));
        break;
      }
      const protocol::UpgradeRefusal refusal = protocol::refusal_for(head_.verdict());
      refuse(protocol::http_status(refusal), protocol::name(refusal));
      break;
    }
  }
  return used;
}

void ServerOpening::answer() {
  protocol::UpgradeRequest request;
  const protocol::UpgradeRefusal refusal = protocol::parse_upgrade_request(
      head_.head(), request, HeadReader::limits_of(server_.options));
  if (refusal != protocol::UpgradeRefusal::none) {
    return refuse(protocol::http_status(refusal), protocol::name(refusal));
  }
  const UpgradeAnswer answer = call_handler("ServerEvents::on_upgrade", [&] {
    return server_.events().on_upgrade(RequestView(request, peer_, connection_));
  });
  failed_.user_value = answer.user_value;
  if (is_over()) return;  // it aborted all connections
  if (!is_sendable(answer, request)) return refuse(500, protocol::http_phrase(500));
  if (answer.refuse_with != 0) {
    const std::string_view phrase = answer.refuse_reason.empty()
                                        ? protocol::http_phrase(answer.refuse_with)
                                        : std::string_view(answer.refuse_reason);
    return refuse(answer.refuse_with, phrase);
  }
  if (!queue_switch(request, answer)) return refuse(500, protocol::http_phrase(500));
  if (answer.events != nullptr) connection_.set_events(*answer.events);
  connection_.set_user_value(answer.user_value);
  ++server_.tally().opened;
  connection_.open(server_.subprotocols().hold(answer.subprotocol));
}

// False: there is a field that cannot be sent, or too much of them.
bool ServerOpening::queue_switch(const protocol::UpgradeRequest& request,
                                 const UpgradeAnswer& answer) {
  const std::size_t room = answer_size_max(answer);
  if (room > answer_limits.size_max || answer.headers.size() > answer_limits.fields_max - 4) {
    return false;
  }
  // Without headers, and with little text, nothing is allocated.
  std::vector<protocol::HeaderField> extra;
  for (const auto& [name, value] : answer.headers) extra.push_back({.name = name, .value = value});
  std::array<char, usual_answer_size> usual;
  std::vector<char> large(room > usual.size() ? room : 0);
  const std::span<char> response = large.empty() ? std::span<char>(usual) : std::span<char>(large);
  const std::size_t size =
      protocol::write_upgrade_response(response, request.key, answer.subprotocol, extra);
  if (size == 0) return false;
  if (request.expects_continue) connection_.queue_raw(protocol::continue_response);
  connection_.queue_raw(response.first(size));
  return true;
}

void ServerOpening::refuse(int http_status, std::string_view phrase, OpenFailure failure) {
  server_.admission().advance(*this, OpeningProgress::ending);
  failed_.failure = failure;
  failed_.http_status = http_status;
  ++server_.tally().refused;
  std::array<char, 1024> response;
  std::size_t size = protocol::write_refusal(response, http_status, phrase);
  if (size == 0) size = protocol::write_refusal(response, http_status, "Refused");
  connection_.queue_raw(std::span(response).first(size));
  head_.restart();  // it is looked at no more, while the refusal is on its way
  connection_.refuse();
}

void ServerOpening::fail(OpenFailure failure, Error error) {
  if (!is_over()) {
    server_.admission().advance(*this, OpeningProgress::ending);
    const TlsFacts tls = connection_.tls_facts();
    failed_.failure = failure;
    failed_.error = error;
    failed_.tls = tls.failure;
    failed_.tls_detail = tls.failure_detail;
    ServerTally& tally = server_.tally();
    if (error == Error(ENOMEM)) ++tally.out_of_memory;
    switch (failure) {
      case OpenFailure::timed_out:
        ++tally.open_timed_out;
        if (server_.is_secure() && !tls.secured) ++tally.tls_timed_out;
        break;
      case OpenFailure::tls_failed: ++tally.tls_failed; break;
      case OpenFailure::evicted: ++tally.open_evicted; break;
      default: ++tally.open_dropped; break;
    }
  }
  static_cast<void>(connection_.stream().abort());
}

void ServerOpening::receive_handshake() {
  server_.admission().advance(*this, OpeningProgress::securing);
}

void ServerOpening::evict() {
  connection_.give_up_place();
  fail(OpenFailure::evicted, Error(ECONNABORTED));
}

void ServerOpening::evict_for_head() {
  fail(OpenFailure::evicted, Error(ECONNABORTED));
  head_.restart();
}

void ServerOpening::leave(TimePoint deadline) {
  server_.admission().advance(*this, OpeningProgress::ending);
  failed_ = {.failure = OpenFailure::aborted, .error = Error(ECONNABORTED)};
  ++server_.tally().open_dropped;
  connection_.refuse(deadline);
}

void ServerOpening::end_by(TimePoint deadline) { connection_.leave(deadline); }

void ServerOpening::finish() {
  server_.admission().end(*this);
  if (is_over()) {
    call_handler("ServerEvents::on_upgrade_failed",
                 [&] { server_.events().on_upgrade_failed(peer_, failed_); });
  }
  connection_.pools().server_openings->give_back(this);
}

}  // namespace ringdown
