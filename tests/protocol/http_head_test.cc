// Heads: where they end, at every split; what can be none is refused at the first byte that shows
// it.
#include "protocol/http_head.h"

#include <gtest/gtest.h>

#include <string>

namespace ringdown::protocol {
namespace {

using Kind = HeadScanner::Kind;
using Verdict = HeadScanner::Verdict;

const std::string request =
    "GET /chat?x HTTP/1.1\r\nHost: example.com\r\nX-Empty:\r\nX-Tab:\ta \r\n\r\n";
const std::string response = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";

struct Scan {
  Verdict verdict;
  std::size_t looked_at;  // bytes given when the verdict fell
};

Scan scan_bytewise(Kind kind, std::string_view text) {
  HeadScanner scanner(kind);
  for (std::size_t size = 0; size <= text.size(); ++size) {
    const auto verdict = scanner.scan(text.substr(0, size));
    if (verdict != Verdict::incomplete) return {verdict, size};
  }
  return {Verdict::incomplete, text.size()};
}

// The verdict, which must be the same whole, byte by byte, and at every split.
Scan scan_every_way(Kind kind, std::string_view text) {
  const Scan bytewise = scan_bytewise(kind, text);
  EXPECT_EQ(HeadScanner(kind).scan(text), bytewise.verdict);
  for (std::size_t split = 0; split <= text.size(); ++split) {
    HeadScanner scanner(kind);
    (void)scanner.scan(text.substr(0, split));
    EXPECT_EQ(scanner.scan(text), bytewise.verdict) << split;
  }
  return bytewise;
}

TEST(HeadScanner, FindsTheEndOfARequestAndOfAResponse) {
  for (const auto& [kind, head] :
       {std::pair(Kind::request, request), std::pair(Kind::response, response)}) {
    const auto scan = scan_every_way(kind, head);
    EXPECT_EQ(scan.verdict, Verdict::complete);
    EXPECT_EQ(scan.looked_at, head.size());
  }
}

TEST(HeadScanner, LeavesWhatFollowsTheHead) {
  for (const std::string after : {"\x81\x05Hello", "\r\n\r\n", "GET /"}) {
    HeadScanner scanner(Kind::request);
    EXPECT_EQ(scanner.scan(request + after), Verdict::complete);
    EXPECT_EQ(scanner.size(), request.size());
    EXPECT_EQ(scanner.scan(request + after), Verdict::complete) << "the verdict changed";
  }
}

TEST(HeadScanner, RefusesWhatIsNoRequestAtOnce) {
  const std::pair<std::string, std::size_t> cases[] = {
      {"\x16\x03\x01\x02", 1},  // a TLS ClientHello
      {std::string(1, '\0'), 1},
      {" GET / HTTP/1.1", 1},
      {"\r\n", 1},
      {"\x81\x85", 1},
      {"GE\xC3\x89 ", 3},
      {"GET\t/ HTTP/1.1", 4},
      {"GET\r\n", 4},
      {"GET\n", 4},
      {"GET  / HTTP/1.1", 5},
      {"GET /\r\n", 6},  // HTTP/0.9
      {"GET /a\nb", 7},
      {"GET /\xC3\xA9", 6},
      {"GET / FTP/1.1", 7},
      {"GET / http/1.1", 7},
      {"GET / HTTP/11", 13},
      {"GET / HTTP/1.x", 14},
      {"GET / HTTP/1.11", 15},
      {"GET / HTTP/1.1 \r\n", 15},
      {"GET / HTTP/1.\r\n", 14},
      {"GET / HTTP/1.1\n", 15},
      {"GET / HTTP/1.1\rX", 16},
      {std::string(40, 'A'), 33},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
       0},  // the preface of HTTP/2 is a head, refused by its version
  };
  for (const auto& [text, at] : cases) {
    const auto scan = scan_every_way(Kind::request, text);
    EXPECT_EQ(scan.verdict, at == 0 ? Verdict::complete : Verdict::malformed) << text;
    if (at != 0) {
      EXPECT_EQ(scan.looked_at, at) << text;
    }
  }
}

TEST(HeadScanner, RefusesWhatIsNoResponseAtOnce) {
  const std::pair<std::string, std::size_t> cases[] = {
      {"\x15\x03\x03", 1},  // a TLS alert
      {"SSH-2.0-", 1},           {"HTTP 101", 5},
      {"HTTP/1.1 10\r\n", 12},   {"HTTP/1.1 1O1", 11},
      {"HTTP/1.1  101", 10},     {"HTTP/1.1 1010", 13},
      {"HTTP/1.1 101\tOK", 13},  {"HTTP/1.1 101 O\nK", 15},
      {"HTTP/1.1 101 \x01", 14}, {"\r\n", 1},
  };
  for (const auto& [text, at] : cases) {
    const auto scan = scan_every_way(Kind::response, text);
    EXPECT_EQ(scan.verdict, Verdict::malformed) << text;
    EXPECT_EQ(scan.looked_at, at) << text;
  }
}

TEST(HeadScanner, TakesAResponseWithoutAReason) {
  EXPECT_EQ(scan_every_way(Kind::response, "HTTP/1.1 101\r\n\r\n").verdict, Verdict::complete);
  EXPECT_EQ(scan_every_way(Kind::response, "HTTP/1.1 101 \r\n\r\n").verdict, Verdict::complete);
}

TEST(HeadScanner, RefusesFieldsThatHideSomething) {
  const std::string line = "GET / HTTP/1.1\r\n";
  const std::string bad_fields[] = {
      " Host: folded\r\n",  // RFC 9112 2.2
      "Host: a\r\n b\r\n",  // RFC 9112 5.2 obs-fold
      "Host: a\r\n\tb\r\n",
      "Host : a\r\n",  // RFC 9112 5.1
      "Host\r\n",
      ": no name\r\n",
      "Ho st: a\r\n",
      "Host: a\nX: b\r\n",  // bare LF
      "Host: a\n\r\n",
      "Host: a\rX: b\r\n",  // bare CR
      std::string("Host: a\0b\r\n", 12),
      "Host: a\x01\r\n",
      "Host: a\x7F\r\n",
      "H\xC3\xB6st: a\r\n",
      "Host(: a\r\n",
      "\n",
  };
  for (const auto& field : bad_fields) {
    EXPECT_EQ(scan_every_way(Kind::request, line + field + "\r\n").verdict, Verdict::malformed)
        << field;
    EXPECT_EQ(scan_every_way(Kind::request, line + "A: b\r\n" + field + "\r\n").verdict,
              Verdict::malformed)
        << field;
  }
}

TEST(HeadScanner, TakesBytesBeyondAsciiInAValue) {
  EXPECT_EQ(scan_every_way(Kind::request, "GET / HTTP/1.1\r\nX: \xC3\xA9\xFF\r\n\r\n").verdict,
            Verdict::complete);
}

TEST(HeadScanner, TakesAHeadOfExactlyTheLimitAndNoMore) {
  const std::string begin = "GET / HTTP/1.1\r\nX: ";
  const std::string end = "\r\n\r\n";
  const std::string exact =
      begin + std::string(HeadLimits().size_max - begin.size() - end.size(), 'x') + end;
  EXPECT_EQ(HeadScanner(Kind::request).scan(exact), Verdict::complete);
  EXPECT_EQ(scan_bytewise(Kind::request, exact).verdict, Verdict::complete);

  const std::string longer = begin + 'x' + exact.substr(begin.size());
  EXPECT_EQ(HeadScanner(Kind::request).scan(longer), Verdict::too_large);
  const auto scan = scan_bytewise(Kind::request, longer);
  EXPECT_EQ(scan.verdict, Verdict::too_large);
  EXPECT_EQ(scan.looked_at, HeadLimits().size_max);
}

TEST(HeadScanner, TakesAsManyFieldsAsTheLimitAndNoMore) {
  std::string head = "GET / HTTP/1.1\r\n";
  for (std::size_t i = 0; i < HeadLimits().fields_max; ++i) head += "X: y\r\n";
  EXPECT_EQ(scan_every_way(Kind::request, head + "\r\n").verdict, Verdict::complete);
  const auto scan = scan_every_way(Kind::request, head + "X: y\r\n\r\n");
  EXPECT_EQ(scan.verdict, Verdict::too_many_fields);
  EXPECT_EQ(scan.looked_at, head.size() + 1);
}

TEST(SplitHead, GivesTheStartLineAndTheFields) {
  std::string_view start_line;
  HeadFields fields;
  ASSERT_EQ(split_head(request, Kind::request, start_line, fields), Verdict::complete);
  EXPECT_EQ(start_line, "GET /chat?x HTTP/1.1");
  ASSERT_EQ(fields.all().size(), 3U);
  EXPECT_EQ(fields.all()[0].name, "Host");
  EXPECT_EQ(fields.all()[0].value, "example.com");
  EXPECT_EQ(fields.all()[1].value, "");
  EXPECT_EQ(fields.all()[2].value, "a");
}

TEST(SplitHead, TakesAHeadWithoutFields) {
  std::string_view start_line;
  HeadFields fields;
  fields.add({"left", "over"});
  ASSERT_EQ(split_head("GET / HTTP/1.1\r\n\r\n", Kind::request, start_line, fields),
            Verdict::complete);
  EXPECT_TRUE(fields.all().empty());
}

TEST(SplitHead, RefusesWhatIsNotExactlyOneHead) {
  std::string_view start_line;
  HeadFields fields;
  EXPECT_EQ(split_head(request + "x", Kind::request, start_line, fields), Verdict::malformed);
  EXPECT_EQ(split_head("", Kind::request, start_line, fields), Verdict::incomplete);
  for (std::size_t size = 0; size < request.size(); ++size) {
    EXPECT_EQ(
        split_head(std::string_view(request).substr(0, size), Kind::request, start_line, fields),
        Verdict::incomplete);
  }
}

TEST(HeadScanner, TakesTheLimitsThatItIsGiven) {
  std::string head = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 1000; ++i)
    head += "X-" + std::to_string(i) + ": " + std::to_string(i) + "\r\n";
  head += "\r\n";
  const auto size = static_cast<std::uint32_t>(head.size());
  std::string_view line;
  HeadFields fields;
  EXPECT_EQ(split_head(head, Kind::request, line, fields, {size, 1000}), Verdict::complete);
  ASSERT_EQ(fields.all().size(), 1000U);
  EXPECT_EQ(*fields.find("x-0"), "0");
  EXPECT_EQ(*fields.find("x-999"), "999");
  EXPECT_EQ(split_head(head, Kind::request, line, fields, {size, 999}), Verdict::too_many_fields);
  EXPECT_EQ(split_head(head, Kind::request, line, fields, {size - 1, 1000}), Verdict::too_large);
  EXPECT_EQ(split_head("GET / HTTP/1.1\r\nA: b\r\n\r\n", Kind::request, line, fields),
            Verdict::complete);
  EXPECT_EQ(fields.all().size(), 1U);
}

