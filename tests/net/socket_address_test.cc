// Addresses as text and as the kernel has them, there and back.
#include "ringdown/socket_address.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "base/unique_fd.h"

namespace ringdown {
namespace {

using namespace std::string_literals;

TEST(SocketAddress, SaysAsTextWhatItParsed) {
  for (const char* text :
       {"127.0.0.1:9001", "0.0.0.0:0", "255.255.255.255:65535", "[::1]:9001", "[::]:0",
        "[2001:db8::1]:443", "[::ffff:10.0.0.1]:80", "[fe80::1%7]:80", "unix:server.sock",
        "unix:./@not-abstract", "unix:@abstract", "unix:with space:and:colons"}) {
    const auto address = SocketAddress::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->to_string(), text);
  }
}

TEST(SocketAddress, WritesIpv6InItsShortForm) {
  EXPECT_EQ(SocketAddress::parse("[2001:0DB8:0:0:0:0:0:1]:1")->to_string(), "[2001:db8::1]:1");
}

TEST(SocketAddress, TakesTheZoneOfALinkLocalAddressByName) {
  const auto address = SocketAddress::parse("[fe80::1%lo]:80");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->to_string(), "[fe80::1%1]:80");
}

TEST(SocketAddress, RefusesWhatIsNoAddress) {
  for (const std::string& text : {""s,
                                  ":"s,
                                  ":80"s,
                                  "127.0.0.1"s,
                                  "127.0.0.1:"s,
                                  "127.0.0.1:-1"s,
                                  "127.0.0.1:+1"s,
                                  "127.0.0.1:65536"s,
                                  "127.0.0.1:000080"s,
                                  "127.0.0.1:80 "s,
                                  " 127.0.0.1:80"s,
                                  "127.0.0.1:8x"s,
                                  "127.0.0.256:80"s,
                                  "127.0.0:80"s,
                                  "127.1:80"s,
                                  "0x7f.0.0.1:80"s,
                                  "127.0.0.1%1:80"s,
                                  "[127.0.0.1]:80"s,
                                  "::1:80"s,
                                  "[::1]"s,
                                  "[::1]80"s,
                                  "[]:80"s,
                                  "[:80"s,
                                  "[::1:80"s,
                                  "::1]:80"s,
                                  "[[::1]]:80"s,
                                  "[1:2:3:4:5:6:7:8:9]:1"s,
                                  "[fe80::1%]:80"s,
                                  "[fe80::1%no-such-interface]:80"s,
                                  "localhost:80"s,
                                  "unix:"s,
                                  "unix:@"s,
                                  "UNIX:x"s,
                                  "unix:a\0b"s,
                                  "127.0.0.1\0:80"s,
                                  "[::1\0]:80"s}) {
    EXPECT_FALSE(SocketAddress::parse(text)) << '"' << text << '"';
  }
}

TEST(SocketAddress, TakesAPathOf107BytesAndNoMore) {
  for (const std::string first : {"p", "@"}) {
    const std::string fits = "unix:" + first + std::string(106, 'x');
    const auto address = SocketAddress::parse(fits);
    ASSERT_TRUE(address);
    EXPECT_EQ(address->to_string(), fits);
    EXPECT_FALSE(SocketAddress::parse(fits + "x"));
  }
}

TEST(SocketAddress, GivesTheKernelTheAddressAndItsSize) {
  const auto v4 = SocketAddress::parse("1.2.3.4:258");
  EXPECT_EQ(v4->family(), AF_INET);
  EXPECT_EQ(v4->size(), sizeof(sockaddr_in));
  sockaddr_in in{};
  std::memcpy(&in, v4->native(), sizeof in);
  EXPECT_EQ(in.sin_family, AF_INET);
  EXPECT_EQ(in.sin_port, htons(258));
  EXPECT_EQ(in.sin_addr.s_addr, htonl(0x01020304));

  EXPECT_EQ(SocketAddress::parse("[::1]:1")->size(), sizeof(sockaddr_in6));
  EXPECT_EQ(SocketAddress::parse("[::1]:1")->family(), AF_INET6);
  const std::size_t offset = offsetof(sockaddr_un, sun_path);
  EXPECT_EQ(SocketAddress::parse("unix:abc")->size(), offset + 4) << "with the path's NUL";
  EXPECT_EQ(SocketAddress::parse("unix:@abc")->size(), offset + 4) << "a NUL, and no other";
  EXPECT_EQ(SocketAddress::parse("unix:abc")->family(), AF_UNIX);
}

