// The certificates of the tests, as files in a directory of its own.
#pragma once

#include <string>

#include "protocol/tls_certificates.h"
#include "ringdown/tls.h"

namespace ringdown {

class CertificateFiles {
 public:
  CertificateFiles();
  ~CertificateFiles();
  CertificateFiles(const CertificateFiles&) = delete;
  CertificateFiles& operator=(const CertificateFiles&) = delete;

  using Identity = protocol::testing::Identity;
  TlsCertificate write(const Identity& identity);
  void write_to(const TlsCertificate& paths, const Identity& identity);
  static std::string pem(const Identity& identity);  // of the certificate

 private:
  std::string directory_;
  int count_ = 0;
};

}  // namespace ringdown
