// The types of <wincrypt.h> that programs of WinHTTP name, and calls that say that there is nothing
// of it: client certificates are not honoured here, and the server's is not shown. C99 and C++.
#pragma once

#include "win32.h"

typedef ULONG_PTR HCRYPTPROV;
typedef ULONG_PTR HCRYPTPROV_LEGACY;
typedef void* HCERTSTORE;

typedef struct _CRYPTOAPI_BLOB {
  DWORD cbData;
  BYTE* pbData;
} CRYPT_INTEGER_BLOB, CERT_NAME_BLOB, CRYPT_DATA_BLOB, CRYPT_HASH_BLOB, DATA_BLOB;

typedef struct _CERT_INFO CERT_INFO, *PCERT_INFO;  // no program gets one
typedef struct _CERT_CONTEXT {
  DWORD dwCertEncodingType;
  BYTE* pbCertEncoded;
  DWORD cbCertEncoded;
  PCERT_INFO pCertInfo;
  HCERTSTORE hCertStore;
} CERT_CONTEXT, *PCERT_CONTEXT;
typedef const CERT_CONTEXT* PCCERT_CONTEXT;

#define X509_ASN_ENCODING 0x00000001U
#define PKCS_7_ASN_ENCODING 0x00010000U
#define CERT_STORE_PROV_SYSTEM_A ((LPCSTR)9)
#define CERT_STORE_PROV_SYSTEM_W ((LPCSTR)10)
#define CERT_STORE_PROV_SYSTEM CERT_STORE_PROV_SYSTEM_W
#define CERT_STORE_READONLY_FLAG 0x00008000U
#define CERT_STORE_OPEN_EXISTING_FLAG 0x00004000U
#define CERT_SYSTEM_STORE_CURRENT_USER 0x00010000U
#define CERT_SYSTEM_STORE_LOCAL_MACHINE 0x00020000U
#define CERT_FIND_ANY 0
#define CERT_FIND_SUBJECT_STR_A 0x00070007U
#define CERT_FIND_SUBJECT_STR_W 0x00080007U
#define CERT_FIND_SUBJECT_STR CERT_FIND_SUBJECT_STR_W
#define CERT_NAME_SIMPLE_DISPLAY_TYPE 4

#ifdef __cplusplus
extern "C" {
#endif

// NULL, and ERROR_NOT_SUPPORTED.
RINGDOWN_C_API HCERTSTORE CertOpenStore(LPCSTR provider, DWORD encoding, HCRYPTPROV_LEGACY unused,
                                        DWORD flags, const void* parameter)
    RINGDOWN_SYMBOL(CertOpenStore);
RINGDOWN_C_API HCERTSTORE CertOpenSystemStoreA(HCRYPTPROV_LEGACY unused, LPCSTR name)
    RINGDOWN_SYMBOL(CertOpenSystemStoreA);
RINGDOWN_C_API HCERTSTORE CertOpenSystemStoreW(HCRYPTPROV_LEGACY unused, LPCWSTR name)
    RINGDOWN_WIDE(CertOpenSystemStoreW);
RINGDOWN_C_API HCERTSTORE CertOpenSystemStore(HCRYPTPROV_LEGACY unused, LPCTSTR name)
    RINGDOWN_TEXT(CertOpenSystemStore);
RINGDOWN_C_API PCCERT_CONTEXT CertFindCertificateInStore(HCERTSTORE store, DWORD encoding,
                                                         DWORD flags, DWORD type,
                                                         const void* wanted, PCCERT_CONTEXT before)
    RINGDOWN_SYMBOL(CertFindCertificateInStore);
RINGDOWN_C_API PCCERT_CONTEXT CertEnumCertificatesInStore(HCERTSTORE store, PCCERT_CONTEXT before)
    RINGDOWN_SYMBOL(CertEnumCertificatesInStore);

// FALSE, and ERROR_NOT_SUPPORTED.
RINGDOWN_C_API BOOL CertCloseStore(HCERTSTORE store, DWORD flags) RINGDOWN_SYMBOL(CertCloseStore);

// TRUE: there is none to be freed. Of NULL, as on Windows.
RINGDOWN_C_API BOOL CertFreeCertificateContext(PCCERT_CONTEXT certificate)
    RINGDOWN_SYMBOL(CertFreeCertificateContext);

#ifdef __cplusplus
}
#endif
