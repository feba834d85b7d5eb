// Whom this system trusts: the authorities in its bundle or, where the environment has
// SSL_CERT_FILE or SSL_CERT_DIR, those that they name instead
// (SSL_CTX_set_default_verify_paths(3)). What is not there is an empty set, no error: then a peer's
// certificate fails as no_ca_certificates.
#pragma once

#include "tls/tls_files.h"

namespace ringdown {

struct SystemRoots {
  Owned<X509_STORE> store;
  bool any = false;
};

// Read once in the life of the process, if they are there. Throws SetupError for what is there and
// cannot be read.
SystemRoots shared_system_roots();
// Into a store of one's own; answers whether there are any.
bool add_system_roots(X509_STORE* store);

}  // namespace ringdown