TEST(HeadFields, FindsFieldsInAnyCase) {
  HeadFields fields;
  fields.add({"Upgrade", "a, WebSocket ,b"});
  fields.add({"UPGRADE", "c,,"});
  EXPECT_EQ(*fields.find("upgrade"), "a, WebSocket ,b");
  EXPECT_EQ(fields.find("Upgrad"), nullptr);
  EXPECT_EQ(fields.count("uPGRADE"), 2U);
  EXPECT_EQ(fields.count("Host"), 0U);
  EXPECT_TRUE(fields.has_token("Upgrade", "websocket"));
  EXPECT_TRUE(fields.has_token("Upgrade", "C"));
  EXPECT_FALSE(fields.has_token("Upgrade", "web"));
  EXPECT_FALSE(fields.has_token("Upgrade", ""));
}

TEST(ListElements, AreSeparatedByCommasAndMayBeEmpty) {
  ListElements elements(" , a b ,\t,c,");
  EXPECT_EQ(elements.next(), "a b");
  EXPECT_EQ(elements.next(), "c");
  EXPECT_EQ(elements.next(), "");
  EXPECT_EQ(elements.next(), "");
}

TEST(Token, IsOneOrMoreTokenCharacters) {
  EXPECT_TRUE(is_token("abc-09!#$%&'*+.^_`|~Z"));
  for (const std::string_view text :
       {"", "a b", "a:", "\"a\"", "a/b", "a,b", "a\x7F", "\xC3\xA9"}) {
    EXPECT_FALSE(is_token(text)) << text;
  }
}

}  // namespace
}  // namespace ringdown::protocol
