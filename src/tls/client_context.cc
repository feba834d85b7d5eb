// What clients share: whom they trust, and the tickets that servers gave them.
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "tls/tls_files.h"
#include "tls/tls_stream.h"

namespace ringdown {

class TlsClientContext::Core final : public TicketStore {
 public:
  explicit Core(const TlsClientOptions& wanted) : options_(wanted) {
    context_ = make_context(options_.version_min, options_.version_max);
    if (options_.verify) trust_roots();
    if (!options_.certificate.chain_file.empty()) {
      use_certificate(context_.get(), options_.certificate);
    }
  }

  SSL_CTX* context() const noexcept { return context_.get(); }

  SecureStream& make_stream(ReactorCore& reactor, TcpStream& tcp, ByteStreamEvents& events,
                            std::string_view host) {
    static constexpr std::string_view alpn[] = {"http/1.1"};
    const protocol::TlsTicket ticket = take(host);
    const protocol::TlsSessionOptions session{.role = Role::client,
                                              .host = host,
                                              .verify = options_.verify,
                                              .tolerates = options_.tolerates,
                                              .alpn = alpn,
                                              .resume = &ticket,
                                              .keep_tickets = options_.resume_sessions};
    return *TlsPools::of(reactor).streams->take(reactor, tcp, events, context_.get(), session,
                                                options_.resume_sessions ? this : nullptr);
  }

  void keep(std::string_view host, protocol::TlsTicket ticket) override {
    const std::lock_guard lock(mutex_);
    auto found = tickets_.find(host);
    if (found == tickets_.end()) {
      if (tickets_.size() >= hosts_max) tickets_.erase(tickets_.begin());
      found = tickets_.try_emplace(std::string(host)).first;
    }
    std::vector<protocol::TlsTicket>& kept = found->second;
    if (!ticket.is_for_one_use()) drop_shared(kept);  // this one replaces it
    if (kept.size() >= tickets_max) kept.erase(kept.begin());
    kept.push_back(std::move(ticket));
  }

  void forget(std::string_view host) override {
    const std::lock_guard lock(mutex_);
    const auto found = tickets_.find(host);
    if (found != tickets_.end()) drop_shared(found->second);
  }

 private:
  static constexpr std::size_t hosts_max = 256;
  // Of a host: where each is used once, so many handshakes may be in progress at once.
  static constexpr std::size_t tickets_max = 256;

  static void drop_shared(std::vector<protocol::TlsTicket>& kept) {
    std::erase_if(kept, [](const auto& ticket) { return !ticket.is_for_one_use(); });
  }

  protocol::TlsTicket take(std::string_view host) {
    const std::lock_guard lock(mutex_);
    const auto found = tickets_.find(host);
    if (found == tickets_.end() || found->second.empty()) return {};
    if (!found->second.back().is_for_one_use()) return found->second.back().share();
    protocol::TlsTicket ticket = std::move(found->second.back());
    found->second.pop_back();
    return ticket;
  }

  void trust_roots() {
    const bool others = !options_.ca_file.empty() || !options_.ca_certificates.empty();
    if (!others) {
      if (!options_.system_roots) {
        throw SetupError("TLS: nobody is trusted: system_roots is off, and there is no ca_file",
                         Error(EINVAL));
      }
      SSL_CTX_set_cert_store(context_.get(), shared_system_roots().release());
      return;
    }
    Owned<X509_STORE> store(X509_STORE_new());
    if (options_.system_roots) {
      try {
        trust(store.get(), read_file(system_roots_file), system_roots_file);
      } catch (const SetupError& missing) {
        if (missing.error() != Error(ENOENT)) throw;
      }
    }
    if (!options_.ca_file.empty()) {
      trust(store.get(), read_file(options_.ca_file), options_.ca_file);
    }
    if (!options_.ca_certificates.empty()) {
      trust(store.get(), options_.ca_certificates, "TlsClientOptions::ca_certificates");
    }
    SSL_CTX_set_cert_store(context_.get(), store.release());
  }

  TlsClientOptions options_;
  Owned<SSL_CTX> context_;
  std::mutex mutex_;
  std::map<std::string, std::vector<protocol::TlsTicket>, std::less<>> tickets_;
};

TlsClientContext::TlsClientContext(const TlsClientOptions& options)
    : core_(std::make_unique<Core>(options)) {}
TlsClientContext::~TlsClientContext() = default;

SecureStream& TlsClientContext::make_stream(Reactor& reactor, TcpStream& tcp,
                                            ByteStreamEvents& events, std::string_view host) {
  return core_->make_stream(reactor.core(), tcp, events, host);
}

void* TlsClientContext::native() const noexcept { return core_->context(); }

}  // namespace ringdown
