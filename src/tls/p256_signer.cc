#include "tls/p256_signer.h"

#if defined(RINGDOWN_SIGNS_BY_NETTLE)
#include <gmp.h>
#include <nettle/ecc.h>
#include <nettle/ecdsa.h>
#include <string.h>
#include <nettle/ecc-curve.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>

#include <openssl/bn.h>
#include <openssl/bytestring.h>
#include <openssl/digest.h>
#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/nid.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

namespace ringdown {
namespace {

constexpr std::size_t scalar_size = 32;  // of P-256
using Scalar = std::array<std::uint8_t, scalar_size>;

constexpr std::size_t bits_per_limb = GMP_NUMB_BITS;
constexpr std::size_t limbs = scalar_size * 8 / bits_per_limb;
static_assert(limbs * bits_per_limb == scalar_size * 8);
using Limbs = std::array<mp_limb_t, limbs>;  // the lowest first

Limbs limbs_of(const Scalar& bytes) noexcept {
  Limbs number{};
  for (std::size_t i = 0; i < scalar_size; ++i) {
    const std::size_t bit = 8 * (scalar_size - 1 - i);
    number[bit / bits_per_limb] |= mp_limb_t{bytes[i]} << bit % bits_per_limb;
  }
  return number;
}

Scalar bytes_of(const Limbs& number) noexcept {
  Scalar bytes;
  for (std::size_t i = 0; i < scalar_size; ++i) {
    const std::size_t bit = 8 * (scalar_size - 1 - i);
    bytes[i] = static_cast<std::uint8_t>(number[bit / bits_per_limb] >> bit % bits_per_limb);
  }
  return bytes;
}

bool is_zero(const Limbs& number) noexcept { return mpn_zero_p(number.data(), limbs) != 0; }

// A private key as nettle wants it. Signing changes nothing in it: one for all threads.
//
// Nothing here allocates: GMP ends the process when it finds no memory, and nettle's ecdsa_sign
// takes GMP's. So numbers are on the stack, and signed with by what ecdsa_sign itself is made of.
class P256Signer {
 public:
  P256Signer() = default;
  P256Signer(const P256Signer&) = delete;
  P256Signer& operator=(const P256Signer&) = delete;
  ~P256Signer() { ::explicit_bzero(secret_.data(), sizeof secret_); }

  // Of a number that is in range: BoringSSL has no other private keys.
  bool take(const BIGNUM* secret) noexcept {
    if (ecc_ecdsa_sign_itch(curve_) > static_cast<mp_size_t>(Scratch{}.size())) return false;
    Scalar bytes;
    const bool good = BN_bn2bin_padded(bytes.data(), bytes.size(), secret) == 1;
    if (good) secret_ = limbs_of(bytes);
    ::explicit_bzero(bytes.data(), bytes.size());
    return good;
  }

  // RFC 3279 2.2.3: SEQUENCE { INTEGER r, INTEGER s }, in DER. Answers its size; 0: no room.
  std::size_t sign(std::span<const std::uint8_t> digest,
                   std::span<std::uint8_t> out) const noexcept {
    Limbs r;
    Limbs s;
    sign(digest, r, s);
    CBB whole;
    CBB sequence;
    std::size_t size = 0;
    CBB_init_fixed(&whole, out.data(), out.size());
    const bool good = CBB_add_asn1(&whole, &sequence, CBS_ASN1_SEQUENCE) == 1 &&
                      add_integer(sequence, r) && add_integer(sequence, s) &&
                      CBB_finish(&whole, nullptr, &size) == 1;
    if (!good) CBB_cleanup(&whole);
    return good ? size : 0;
  }

 private:
  using Scratch = std::array<mp_limb_t, 16 * limbs>;  // nettle 3.8 wants 11 * limbs

  // nettle draws the nonce, uniformly from 1 up to the curve's order. That a signature has a zero
  // is as likely as that its key is guessed (FIPS 186-4 6.4: draw anew).
  void sign(std::span<const std::uint8_t> digest, Limbs& r, Limbs& s) const noexcept {
    Limbs nonce;
    Scratch scratch;
    ecc_scalar drawn{curve_, nonce.data()};
    do {
      ecc_scalar_random(&drawn, nullptr, draw);
      ecc_ecdsa_sign(curve_, secret_.data(), nonce.data(), digest.size(), digest.data(), r.data(),
                     s.data(), scratch.data());
    } while (is_zero(r) || is_zero(s));
    ::explicit_bzero(nonce.data(), sizeof nonce);
    ::explicit_bzero(scratch.data(), sizeof scratch);
  }

