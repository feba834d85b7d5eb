// What is wrong with files, said in one line when a context is made.
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "certificate_files.h"

namespace ringdown {
namespace {

using protocol::testing::make_identity;
using protocol::testing::test_authority;
using protocol::testing::test_server;

class TlsSetup : public ::testing::Test {
 protected:
  std::string problem(const TlsCertificate& paths) {
    TlsServerOptions options;
    options.certificates = {paths};
    try {
      TlsServerContext context(options);
    } catch (const SetupError& error) {
      return error.what();
    }
    return "nothing";
  }
  CertificateFiles files;
};

TEST_F(TlsSetup, NamesTheFileAndTheCause) {
  const TlsCertificate good = files.write(test_server());
  const TlsCertificate other = files.write(make_identity({}, &test_authority()));
  EXPECT_EQ(problem(good), "nothing");
  const std::string missing = problem({"/nowhere/chain.pem", good.key_file});
  EXPECT_EQ(missing, "/nowhere/chain.pem: cannot be read (ENOENT): is the path right?");
  const std::string wrong_key = problem({good.chain_file, other.key_file});
  EXPECT_NE(wrong_key.find(other.key_file + ": the key is not that of"), std::string::npos)
      << wrong_key;
  EXPECT_EQ(problem({good.chain_file, ""}), good.chain_file + ": its key_file is empty");
  const std::string no_key = problem({good.chain_file, good.chain_file});
  EXPECT_NE(no_key.find("no private key in PEM"), std::string::npos) << no_key;
  const std::string no_chain = problem({good.key_file, good.key_file});
  EXPECT_NE(no_chain.find("no certificate in PEM"), std::string::npos) << no_chain;
  std::ofstream(good.chain_file, std::ios::app) << "-----BEGIN CERTIFICATE-----\nMIIB";
  const std::string cut = problem(good);
  EXPECT_TRUE(cut.starts_with(good.chain_file + ": certificate 2: ")) << cut;
  for (const std::string& text : {missing, wrong_key, no_key, no_chain, cut}) {
    EXPECT_EQ(text.find('\n'), std::string::npos) << "one line";
  }
}

TEST_F(TlsSetup, RefusesAnExtraAuthorityThatIsNone) {
  TlsClientOptions options;
  options.ca_file = files.write(test_server()).key_file;
  EXPECT_THROW(TlsClientContext{options}, SetupError);
  TlsServerOptions none;
  EXPECT_THROW(TlsServerContext{none}, SetupError);
  none.self_signed_for = {"localhost"};
  none.client_ca_file = files.write(test_authority()).chain_file;
  EXPECT_THROW(TlsServerContext{none}, SetupError) << "it would let everybody in";
  none.client_ca_file.clear();
  none.self_signed_for = {"a, b"};
  EXPECT_THROW(TlsServerContext{none}, SetupError);
}

TEST_F(TlsSetup, RefusesAClientAuthorityByWhichNobodyCouldBeVerified) {
  TlsServerOptions options;
  options.self_signed_for = {"localhost"};
  options.client_certificates = TlsClientCertificates::required;
  options.client_ca_file = files.write(test_authority()).chain_file;
  EXPECT_NO_THROW(TlsServerContext{options});
  // Signed by the authority, and no authority itself.
  options.client_ca_file = files.write(make_identity({}, &test_authority())).chain_file;
  try {
    const TlsServerContext context(options);
    ADD_FAILURE();
  } catch (const SetupError& error) {
    const std::string what = error.what();
    EXPECT_TRUE(what.starts_with(options.client_ca_file + ": certificate 1 is no CA's")) << what;
  }
}

}  // namespace
}  // namespace ringdown
