// Resolving host names: literals at once, names on the reactor's resolver thread.
#include <netdb.h>
#include <pthread.h>
#include <signal.h>

#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "base/check.h"
#include "net/net_extension.h"
#include "net/resolver_thread.h"
#include "ringdown/tcp.h"

namespace ringdown {

struct Resolve::Request : std::enable_shared_from_this<Request> {
  void deliver();

  std::string host;
  std::uint16_t port = 0;
  Handler handler;
  Result result;
  bool in_flight = false;  // the reactor's thread only
  Posted<&Request::deliver> task{*this};
};

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

// No AI_ADDRCONFIG: it would hide ::1 on a machine that has no other IPv6 address, and getaddrinfo
// sorts what cannot be reached to the end by itself (RFC 6724, rule 1).
Resolve::Result look_up(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  Resolve::Result result;
  result.code = getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (result.code != 0) return result;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    SocketAddress address = SocketAddress::from_native(entry->ai_addr, entry->ai_addrlen);
    if (address.family() == AF_UNSPEC) continue;
    address.set_port(port);
    result.addresses.push_back(address);
  }
  freeaddrinfo(found);
  return result;
}

}  // namespace

// --- the thread ---

ResolverThread::~ResolverThread() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    RINGDOWN_CHECK(waiting_.empty());
    ends_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

bool ResolverThread::resolve(std::shared_ptr<Resolve::Request> request) {
  if (!thread_.joinable() && !start()) return false;
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(request));
  }
  changed_.notify_one();
  return true;
}

// The application's signal handlers are not for this thread: it inherits a full mask.
bool ResolverThread::start() {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    thread_ = std::thread(&ResolverThread::run, this);
  } catch (const std::system_error&) {  // EAGAIN: too many threads
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread_.joinable();
}

std::shared_ptr<Resolve::Request> ResolverThread::next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return ends_ || !waiting_.empty(); });
  if (waiting_.empty()) return nullptr;
  std::shared_ptr<Resolve::Request> request = std::move(waiting_.front());
  waiting_.pop_front();
  return request;
}

void ResolverThread::run() {
  pthread_setname_np(pthread_self(), "ringdown-names");
  while (const std::shared_ptr<Resolve::Request> request = next()) {
    request->result = look_up(request->host, request->port);
    reactor_.post(request->task);
  }
}

// --- the operation ---

Resolve::Resolve() = default;
Resolve::~Resolve() { RINGDOWN_CHECK(!in_flight()); }
bool Resolve::in_flight() const noexcept { return request_ && request_->in_flight; }

Start Resolve::start(Reactor& reactor, std::string_view host, std::uint16_t port, Handler handler) {
  if (in_flight()) return Start::busy;
  if (host.empty() || host.size() > host_size_max) return Start::bad_argument;
  if (!host.starts_with("unix:") && host.find('\0') != host.npos) return Start::bad_argument;
  // Made only now: a dial to an address has no use for it.
  if (!request_) request_ = std::make_shared<Request>();
  Request& request = *request_;
  request.host = host;
  request.port = port;
  request.handler = std::move(handler);
  request.result = {};
  request.in_flight = true;
  ReactorCore& core = reactor.core();
  if (const auto literal = parse_literal(host, port)) {
    request.result.addresses.push_back(*literal);
  } else if (host.starts_with("unix:")) {
    request.result.code = EAI_NONAME;
  } else if (NetExtension::of(core).resolver().resolve(request_)) {
    return Start::io_pending;
  } else {
    request.result.code = EAI_AGAIN;
  }
  core.post(request.task);
  return Start::io_pending;
}

// The handler may start the same Resolve anew, or destroy it.
void Resolve::Request::deliver() {
  const std::shared_ptr<Request> self = shared_from_this();
  const Handler handle = std::move(handler);
  const Result delivered = std::move(result);
  in_flight = false;
  handle(delivered);
}

}  // namespace ringdown
