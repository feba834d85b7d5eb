// URLs: what is taken, what each part becomes, and that what is wrong is said in words.
#include "protocol/url.h"

#include <gtest/gtest.h>

namespace ringdown::protocol {
namespace {

TEST(Url, HasItsParts) {
  const auto url = parse_url("ws://example.com:9001/chat/room?x=1&y=a%20b");
  ASSERT_TRUE(url) << url.error();
  EXPECT_EQ(url->scheme, Scheme::ws);
  EXPECT_EQ(url->host, "example.com");
  EXPECT_EQ(url->port, 9001);
  EXPECT_EQ(url->target, "/chat/room?x=1&y=a%20b");
  EXPECT_EQ(url->host_field(), "example.com:9001");
}

struct Case {
  const char* text;
  Scheme scheme;
  const char* host;
  int port;
  const char* target;
  const char* host_field;
};

TEST(Url, HasDefaults) {
  const Case cases[] = {
      {"ws://h", Scheme::ws, "h", 80, "/", "h"},
      {"wss://h", Scheme::wss, "h", 443, "/", "h"},
      {"WSS://h/", Scheme::wss, "h", 443, "/", "h"},
      {"ws://h:80/", Scheme::ws, "h", 80, "/", "h"},
      {"ws://h:443", Scheme::ws, "h", 443, "/", "h:443"},
      {"wss://h:443", Scheme::wss, "h", 443, "/", "h"},
      {"wss://h:80", Scheme::wss, "h", 80, "/", "h:80"},
      {"ws://h:/p", Scheme::ws, "h", 80, "/p", "h"},
      {"ws://h?q", Scheme::ws, "h", 80, "/?q", "h"},
      {"ws://h?a=/b:c@d", Scheme::ws, "h", 80, "/?a=/b:c@d", "h"},
      {"ws://h/a:b@c", Scheme::ws, "h", 80, "/a:b@c", "h"},
      {"ws://127.0.0.1:1", Scheme::ws, "127.0.0.1", 1, "/", "127.0.0.1:1"},
      {"ws://[::1]:65535/x", Scheme::ws, "::1", 65535, "/x", "[::1]:65535"},
      {"ws://[2001:db8::192.0.2.1]", Scheme::ws, "2001:db8::192.0.2.1", 80, "/",
       "[2001:db8::192.0.2.1]"},
      {"ws://a_b-c.d.", Scheme::ws, "a_b-c.d.", 80, "/", "a_b-c.d."},
  };
  for (const auto& expected : cases) {
    const auto url = parse_url(expected.text);
    ASSERT_TRUE(url) << expected.text << ": " << url.error();
    EXPECT_EQ(url->scheme, expected.scheme) << expected.text;
    EXPECT_EQ(url->host, expected.host) << expected.text;
    EXPECT_EQ(url->port, expected.port) << expected.text;
    EXPECT_EQ(url->target, expected.target) << expected.text;
    EXPECT_EQ(url->host_field(), expected.host_field) << expected.text;
  }
}

// RFC 6874 3: of this machine alone, and never sent.
TEST(Url, KeepsAZoneToItself) {
  const auto url = parse_url("ws://[fe80::1%25eth0.1]:9001/x");
  ASSERT_TRUE(url) << url.error();
  EXPECT_EQ(url->host, "fe80::1");
  EXPECT_EQ(url->zone, "eth0.1");
  EXPECT_EQ(url->host_field(), "[fe80::1]:9001");
  EXPECT_EQ(url->target, "/x");
  EXPECT_EQ(parse_url("ws://[::1]/")->zone, "");
}

TEST(Url, SaysWhatIsWrong) {
  const std::pair<std::string, std::string> cases[] = {
      {"", "ws://"},
      {"example.com", "ws://"},
      {"http://h", "ws://"},
      {"ws:/h", "ws://"},
      {"://h", "ws://"},
      {"wsss://h", "ws://"},
      {"ws://", "host is missing"},
      {"ws:///path", "host is missing"},
      {"ws://:80", "host is missing"},
      {"ws://?q", "host is missing"},
      {"ws://h:0", "port"},
      {"ws://h:65536", "port"},
      {"ws://h:99999999999999999999", "port"},
      {"ws://h:80x", "port"},
      {"ws://h:+80", "port"},
      {"ws://h:-1", "port"},
      {"ws://[::1]:x", "port"},
      {"ws://u@h", "user name"},
      {"ws://u:p@h", "user name"},
      {"ws://h/#f", "fragment"},
      {"ws://h#", "fragment"},
      {"ws://h/a b", "space"},
      {"ws://h/\t", "control"},
      {"ws://h/\r\nX: y", "control"},
      {"ws://h\xC3\xB6", "non-ASCII"},
      {"ws://h\x7F", "control"},
      {"ws://::1", "between [ and ]"},
      {"ws://[::1", "]"},
      {"ws://[]", "between [ and ]"},
      {"ws://[h]", "between [ and ]"},
      {"ws://[fe80::1%eth0]", "%25 and the interface"},
      {"ws://[fe80::1%25]", "%25 and the interface"},
      {"ws://[fe80::1%25a%2fb]", "%25 and the interface"},
      {"ws://[h%25eth0]", "between [ and ]"},
      {"ws://[::1]x", ":PORT"},
      {"ws://h%41", "letters"},
      {"ws://a,b", "letters"},
      {"ws://h\\x", "letters"},
      {"ws://" + std::string(254, 'h'), "253"},
      {"ws://h/" + std::string(url_size_max, 'p'), "4096"},
  };
  for (const auto& [text, words] : cases) {
    const auto url = parse_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_NE(url.error().find(words), std::string::npos) << text << ": " << url.error();
  }
  EXPECT_FALSE(parse_url(std::string("ws://h/\0x", 9)));
}

TEST(Url, IsTakenUpToItsLimit) {
  const std::string begin = "ws://h/";
  EXPECT_TRUE(parse_url(begin + std::string(url_size_max - begin.size(), 'p')));
  EXPECT_TRUE(parse_url("ws://" + std::string(253, 'h')));
}

}  // namespace
}  // namespace ringdown::protocol