  static void draw(void*, std::size_t size, std::uint8_t* out) noexcept { RAND_bytes(out, size); }

  // As short as it goes, and never negative (X.690 8.3).
  static bool add_integer(CBB& into, const Limbs& number) noexcept {
    const Scalar bytes = bytes_of(number);
    std::span<const std::uint8_t> rest(bytes);
    while (rest.size() > 1 && rest.front() == 0) rest = rest.subspan(1);
    CBB integer;
    const bool looks_negative = (rest.front() & 0x80) != 0;
    return CBB_add_asn1(&into, &integer, CBS_ASN1_INTEGER) == 1 &&
           (!looks_negative || CBB_add_u8(&integer, 0) == 1) &&
           CBB_add_bytes(&integer, rest.data(), rest.size()) == 1 && CBB_flush(&into) == 1;
  }

  const ecc_curve* curve_ = nettle_get_secp_256r1();
  Limbs secret_{};
};

// A context's signer lives and dies with it.
int signer_index() noexcept {
  static const int made = SSL_CTX_get_ex_new_index(
      0, nullptr, nullptr, nullptr, [](void*, void* signer, CRYPTO_EX_DATA*, int, long, void*) {
        delete static_cast<P256Signer*>(signer);
      });
  return made;
}

// SSL_PRIVATE_KEY_METHOD (openssl/ssl.h). What is signed is hashed here: TLS 1.2 leaves the hash to
// both ends, TLS 1.3 has SHA-256 for this curve.
ssl_private_key_result_t sign(SSL* ssl, std::uint8_t* out, std::size_t* out_size,
                              std::size_t out_max, std::uint16_t algorithm, const std::uint8_t* in,
                              std::size_t in_size) noexcept {
  const auto* const signer =
      static_cast<const P256Signer*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), signer_index()));
  const EVP_MD* const hash = SSL_get_signature_algorithm_digest(algorithm);
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest;
  unsigned digest_size = 0;
  if (signer == nullptr || hash == nullptr ||
      EVP_Digest(in, in_size, digest.data(), &digest_size, hash, nullptr) != 1) {
    return ssl_private_key_failure;
  }
  *out_size = signer->sign(std::span(digest).first(digest_size), {out, out_max});
  return *out_size != 0 ? ssl_private_key_success : ssl_private_key_failure;
}

// RSA only.
ssl_private_key_result_t decrypt(SSL*, std::uint8_t*, std::size_t*, std::size_t,
                                 const std::uint8_t*, std::size_t) noexcept {
  return ssl_private_key_failure;
}

// `sign` never asks to be called again.
ssl_private_key_result_t complete(SSL*, std::uint8_t*, std::size_t*, std::size_t) noexcept {
  return ssl_private_key_failure;
}

constexpr SSL_PRIVATE_KEY_METHOD by_nettle = {sign, decrypt, complete};

bool signs_as(const P256Signer& signer, const EC_KEY* key) noexcept {
  constexpr Scalar digest{1, 2, 3};
  std::array<std::uint8_t, 128> signature;
  const std::size_t size = signer.sign(digest, signature);
  return size != 0 &&
         ECDSA_verify(0, digest.data(), digest.size(), signature.data(), size, key) == 1;
}

}  // namespace

bool sign_by_nettle(SSL_CTX* context) noexcept {
  const EVP_PKEY* const key = SSL_CTX_get0_privatekey(context);
  if (key == nullptr || EVP_PKEY_id(key) != EVP_PKEY_EC) return false;
  const EC_KEY* const curve_key = EVP_PKEY_get0_EC_KEY(key);
  if (EC_GROUP_get_curve_name(EC_KEY_get0_group(curve_key)) != NID_X9_62_prime256v1) return false;
  std::unique_ptr<P256Signer> signer(new (std::nothrow) P256Signer);
  const bool good = signer != nullptr && signer->take(EC_KEY_get0_private_key(curve_key)) &&
                    signs_as(*signer, curve_key) &&
                    SSL_CTX_set_ex_data(context, signer_index(), signer.get()) == 1;
  ERR_clear_error();
  if (!good) return false;
  static_cast<void>(signer.release());
  SSL_CTX_set_private_key_method(context, &by_nettle);
  return true;
}

}  // namespace ringdown

#else

namespace ringdown {
bool sign_by_nettle(SSL_CTX*) noexcept { return false; }
}  // namespace ringdown

#endif
