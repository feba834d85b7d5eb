#include "winhttp/status_map.h"

#include <cerrno>

namespace ringdown::winhttp {

DWORD error_of(Error error) noexcept {
  switch (error.errno_value()) {
    case 0: return ERROR_SUCCESS;
    case ETIMEDOUT: return ERROR_WINHTTP_TIMEOUT;
    case ENOMEM:
    case ENOBUFS: return ERROR_NOT_ENOUGH_MEMORY;
    case EPROTO: return ERROR_WINHTTP_INVALID_SERVER_RESPONSE;
    default: return ERROR_WINHTTP_CONNECTION_ERROR;
  }
}

DWORD error_of_connect(Error error) noexcept {
  switch (error.errno_value()) {
    case ETIMEDOUT: return ERROR_WINHTTP_TIMEOUT;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS: return ERROR_NOT_ENOUGH_MEMORY;
    default: return ERROR_WINHTTP_CANNOT_CONNECT;
  }
}

// A frame of 4 GiB or more is legal, but its length is no DWORD.
DWORD error_of(Violation violation) noexcept {
  return violation == Violation::message_too_big ? ERROR_NOT_SUPPORTED
                                                 : ERROR_WINHTTP_INVALID_SERVER_RESPONSE;
}

DWORD secure_failure_flags(TlsFailure failure) noexcept {
  switch (failure) {
    case TlsFailure::certificate_expired:
    case TlsFailure::certificate_not_yet_valid:
      return WINHTTP_CALLBACK_STATUS_FLAG_CERT_DATE_INVALID;
    case TlsFailure::certificate_self_signed:
    case TlsFailure::no_ca_certificates:
    case TlsFailure::certificate_unknown_issuer: return WINHTTP_CALLBACK_STATUS_FLAG_INVALID_CA;
    case TlsFailure::certificate_revoked: return WINHTTP_CALLBACK_STATUS_FLAG_CERT_REVOKED;
    case TlsFailure::certificate_wrong_purpose:
      return WINHTTP_CALLBACK_STATUS_FLAG_CERT_WRONG_USAGE;
    case TlsFailure::certificate_weak:
    case TlsFailure::certificate_invalid: return WINHTTP_CALLBACK_STATUS_FLAG_INVALID_CERT;
    case TlsFailure::host_mismatch: return WINHTTP_CALLBACK_STATUS_FLAG_CERT_CN_INVALID;
    default: return WINHTTP_CALLBACK_STATUS_FLAG_SECURITY_CHANNEL_ERROR;
  }
}

}  // namespace ringdown::winhttp
