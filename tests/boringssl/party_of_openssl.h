// OpenSSL 3 as a Party, and certificates made with it.
#pragma once

#include "party.h"

namespace coexistence {

Credentials make_credentials();
std::unique_ptr<Party> make_openssl_party(const Credentials& credentials, bool is_client,
                                          bool tls13);

}  // namespace coexistence
