#include "certificate_files.h"

#include <openssl/bio.h>
#include <openssl/pem.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/check.h"

namespace ringdown {
namespace {

std::string text_of(BIO* bio) {
  const std::uint8_t* bytes = nullptr;
  std::size_t size = 0;
  RINGDOWN_CHECK(BIO_mem_contents(bio, &bytes, &size) == 1);
  return {reinterpret_cast<const char*>(bytes), size};
}

}  // namespace

CertificateFiles::CertificateFiles() {
  std::string pattern = std::filesystem::temp_directory_path() / "ringdown-XXXXXX";
  RINGDOWN_CHECK(::mkdtemp(pattern.data()) != nullptr);
  directory_ = pattern;
}

CertificateFiles::~CertificateFiles() { std::filesystem::remove_all(directory_); }

std::string CertificateFiles::pem(const Identity& identity) {
  const bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  RINGDOWN_CHECK(PEM_write_bio_X509(bio.get(), identity.certificate.get()) == 1);
  return text_of(bio.get());
}

TlsCertificate CertificateFiles::write(const Identity& identity) {
  const std::string stem = directory_ + "/" + std::to_string(++count_);
  const TlsCertificate paths{stem + ".crt", stem + ".key"};
  write_to(paths, identity);
  return paths;
}

void CertificateFiles::write_to(const TlsCertificate& paths, const Identity& identity) {
  std::ofstream(paths.chain_file) << pem(identity);
  const bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  RINGDOWN_CHECK(PEM_write_bio_PrivateKey(bio.get(), identity.key.get(), nullptr, nullptr, 0,
                                          nullptr, nullptr) == 1);
  std::ofstream(paths.key_file) << text_of(bio.get());
}

}  // namespace ringdown
