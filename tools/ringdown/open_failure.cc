#include "open_failure.h"

namespace ringdown::program {

std::string reason_of(const OpenFailed& failed) {
  std::string reason(name(failed.failure));
  switch (failed.failure) {
    case OpenFailure::none:
    case OpenFailure::bad_url:
    case OpenFailure::no_socket:
    case OpenFailure::not_resolved:
    case OpenFailure::not_connected:
      return failed.error ? std::string(failed.error.name()) : reason;
    case OpenFailure::http_status: return reason + '_' + std::to_string(failed.http_status);
    case OpenFailure::tls_failed:
      return failed.tls == TlsFailure::alert_received
                 ? "tls_alert_" + std::string(alert_name(failed.tls_detail))
                 : "tls_" + std::string(name(failed.tls));
    case OpenFailure::aborted:
    case OpenFailure::timed_out:
    case OpenFailure::dropped:
    case OpenFailure::not_http:
    case OpenFailure::upgrade_missing:
    case OpenFailure::connection_missing:
    case OpenFailure::accept_missing:
    case OpenFailure::accept_wrong:
    case OpenFailure::subprotocol_not_offered:
    case OpenFailure::extension_not_offered:
    case OpenFailure::head_too_large:
    case OpenFailure::unexpected_tls: return reason;
  }
  return reason;
}

}  // namespace ringdown::program
