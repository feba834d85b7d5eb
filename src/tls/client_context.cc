// What clients share: whom they trust, and the tickets that servers gave them.
#include <utility>

#include "tls/kept_tickets.h"
#include "tls/system_roots.h"
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
    const protocol::TlsTicket ticket = tickets_.take(host);
    const protocol::TlsSessionOptions session{.role = Role::client,
                                              .host = host,
                                              .verify = options_.verify,
                                              .tolerates = options_.tolerates,
                                              .lacks_system_roots = lacks_system_roots_,
                                              .alpn = alpn,
                                              .resume = &ticket,
                                              .keep_tickets = options_.resume_sessions};
    return *TlsPools::of(reactor).streams->take(reactor, tcp, events, context_.get(), session,
                                                options_.resume_sessions ? this : nullptr);
  }

  void keep(std::string_view host, protocol::TlsTicket ticket) override {
    tickets_.keep(host, std::move(ticket));
  }
  void forget(std::string_view host) override { tickets_.forget_shared(host); }

 private:
  void trust_roots() {
    const bool others = !options_.ca_file.empty() || !options_.ca_certificates.empty();
    if (!others) {
      if (!options_.system_roots) {
        throw SetupError("TLS: nobody is trusted: system_roots is off, and there is no ca_file",
                         Error(EINVAL));
      }
      SystemRoots roots = shared_system_roots();
      lacks_system_roots_ = !roots.any;
      SSL_CTX_set_cert_store(context_.get(), roots.store.release());
      return;
    }
    Owned<X509_STORE> store(X509_STORE_new());
    if (options_.system_roots) lacks_system_roots_ = !add_system_roots(store.get());
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
  bool lacks_system_roots_ = false;  // they were wanted
  KeptTickets tickets_;
};

TlsClientContext::TlsClientContext(const TlsClientOptions& options)
    : core_(std::make_unique<Core>(options)) {}
TlsClientContext::~TlsClientContext() = default;

SecureStream& TlsClientContext::make_stream(Reactor& reactor, TcpStream& tcp,
                                            ByteStreamEvents& events, std::string_view host) {
  reactor.core().check_thread();
  return core_->make_stream(reactor.core(), tcp, events, host);
}

void* TlsClientContext::native() const noexcept { return core_->context(); }

}  // namespace ringdown
