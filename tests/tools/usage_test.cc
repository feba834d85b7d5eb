// Bad options, addresses and values: exit status 2 and one line that names the option and what is
// allowed.
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>

#include "running_program.h"

namespace ringdown::program {
namespace {

struct Mistake {
  std::vector<std::string> arguments;
  std::vector<std::string> told;
};

std::ostream& operator<<(std::ostream& out, const Mistake& mistake) {
  // Escaped: the name of a case goes into an XML report, which an argument that is not UTF-8 would
  // spoil.
  for (const std::string& argument : mistake.arguments) {
    out << testing::PrintToString(argument) << ' ';
  }
  return out;
}

class Usage : public testing::TestWithParam<Mistake> {};

TEST_P(Usage, AMistakeIsOneLineWithTheCure) {
  const ProgramResult result = run_program(GetParam().arguments);
  EXPECT_EQ(result.status, 2);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(std::count(result.error_out.begin(), result.error_out.end(), '\n'), 1)
      << result.error_out;
  for (const std::string& words : GetParam().told) {
    EXPECT_NE(result.error_out.find(words), std::string::npos)
        << words << " in " << result.error_out;
  }
}

const std::string long_reason(124, 'r');

INSTANTIATE_TEST_SUITE_P(
    Doctor, Usage,
    testing::Values(Mistake{{"doctor", "--connections", "none"}, {"--connections", "whole number"}},
                    Mistake{{"doctor", "--json", "/nowhere/x"}, {"--json", "cannot be written"}},
                    Mistake{{"doctor", "now"}, {"now", "doctor --help"}}));

INSTANTIATE_TEST_SUITE_P(
    Storm, Usage,
    testing::Values(
        Mistake{{"storm", "--connections", "0"}, {"--connections", "from 1 to", "'0'"}},
        Mistake{{"storm", "--connections", "-1"}, {"--connections", "'-1'"}},
        Mistake{{"storm", "--connections", "many"}, {"--connections", "whole number", "'many'"}},
        Mistake{{"storm", "--connections"}, {"--connections"}},
        Mistake{{"storm", "--handshakes", "1e3"}, {"--handshakes", "whole number"}},
        Mistake{{"storm", "--pattern", "both"},
                {"--pattern", "half-close, client-first",
                 "abort, tls-truncate, tls-notify-only or mixed", "'both'"}},
        Mistake{{"storm", "--rate", "0"}, {"--rate", "connections a second", "'0'"}},
        Mistake{{"storm", "--rate", "nan"}, {"--rate", "connections a second"}},
        Mistake{{"storm", "--duration", "0"}, {"--duration", "seconds from 0.001"}},
        Mistake{{"storm", "--hold", "1", "--rate", "5"}, {"--hold", "no --rate"}},
        Mistake{{"storm", "--hold", "1", "--duration", "5"}, {"--hold", "no --duration"}},
        Mistake{{"storm", "--seed", "x"}, {"--seed", "whole number"}},
        Mistake{{"storm", "--hold", "-1"}, {"--hold", "seconds from 0 to"}},
        Mistake{{"storm", "--hold", "nan"}, {"--hold", "seconds"}},
        Mistake{{"storm", "--hold", "1", "--handshakes", "5"}, {"--hold", "as many --handshakes"}},
        Mistake{{"storm", "--hold", "1", "--pattern", "client-first"}, {"--hold", "half-close"}},
        Mistake{{"storm", "--late-messages", "1", "--pattern", "client-first"},
                {"--late-messages", "half-close"}},
        Mistake{{"storm", "--late-messages", "1000001"}, {"--late-messages", "1000000"}},
        Mistake{{"storm", "--late-messages", "65", "--message-size", "16M"},
                {"--late-messages", "--message-size", "1,073,741,824"}},
        Mistake{{"storm", "--message-size", "0"}, {"--message-size", "bytes from 1 to 16777216"}},
        Mistake{{"storm", "--half-close", "tls"}, {"--half-close tls", "wss:// URL, or --tls"}},
        Mistake{{"storm", "--insecure"}, {"--insecure", "only with a wss:// URL"}},
        Mistake{{"storm", "--tls", "--ca", "x.pem"}, {"--ca", "only with a wss:// URL"}},
        Mistake{{"storm", "--tls-cert", "x.pem"}, {"--tls-cert", "only with a wss:// URL"}},
        Mistake{{"storm", "wss://127.0.0.1:1/", "--tls-cert", "x.pem"}, {"--tls-key", "both"}},
        Mistake{{"storm", "wss://127.0.0.1:1/", "--insecure", "--ca", "x.pem"}, {"--insecure"}},
        Mistake{{"storm", "wss://127.0.0.1:1/", "--tls"}, {"--tls", "a server of its own"}},
        Mistake{{"storm", "--pattern", "tls-truncate"},
                {"--pattern tls-truncate", "needs TLS", "wss:// URL, or --tls"}},
        Mistake{{"storm", "ws://127.0.0.1:9001/", "--pattern", "tls-notify-only"},
                {"--pattern tls-notify-only", "needs TLS", "wss:// URL, or --tls"}},
        Mistake{{"storm", "--tls", "--pattern", "tls-truncate", "--half-close", "tcp"},
                {"--half-close", "ws only", "tls-truncate"}},
        Mistake{{"storm", "--tls", "--pattern", "tls-notify-only", "--late-messages", "1"},
                {"--late-messages", "tls-truncate"}},
        Mistake{{"storm", "--tls-version", "1.3"}, {"--tls-version", "--tls"}},
        Mistake{{"storm", "--no-resumption"}, {"--no-resumption", "--tls"}},
        Mistake{{"storm", "--tls", "--tls-version", "1.1"}, {"--tls-version", "1.2 or 1.3"}},
        Mistake{{"storm", "--half-close", "tcp", "--pattern", "abort"},
                {"--half-close", "abort", "no Close frame"}},
        Mistake{{"storm", "--close-reason", "bye", "--pattern", "abort"},
                {"--close-reason", "abort", "no Close frame"}},
        Mistake{{"storm", "--half-close", "udp"}, {"--half-close", "ws, tls or tcp"}},
        Mistake{{"storm", "--close-status", "1006"}, {"--close-status", "1000-1003"}},
        Mistake{{"storm", "--close-status", "5000"}, {"--close-status", "3000-4999"}},
        Mistake{{"storm", "--close-reason", long_reason}, {"--close-reason", "123 bytes", "124"}},
        Mistake{{"storm", "--close-reason", "\xff"}, {"--close-reason", "UTF-8"}},
        Mistake{{"storm", "--close-status", "1005", "--close-reason", "x"},
                {"--close-reason", "1005"}},
        Mistake{{"storm", "--close-timeout", "0"}, {"--close-timeout", "0.001"}},
        Mistake{{"storm", "--source-addresses", "here"}, {"--source-addresses", "127.0.0.2"}},
        Mistake{{"storm", "--path", "chat"}, {"--path", "begins with '/'"}},
        Mistake{{"storm", "--json", "/nowhere/out.json"}, {"--json", "cannot be written"}},
        Mistake{{"storm", "--threads", "0"}, {"--threads", "from 1 to"}},
        Mistake{{"storm", "--threads", "3", "--connections", "2"}, {"--threads", "--connections"}},
        Mistake{{"storm", "--speed", "1"}, {"--speed", "storm --help"}},
        Mistake{{"storm", "--sped", "ws://127.0.0.1:9001/", "1"}, {"not known: --sped 1;"}},
        Mistake{{"storm", "ws://127.0.0.1:9001/", "more"}, {"more", "storm --help"}},
        Mistake{{"storm", "http://127.0.0.1/"}, {"URL", "ws://HOST"}},
        Mistake{{"storm", "ws:///path"}, {"URL", "no host"}},
        Mistake{{"storm", "ws://[::1/"}, {"URL", "']'"}},
        Mistake{{"storm", "ws://127.0.0.1:99999/"}, {"URL", "port", "65535"}},
        Mistake{{"storm", "ws://127.0.0.1:9001/#part"}, {"URL"}},
        Mistake{{"storm", "ws://[fe80::1%25no-zone]/"}, {"URL", "no-zone is no interface"}},
        Mistake{{"storm", "ws://127.0.0.1:1/", "-H", "hush"}, {"-H", "no ':'"}},
        Mistake{{"storm", "ws://127.0.0.1:1/", "-H", "Two words: x"}, {"-H", "letters, digits"}},
        Mistake{{"storm", "ws://127.0.0.1:1/", "-H", "Token: a\r\nHost: b"},
                {"-H: Token", "CR or LF"}},
        Mistake{{"storm", "ws://127.0.0.1:1/", "-H", "host: b"}, {"-H: host", "the handshake's"}},
        Mistake{{"storm", "ws://127.0.0.1:1/", "-H", "Sec-WebSocket-Key: b"},
                {"-H: Sec-WebSocket-Key", "the handshake's"}},
        Mistake{{"storm", "-H", "Token: a"}, {"-H", "only with a URL"}},
        Mistake{{"storm", "ws://no-such-host.invalid/"}, {"URL", "no-such-host.invalid"}}));

INSTANTIATE_TEST_SUITE_P(
    Serve, Usage,
    testing::Values(
        Mistake{{"serve", "--listen", "here"}, {"--listen", "127.0.0.1:9001", "unix:PATH"}},
        Mistake{{"serve", "--listen", "127.0.0.1:99999"}, {"--listen"}},
        Mistake{{"serve", "--listen", "192.0.2.1:1"}, {"--listen", "192.0.2.1:1", "0.0.0.0"}},
        Mistake{{"serve", "--listen", "unix:/nowhere/socket"},
                {"--listen", "unix:/nowhere/socket"}},
        Mistake{{"serve", "--listen", "unix:@ringdown-usage", "--threads", "2"}, {"--threads"}},
        Mistake{{"serve", "--mode", "loud"}, {"--mode", "echo, push or sink"}},
        Mistake{{"serve", "--threads", "x"}, {"--threads"}},
        Mistake{{"serve", "--max-connections", "-1"}, {"--max-connections"}},
        Mistake{{"serve", "--max-message", "2G"}, {"--max-message", "1073741824"}},
        Mistake{{"serve", "--close-timeout", "0"}, {"--close-timeout"}},
        Mistake{{"serve", "--handshake-timeout", "soon"}, {"--handshake-timeout", "seconds"}},
        Mistake{{"serve", "--idle-timeout", "-1"}, {"--idle-timeout"}},
        Mistake{{"serve", "--answer-delay", "x"}, {"--answer-delay"}},
        Mistake{{"serve", "--hold-eof", "86401"}, {"--hold-eof", "86400"}},
        Mistake{{"serve", "--drain-timeout", ""}, {"--drain-timeout"}},
        Mistake{{"serve", "extra"}, {"extra", "serve --help"}}));

INSTANTIATE_TEST_SUITE_P(Program, Usage,
                         testing::Values(Mistake{{}, {"--help"}}, Mistake{{"rain"}, {"rain"}},
                                         Mistake{{"--loud"}, {"--loud"}}));

TEST(Help, IsThereForEachCommandWithExamples) {
  for (const std::string command : {"storm", "serve"}) {
    const ProgramResult result = run_program({command, "--help"});
    EXPECT_EQ(result.status, 0);
    EXPECT_NE(result.out.find("Examples:"), std::string::npos);
    EXPECT_EQ(result.error_out, "");
  }
  const ProgramResult result = run_program({"--help"});
  EXPECT_EQ(result.status, 0);
  EXPECT_NE(result.out.find("storm"), std::string::npos);
  EXPECT_NE(result.out.find("serve"), std::string::npos);
}

}  // namespace
}  // namespace ringdown::program
