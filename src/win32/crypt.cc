// <wincrypt.h>: that there is nothing of it.
#include "ringdown/win32_crypt.h"

namespace {

template <class Result>
Result refuse() {
  SetLastError(ERROR_NOT_SUPPORTED);
  return Result{};
}

}  // namespace

HCERTSTORE CertOpenStore(LPCSTR, DWORD, HCRYPTPROV_LEGACY, DWORD, const void*) {
  return refuse<HCERTSTORE>();
}
HCERTSTORE CertOpenSystemStoreA(HCRYPTPROV_LEGACY, LPCSTR) { return refuse<HCERTSTORE>(); }
HCERTSTORE CertOpenSystemStoreW(HCRYPTPROV_LEGACY, LPCWSTR) { return refuse<HCERTSTORE>(); }
PCCERT_CONTEXT CertFindCertificateInStore(HCERTSTORE, DWORD, DWORD, DWORD, const void*,
                                          PCCERT_CONTEXT) {
  return refuse<PCCERT_CONTEXT>();
}
PCCERT_CONTEXT CertEnumCertificatesInStore(HCERTSTORE, PCCERT_CONTEXT) {
  return refuse<PCCERT_CONTEXT>();
}
BOOL CertCloseStore(HCERTSTORE, DWORD) { return refuse<BOOL>(); }
BOOL CertFreeCertificateContext(PCCERT_CONTEXT) { return TRUE; }

extern "C" RINGDOWN_C_API HCERTSTORE ringdown_CertOpenSystemStoreW_utf16(HCRYPTPROV_LEGACY,
                                                                         const char16_t*) {
  return refuse<HCERTSTORE>();
}
