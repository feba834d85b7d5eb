// What nettle signs, in handshakes whose clients are BoringSSL's.
#include "tls/p256_signer.h"

#include <gmp.h>
#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/evp.h>
#include <openssl/nid.h>
#include <openssl/ssl.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>

#include "protocol/tls_twins.h"
#include "tls/tls_files.h"

namespace ringdown::testing {
namespace {

using protocol::TlsStep;
using protocol::testing::Twins;

Owned<EVP_PKEY> key_of(int type, int curve = NID_undef) {
  const bssl::UniquePtr<EVP_PKEY_CTX> maker(EVP_PKEY_CTX_new_id(type, nullptr));
  EVP_PKEY* made = nullptr;
  EVP_PKEY_keygen_init(maker.get());
  if (curve != NID_undef) EVP_PKEY_CTX_set_ec_paramgen_curve_nid(maker.get(), curve);
  EVP_PKEY_keygen(maker.get(), &made);
  return Owned<EVP_PKEY>(made);
}

Owned<SSL_CTX> context_with(EVP_PKEY* key) {
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  SSL_CTX_use_PrivateKey(context.get(), key);
  return context;
}

TEST(P256Signer, LeavesKeysOfOtherKindsToBoringSsl) {
  EXPECT_FALSE(sign_by_nettle(Owned<SSL_CTX>(SSL_CTX_new(TLS_method())).get())) << "no key";
  const Owned<EVP_PKEY> keys[] = {key_of(EVP_PKEY_RSA), key_of(EVP_PKEY_ED25519),
                                  key_of(EVP_PKEY_EC, NID_secp384r1)};
  for (const auto& key : keys) {
    const auto context = context_with(key.get());
    ASSERT_NE(SSL_CTX_get0_privatekey(context.get()), nullptr);
    EXPECT_FALSE(sign_by_nettle(context.get())) << EVP_PKEY_id(key.get());
    EXPECT_NE(SSL_CTX_get0_privatekey(context.get()), nullptr);
  }
}

// Clients verify every signature, whatever its integers look like in DER: shorter ones, and those
// that would be negative.
class P256SignerHandshake : public ::testing::TestWithParam<int> {
 protected:
  static bool signs_for(SSL_CTX* client, SSL_CTX* server) {
    SSL_CTX_up_ref(client);
    SSL_CTX_up_ref(server);
    Twins twins{bssl::UniquePtr<SSL_CTX>(client), bssl::UniquePtr<SSL_CTX>(server)};
    twins.run();
    EXPECT_EQ(twins.client.session.failure(), TlsFailure::none);
    return twins.client.step == TlsStep::done && twins.server.step == TlsStep::done;
  }

  bssl::UniquePtr<SSL_CTX> client = protocol::testing::client_context(GetParam());
  bssl::UniquePtr<SSL_CTX> server = protocol::testing::server_context(GetParam());
};

TEST_P(P256SignerHandshake, IsVerifiedByClients) {
  ASSERT_TRUE(sign_by_nettle(server.get()));
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(signs_for(client.get(), server.get())) << i;
}

TEST_P(P256SignerHandshake, SignsWithACopyOfTheKey) {
  EC_KEY* const key = EVP_PKEY_get0_EC_KEY(SSL_CTX_get0_privatekey(server.get()));
  const bssl::UniquePtr<BIGNUM> secret(BN_dup(EC_KEY_get0_private_key(key)));
  ASSERT_TRUE(sign_by_nettle(server.get()));
  ASSERT_EQ(EC_KEY_set_private_key(key, BN_value_one()), 1);
  EXPECT_TRUE(signs_for(client.get(), server.get())) << "BoringSSL signs";
  EC_KEY_set_private_key(key, secret.get());  // it is the key of all these tests
}

// GMP ends the process when it finds none.
class GmpMemory {
 public:
  GmpMemory() {
    asked = 0;
    mp_set_memory_functions(
        [](std::size_t size) { return ++asked, std::malloc(size); },
        [](void* old, std::size_t, std::size_t size) { return ++asked, std::realloc(old, size); },
        [](void* memory, std::size_t) { std::free(memory); });
  }
  ~GmpMemory() { mp_set_memory_functions(nullptr, nullptr, nullptr); }
  static inline int asked = 0;
};

TEST_P(P256SignerHandshake, AsksForNoMemoryOfGmp) {
  const GmpMemory memory;
  mpz_t number;
  mpz_init2(number, 256);
  mpz_clear(number);
  ASSERT_EQ(GmpMemory::asked, 1) << "it would be seen";
  ASSERT_TRUE(sign_by_nettle(server.get()));
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(signs_for(client.get(), server.get())) << i;
  EXPECT_EQ(GmpMemory::asked, 1);
}

INSTANTIATE_TEST_SUITE_P(Versions, P256SignerHandshake,
                         ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& version) {
                           return version.param == TLS1_2_VERSION ? "Tls12" : "Tls13";
                         });

// TLS 1.2 lets a client ask for a hash that is longer than the curve (RFC 5246 7.4.1.4.1).
TEST(P256Signer, SignsOtherHashesToo) {
  constexpr std::uint16_t hashes[] = {SSL_SIGN_ECDSA_SECP384R1_SHA384};
  const auto client = protocol::testing::client_context(TLS1_2_VERSION);
  const auto server = protocol::testing::server_context(TLS1_2_VERSION);
  ASSERT_TRUE(sign_by_nettle(server.get()));
  SSL_CTX_set_verify_algorithm_prefs(client.get(), hashes, std::size(hashes));
  SSL_CTX_up_ref(client.get());
  SSL_CTX_up_ref(server.get());
  Twins twins{bssl::UniquePtr<SSL_CTX>(client.get()), bssl::UniquePtr<SSL_CTX>(server.get())};
  twins.run();
  EXPECT_EQ(twins.client.step, TlsStep::done);
  EXPECT_EQ(SSL_get_peer_signature_algorithm(twins.client.session.native()), hashes[0]);
}

}  // namespace
}  // namespace ringdown::testing
