#include "tls_forger.h"

#include <openssl/aead.h>
#include <openssl/digest.h>
#include <openssl/hkdf.h>
#include <openssl/nid.h>

#include <string_view>
#include <utility>

#include "base/check.h"

namespace ringdown::protocol::testing {
namespace {

// Of the last handshake, in hexadecimal.
std::string last_client_secret;
std::string last_server_secret;

void note_secret(const SSL*, const char* text) noexcept {
  const std::string_view line(text);
  const std::string_view secret = line.substr(line.rfind(' ') + 1);
  if (line.starts_with("CLIENT_TRAFFIC_SECRET_0 ")) last_client_secret = secret;
  if (line.starts_with("SERVER_TRAFFIC_SECRET_0 ")) last_server_secret = secret;
}

int digit(char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; }

void put_number(std::string& out, std::uint64_t number, int bytes) {
  while (bytes-- > 0) out += static_cast<char>(number >> (8 * bytes));
}

}  // namespace

void TlsForger::watch(SSL_CTX* context) {
  SSL_CTX_set_keylog_callback(context, note_secret);
  RINGDOWN_CHECK(SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1);
}

TlsForger::TlsForger(const SSL* side)
    : tls13_(SSL_version(side) == TLS1_3_VERSION), sequence_(SSL_get_write_sequence(side)) {
  const SSL_CIPHER* const cipher = SSL_get_current_cipher(side);
  switch (SSL_CIPHER_get_cipher_nid(cipher)) {
    case NID_aes_128_gcm: aead_ = EVP_aead_aes_128_gcm(); break;
    case NID_aes_256_gcm: aead_ = EVP_aead_aes_256_gcm(); break;
    default: aead_ = EVP_aead_chacha20_poly1305(); break;
  }
  digest_ = aead_ == EVP_aead_aes_256_gcm() ? EVP_sha384() : EVP_sha256();  // RFC 8446 B.4
  explicit_nonce_ = !tls13_ && aead_ != EVP_aead_chacha20_poly1305();
  if (tls13_) {
    const std::string& secret = SSL_is_server(side) ? last_server_secret : last_client_secret;
    for (std::size_t i = 0; i + 1 < secret.size(); i += 2) {
      secret_.push_back(static_cast<std::uint8_t>(digit(secret[i]) * 16 + digit(secret[i + 1])));
    }
    take_keys_of_tls13();
  } else {
    take_keys_of_tls12(side);
  }
}

// RFC 8446 7.1.
TlsForger::Bytes TlsForger::expand(const std::string& label, std::size_t size) const {
  std::string info;
  put_number(info, size, 2);
  put_number(info, label.size() + 6, 1);
  info += "tls13 " + label;
  put_number(info, 0, 1);
  Bytes out(size);
  RINGDOWN_CHECK(HKDF_expand(out.data(), out.size(), digest_, secret_.data(), secret_.size(),
                             reinterpret_cast<const std::uint8_t*>(info.data()), info.size()) == 1);
  return out;
}

void TlsForger::take_keys_of_tls13() {
  key_ = expand("key", EVP_AEAD_key_length(aead_));
  iv_ = expand("iv", EVP_AEAD_nonce_length(aead_));
}

// RFC 5246 6.3: the client's key, the server's, their IVs; AEAD ciphers have no MAC keys.
void TlsForger::take_keys_of_tls12(const SSL* side) {
  Bytes block(SSL_get_key_block_len(side));
  RINGDOWN_CHECK(SSL_generate_key_block(side, block.data(), block.size()) == 1);
  const std::size_t key_size = EVP_AEAD_key_length(aead_);
  const std::size_t iv_size = explicit_nonce_ ? 4 : 12;
  const std::size_t second = SSL_is_server(side) ? 1 : 0;
  const auto take = [&block](std::size_t at, std::size_t size) {
    const auto begin = block.begin() + static_cast<std::ptrdiff_t>(at);
    return Bytes(begin, begin + static_cast<std::ptrdiff_t>(size));
  };
  key_ = take(second * key_size, key_size);
  iv_ = take(2 * key_size + second * iv_size, iv_size);
}

void TlsForger::put(Type type, const std::string& plain) {
  std::string number;
  put_number(number, sequence_++, 8);
  Bytes nonce = iv_;
  if (explicit_nonce_) nonce.insert(nonce.end(), number.begin(), number.end());
  for (std::size_t i = 0; !explicit_nonce_ && i < 8; ++i) {
    nonce[nonce.size() - 8 + i] ^= static_cast<std::uint8_t>(number[i]);
  }
  const std::string inner = tls13_ ? plain + static_cast<char>(type) : plain;
  const std::size_t sealed_size = inner.size() + EVP_AEAD_max_overhead(aead_);
  std::string header(1, static_cast<char>(tls13_ ? application_data : type));
  header += "\x03\x03";
  std::string additional = tls13_ ? "" : number + header;
  put_number(header, sealed_size + (explicit_nonce_ ? 8 : 0), 2);
  if (tls13_) {
    additional = header;
  } else {
    put_number(additional, plain.size(), 2);
  }
  const bssl::UniquePtr<EVP_AEAD_CTX> sealing(
      EVP_AEAD_CTX_new(aead_, key_.data(), key_.size(), EVP_AEAD_DEFAULT_TAG_LENGTH));
  std::string sealed(sealed_size, '\0');
  std::size_t size = 0;
  const auto bytes_of = [](const std::string& text) {
    return reinterpret_cast<const std::uint8_t*>(text.data());
  };
  RINGDOWN_CHECK(EVP_AEAD_CTX_seal(sealing.get(), reinterpret_cast<std::uint8_t*>(sealed.data()),
                                   &size, sealed.size(), nonce.data(), nonce.size(),
                                   bytes_of(inner), inner.size(), bytes_of(additional),
                                   additional.size()) == 1);
  RINGDOWN_CHECK(size == sealed_size);
  out_ += header + (explicit_nonce_ ? number : "") + sealed;
}

void TlsForger::put_key_update(bool request_answer) {
  put(handshake, std::string("\x18\0\0\x01", 4) + (request_answer ? '\1' : '\0'));
  secret_ = expand("traffic upd", secret_.size());
  take_keys_of_tls13();
  sequence_ = 0;
}

}  // namespace ringdown::protocol::testing