TEST(SocketAddress, ReadsAndSetsThePort) {
  for (const char* text : {"127.0.0.1:80", "[::1]:80"}) {
    auto address = SocketAddress::parse(text);
    EXPECT_EQ(address->port(), 80);
    address->set_port(65280);
    EXPECT_EQ(address->port(), 65280);
    EXPECT_TRUE(address->to_string().ends_with(":65280"));
  }
  auto unix_address = SocketAddress::parse("unix:abc");
  unix_address->set_port(80);
  EXPECT_EQ(unix_address->port(), 0);
  EXPECT_EQ(unix_address->to_string(), "unix:abc");
  SocketAddress empty;
  empty.set_port(80);
  EXPECT_EQ(empty.port(), 0);
  EXPECT_EQ(empty.family(), AF_UNSPEC);
}

TEST(SocketAddress, KnowsLoopback) {
  for (const char* text : {"127.0.0.1:1", "127.255.255.254:1", "[::1]:1", "unix:x", "unix:@x"}) {
    EXPECT_TRUE(SocketAddress::parse(text)->is_loopback()) << text;
  }
  for (const char* text : {"126.255.255.255:1", "128.0.0.1:1", "0.0.0.0:1", "[::]:1", "[::2]:1"}) {
    EXPECT_FALSE(SocketAddress::parse(text)->is_loopback()) << text;
  }
  EXPECT_FALSE(SocketAddress().is_loopback());
}

TEST(SocketAddress, TakesALiteralWithoutBrackets) {
  EXPECT_EQ(SocketAddress::from_ip("10.0.0.1", 80)->to_string(), "10.0.0.1:80");
  EXPECT_EQ(SocketAddress::from_ip("::1", 80)->to_string(), "[::1]:80");
  EXPECT_EQ(SocketAddress::from_ip("fe80::1%3", 80)->to_string(), "[fe80::1%3]:80");
  for (const std::string& ip :
       {""s, "[::1]"s, "localhost"s, "10.0.0.1:80"s, "10.0.0.1\0"s, "%1"s, std::string(300, '1')}) {
    EXPECT_FALSE(SocketAddress::from_ip(ip, 80)) << ip;
  }
}

TEST(SocketAddress, IsEmptyForWhatItDoesNotKnow) {
  sockaddr_in in{};
  const auto* native = reinterpret_cast<const sockaddr*>(&in);
  EXPECT_EQ(SocketAddress::from_native(native, sizeof in).family(), AF_UNSPEC) << "family 0";
  in.sin_family = AF_INET;
  EXPECT_EQ(SocketAddress::from_native(native, sizeof in - 1).family(), AF_UNSPEC) << "cut";
  EXPECT_EQ(SocketAddress::from_native(native, 1).family(), AF_UNSPEC);
  EXPECT_EQ(SocketAddress::from_native(nullptr, 0).family(), AF_UNSPEC);
  in.sin_family = AF_NETLINK;
  EXPECT_EQ(SocketAddress::from_native(native, sizeof in).family(), AF_UNSPEC);
  EXPECT_EQ(SocketAddress().to_string(), "");
}

TEST(SocketAddress, ReadsWhatTheKernelBound) {
  const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  auto* native = reinterpret_cast<sockaddr*>(&storage);
  ASSERT_EQ(::getsockname(socket.get(), native, &size), 0);
  EXPECT_EQ(SocketAddress::from_native(native, size).to_string(), "unix:") << "unnamed";

  // unix(7), "Autobind": the kernel chooses an abstract name.
  const sockaddr_un any{.sun_family = AF_UNIX, .sun_path = {}};
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&any), sizeof(sa_family_t)), 0);
  size = sizeof storage;
  ASSERT_EQ(::getsockname(socket.get(), native, &size), 0);
  const SocketAddress bound = SocketAddress::from_native(native, size);
  EXPECT_TRUE(bound.to_string().starts_with("unix:@"));
  EXPECT_EQ(SocketAddress::parse(bound.to_string())->size(), size);
  EXPECT_EQ(std::memcmp(SocketAddress::parse(bound.to_string())->native(), native, size), 0);
}

}  // namespace
}  // namespace ringdown
