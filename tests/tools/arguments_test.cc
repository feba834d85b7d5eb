// Texts of the command line and of /proc as values.
#include "arguments.h"

#include <gtest/gtest.h>

#include <string_view>

#include "environment.h"
#include "storm_options.h"

namespace ringdown::program {
namespace {

TEST(Arguments, BytesHaveUnits) {
  EXPECT_EQ(parse_bytes("--b", "100", 1, 1000), 100U);
  EXPECT_EQ(parse_bytes("--b", "16K", 1, 1 << 20), 16'384U);
  EXPECT_EQ(parse_bytes("--b", "1M", 1, 1 << 20), 1U << 20);
  EXPECT_THROW(parse_bytes("--b", "2M", 1, 1 << 20), UsageError);
  EXPECT_THROW(parse_bytes("--b", "18446744073709551615G", 1, 1 << 20), UsageError);
  EXPECT_THROW(parse_bytes("--b", "K", 1, 1 << 20), UsageError);
  EXPECT_THROW(parse_bytes("--b", "", 1, 1 << 20), UsageError);
}

TEST(Arguments, Utf8IsCheckedAsRfc3629Says) {
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("plain"));
  EXPECT_TRUE(is_utf8("\xc2\x80 \xdf\xbf \xe0\xa0\x80 \xed\x9f\xbf \xef\xbf\xbf \xf4\x8f\xbf\xbf"));
  for (const char* text :
       {"\x80", "\xc1\xbf", "\xc2", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82"}) {
    EXPECT_FALSE(is_utf8(text));
  }
}

TEST(Arguments, ARangeOfSourceAddressesIsAllOfThem) {
  const auto addresses = parse_source_addresses("--s", "127.0.0.254-127.0.1.1");
  ASSERT_EQ(addresses.size(), 4U);
  EXPECT_EQ(addresses[0].to_string(), "127.0.0.254:0");
  EXPECT_EQ(addresses[3].to_string(), "127.0.1.1:0");
  EXPECT_EQ(parse_source_addresses("--s", "127.0.0.9").size(), 1U);
  EXPECT_THROW(parse_source_addresses("--s", "127.0.0.9-127.0.0.8"), UsageError);
  EXPECT_THROW(parse_source_addresses("--s", "10.0.0.0-10.255.0.0"), UsageError);
  EXPECT_THROW(parse_source_addresses("--s", "::1"), UsageError);
}

TEST(Arguments, LargeNumbersHaveSeparators) {
  EXPECT_EQ(with_separators(0), "0");
  EXPECT_EQ(with_separators(999), "999");
  EXPECT_EQ(with_separators(1'000), "1,000");
  EXPECT_EQ(with_separators(1'234'567), "1,234,567");
}

TEST(Url, IsTakenApart) {
  const UrlParts plain = parse_url("ws://example.net");
  EXPECT_EQ(plain.host, "example.net");
  EXPECT_EQ(plain.port, 80);
  EXPECT_EQ(plain.path, "");
  const UrlParts full = parse_url("ws://[::1]:9001/chat?room=1");
  EXPECT_EQ(full.host, "::1");
  EXPECT_EQ(full.port, 9001);
  EXPECT_EQ(full.origin, "ws://[::1]:9001");
  EXPECT_EQ(full.path, "/chat?room=1");
  EXPECT_EQ(parse_url("ws://host/@room").path, "/@room");
}

TEST(Url, UserInformationIsRefusedAndNotShown) {
  for (const char* url : {"ws://user:secret@host/", "wss://user:secret@[::1]:9001/"}) {
    try {
      parse_url(url);
      ADD_FAILURE() << url;
    } catch (const UsageError& error) {
      const std::string_view message = error.what();
      EXPECT_TRUE(message.contains("user name")) << message;
      EXPECT_FALSE(message.contains("secret")) << message;
    }
  }
}

constexpr const char* netstat =
    "TcpExt: SyncookiesSent ListenOverflows ListenDrops\n"
    "TcpExt: 1 22 333\n"
    "IpExt: InNoRoutes ListenOverflows\n"
    "IpExt: 4 5\n";

TEST(Environment, CountersAreFoundByGroupAndName) {
  EXPECT_EQ(counter_of(netstat, "TcpExt:", "ListenOverflows"), 22U);
  EXPECT_EQ(counter_of(netstat, "TcpExt:", "ListenDrops"), 333U);
  EXPECT_EQ(counter_of(netstat, "IpExt:", "ListenOverflows"), 5U);
  EXPECT_EQ(counter_of(netstat, "TcpExt:", "NoSuchCounter"), 0U);
  EXPECT_EQ(counter_of("", "TcpExt:", "ListenDrops"), 0U);
}

TEST(Environment, SoftnetDropsAreTheSecondColumnInHexadecimal) {
  EXPECT_EQ(softnet_drops_of("0000ffff 00000010 00000001\n00000001 0000000a 00000002\n"), 26U);
}

TEST(Environment, NumbersFollowTheirWords) {
  EXPECT_EQ(number_after("TCP: inuse 5 orphan 7 tw 11\n", "tw"), 11U);
  EXPECT_EQ(number_after("MemTotal: 12 kB\nMemAvailable:   34 kB\n", "MemAvailable:"), 34U);
  EXPECT_EQ(number_after("MemTotal: 12 kB\n", "MemFree:"), 0U);
}

TEST(Environment, ThisMachineHasAKernelAndPorts) {
  const SystemLimits limits = read_limits();
  EXPECT_FALSE(limits.kernel.empty());
  EXPECT_GT(limits.processors, 0U);
  EXPECT_GT(limits.memory_available, 0U);
  EXPECT_GT(limits.descriptors_soft, 0U);
}

}  // namespace
}  // namespace ringdown::program
