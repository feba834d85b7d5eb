// Resolving host names: literals at once, names on the reactor's resolver threads.
#include <netdb.h>

#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/handler.h"
#include "net/net_extension.h"
#include "net/resolve_request.h"
#include "ringdown/tcp.h"

namespace ringdown {
namespace {

constexpr std::size_t host_size_max = 253;  // RFC 1035, 2.3.4: 255 octets on the wire

// "[::1]" is how a URL has it (RFC 3986, 3.2.2).
std::optional<SocketAddress> parse_literal(std::string_view host, std::uint16_t port) {
  if (host.starts_with("unix:")) return SocketAddress::parse(host);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  return SocketAddress::from_ip(host, port);
}

}  // namespace

Resolve::Resolve() = default;
Resolve::~Resolve() { RINGDOWN_CHECK(!in_flight()); }
bool Resolve::in_flight() const noexcept { return request_ && request_->in_flight; }

Start Resolve::start(Reactor& reactor, std::string_view host, std::uint16_t port, Handler handler) {
  reactor.core().check_thread();
  if (in_flight()) return Start::busy;
  if (reactor.core().is_ending()) return Start::wrong_state;
  if (host.empty() || host.size() > host_size_max) return Start::bad_argument;
  if (!host.starts_with("unix:") && host.find('\0') != host.npos) return Start::bad_argument;
  try {
    return begin(reactor.core(), host, port, std::move(handler));
  } catch (const std::bad_alloc&) {
    return Start::busy;
  }
}

Start Resolve::begin(ReactorCore& core, std::string_view host, std::uint16_t port,
                     Handler handler) {
  // Made only now: a dial to an address has no use for it.
  if (!request_) request_ = std::make_shared<Request>();
  Request& request = *request_;
  request.host = host;
  request.port = port;
  request.handler = std::move(handler);
  request.result = {};
  request.reactor = &core;
  if (const auto literal = parse_literal(host, port)) {
    request.result.addresses.push_back(*literal);
  } else if (host.starts_with("unix:")) {
    request.result.code = EAI_NONAME;
  } else if (NetExtension::of(core).resolver().resolve(request)) {
    request.in_flight = true;
    return Start::io_pending;
  } else {
    request.result.code = EAI_AGAIN;
  }
  request.in_flight = true;
  core.post(request.task);
  return Start::io_pending;
}

void Resolve::cancel() {
  if (!in_flight()) return;
  ReactorCore& core = *request_->reactor;
  core.check_thread();
  if (!NetExtension::of(core).resolver().give_up(*request_)) return;  // its result is on its way
  request_->result.code = EAI_CANCELED;
  core.post(request_->task);
}

// The handler may start the same Resolve anew, or destroy it.
void Resolve::Request::deliver() {
  const std::shared_ptr<Request> self = shared_from_this();
  const Handler handle = std::move(handler);
  const Result delivered = std::move(result);
  in_flight = false;
  call_handler("Resolve::Handler", [&] { handle(delivered); });
}

}  // namespace ringdown
