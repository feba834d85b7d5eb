// The opening handshake, client: what is asked, which answers are taken, and how each other one
// fails.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "protocol/accept_key.h"
#include "protocol/upgrade.h"

namespace ringdown::protocol {
namespace {

constexpr std::string_view key = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr std::string_view offered[] = {"chat", "superchat"};

UpgradeQuestion question() {
  return {.host = "server.example.com",
          .target = "/chat",
          .key = key,
          .origin = "http://example.com",
          .subprotocols = offered,
          .extra = {}};
}

std::string request(const UpgradeQuestion& asked, std::size_t room = 2000) {
  std::string out(room, '?');
  out.resize(write_upgrade_request(out, asked));
  return out;
}

TEST(UpgradeClient, AsksAsInTheRfc) {
  EXPECT_EQ(request(question()),
            "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Origin: http://example.com\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: chat, superchat\r\n\r\n");
}

TEST(UpgradeClient, LeavesOutWhatIsNotWanted) {
  auto asked = question();
  asked.origin = {};
  asked.subprotocols = {};
  const HeaderField extra[] = {{"Origin", "null"}, {"Cookie", "a=b"}};
  asked.extra = extra;
  const std::string text = request(asked);
  EXPECT_EQ(text.find("Sec-WebSocket-Protocol"), std::string::npos);
  EXPECT_NE(text.find("Version: 13\r\nOrigin: null\r\nCookie: a=b\r\n\r\n"), std::string::npos);
}

TEST(UpgradeClient, AsksWhatTheServerGrants) {
  const std::string text = request(question());
  UpgradeRequest granted;
  ASSERT_EQ(parse_upgrade_request(text, granted), UpgradeRefusal::none);
  EXPECT_EQ(granted.target, "/chat");
  EXPECT_EQ(granted.key, key);
  EXPECT_EQ(granted.subprotocols().size(), 2U);
}

TEST(UpgradeClient, WritesNothingThatDoesNotFit) {
  const std::string whole = request(question());
  for (std::size_t room = 0; room < whole.size(); ++room) EXPECT_EQ(request(question(), room), "");
  EXPECT_EQ(request(question(), whole.size()), whole);
}

TEST(UpgradeClient, WritesNothingThatWouldBreakTheHead) {
  const std::string nul("a\0b", 3);
  for (const std::string_view bad :
       {std::string_view("a\r\nX: y"), std::string_view("a\n"), std::string_view(nul)}) {
    auto asked = question();
    asked.host = bad;
    EXPECT_EQ(request(asked), "");
    asked = question();
    const std::string target = "/" + std::string(bad);
    asked.target = target;
    EXPECT_EQ(request(asked), "");
    asked = question();
    asked.origin = bad;
    EXPECT_EQ(request(asked), "");
    asked = question();
    asked.subprotocols = {&bad, 1};
    EXPECT_EQ(request(asked), "");
    asked = question();
    const HeaderField value{"X", bad};
    asked.extra = {&value, 1};
    EXPECT_EQ(request(asked), "");
    const HeaderField named{bad, "x"};
    asked.extra = {&named, 1};
    EXPECT_EQ(request(asked), "");
  }
}

TEST(UpgradeClient, WritesNoFieldTwice) {
  for (const std::string_view name :
       {"Host", "origin", "Connection", "Upgrade", "Sec-WebSocket-Key", "sec-websocket-version",
        "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Content-Length",
        "Transfer-Encoding"}) {
    auto asked = question();
    const HeaderField field{name, "x"};
    asked.extra = {&field, 1};
    EXPECT_EQ(request(asked), "") << name;
  }
}

TEST(UpgradeClient, AsksForNothingThatIsNone) {
  auto asked = question();
  for (const std::string_view target : {"", "chat", "/a b", "/a#b", "/\xC3\xA9"}) {
    asked.target = target;
    EXPECT_EQ(request(asked), "") << target;
  }
  asked = question();
  asked.host = "";
  EXPECT_EQ(request(asked), "");
  asked = question();
  asked.key = "short";
  EXPECT_EQ(request(asked), "");
  asked = question();
  constexpr std::string_view twice[] = {"chat", "chat"};
  asked.subprotocols = twice;
  EXPECT_EQ(request(asked), "");
  const std::vector<std::string_view> many(subprotocols_max + 1, "p");
  asked.subprotocols = many;
  EXPECT_EQ(request(asked), "");
}

// The response of RFC 6455 1.2.
struct Response {
  std::string line = "HTTP/1.1 101 Switching Protocols";
  std::vector<std::string> fields = {
      "Upgrade: websocket",
      "Connection: Upgrade",
      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
      "Sec-WebSocket-Protocol: chat",
  };

  Response& with(std::string field) {
    fields.push_back(std::move(field));
    return *this;
  }
  Response& without(std::string_view name) {
    std::erase_if(fields, [name](const std::string& field) { return field.starts_with(name); });
    return *this;
  }
  Response& start(std::string start_line) {
    line = std::move(start_line);
    return *this;
  }
  std::string head() const {
    std::string text = line + "\r\n";
    for (const auto& field : fields) text += field + "\r\n";
    return text + "\r\n";
  }
};

UpgradeFailure failure_of(const std::string& head) {
  UpgradeResponse response;
  return parse_upgrade_response(head, key, offered, response);
}
UpgradeFailure failure_of(const Response& response) { return failure_of(response.head()); }

TEST(UpgradeClient, TakesTheResponseOfTheRfc) {
  const std::string head = Response().with("Ringdown-Mode: push").head();
  UpgradeResponse response;
  ASSERT_EQ(parse_upgrade_response(head, key, offered, response), UpgradeFailure::none);
  EXPECT_EQ(response.http_status, 101);
  EXPECT_EQ(response.subprotocol, "chat");
  EXPECT_EQ(*response.fields.find("ringdown-mode"), "push");
}

TEST(UpgradeClient, TakesWhatTheServerWrites) {
  std::string head(1000, '?');
  head.resize(write_upgrade_response(head, key, "superchat"));
  UpgradeResponse response;
  ASSERT_EQ(parse_upgrade_response(head, key, offered, response), UpgradeFailure::none);
  EXPECT_EQ(response.subprotocol, "superchat");
}

TEST(UpgradeClient, TakesOtherSpellings) {
  EXPECT_EQ(failure_of(Response().without("Upgrade").with("upgrade: WEBSOCKET")),
            UpgradeFailure::none);
  EXPECT_EQ(failure_of(Response().without("Connection").with("Connection: keep-alive,upgrade")),
            UpgradeFailure::none);
  EXPECT_EQ(failure_of(Response().start("HTTP/1.1 101")), UpgradeFailure::none);
  EXPECT_EQ(failure_of(Response().with("Sec-WebSocket-Extensions:")), UpgradeFailure::none);
}

TEST(UpgradeClient, TakesAResponseWithoutASubprotocol) {
  const std::string head = Response().without("Sec-WebSocket-Protocol").head();
  UpgradeResponse response;
  response.subprotocol = "left over";
  ASSERT_EQ(parse_upgrade_response(head, key, offered, response), UpgradeFailure::none);
  EXPECT_EQ(response.subprotocol, "");
}

TEST(UpgradeClient, SaysWhichStatusItGot) {
  for (const int status : {200, 301, 400, 401, 403, 404, 426, 500, 503, 100}) {
    const std::string head = "HTTP/1.1 " + std::to_string(status) + " No\r\nX: y\r\n\r\n";
    UpgradeResponse response;
    EXPECT_EQ(parse_upgrade_response(head, key, offered, response), UpgradeFailure::http_status);
    EXPECT_EQ(response.http_status, status);
  }
}

TEST(UpgradeClient, FailsOnWhatIsNotHttp) {
  EXPECT_EQ(failure_of(Response().start("HTTP/1.0 101 OK")), UpgradeFailure::not_http);
  EXPECT_EQ(failure_of(Response().start("HTTP/2.0 101 OK")), UpgradeFailure::not_http);
  EXPECT_EQ(failure_of(Response().start("ICY 200 OK")), UpgradeFailure::not_http);
  EXPECT_EQ(failure_of(Response().with(" folded")), UpgradeFailure::not_http);
  const std::string head = Response().head();
  for (std::size_t size = 0; size < head.size(); ++size) {
    EXPECT_EQ(failure_of(head.substr(0, size)), UpgradeFailure::not_http);
  }
}

TEST(UpgradeClient, FailsWithoutUpgradeOrConnection) {
  EXPECT_EQ(failure_of(Response().without("Upgrade")), UpgradeFailure::upgrade_missing);
  EXPECT_EQ(failure_of(Response().without("Upgrade").with("Upgrade: h2c")),
            UpgradeFailure::upgrade_missing);
  EXPECT_EQ(failure_of(Response().without("Upgrade").with("Upgrade: websocket, h2c")),
            UpgradeFailure::upgrade_missing);
  EXPECT_EQ(failure_of(Response().with("Upgrade: websocket")), UpgradeFailure::upgrade_missing);
  EXPECT_EQ(failure_of(Response().without("Connection")), UpgradeFailure::connection_missing);
  EXPECT_EQ(failure_of(Response().without("Connection").with("Connection: close")),
            UpgradeFailure::connection_missing);
}

TEST(UpgradeClient, FailsOnAnotherAccept) {
  const std::string field = "Sec-WebSocket-Accept";
  EXPECT_EQ(failure_of(Response().without(field)), UpgradeFailure::accept_missing);
  for (const std::string accept :
       {"", "s3pPLMBiTxaQ9kYGzzhZRbK+xO0=", "S3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=x", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo"}) {
    EXPECT_EQ(failure_of(Response().without(field).with(field + ": " + accept)),
              UpgradeFailure::accept_wrong)
        << accept;
  }
  EXPECT_EQ(failure_of(Response().with(field + ": s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")),
            UpgradeFailure::accept_wrong);
}

TEST(UpgradeClient, FailsOnASubprotocolThatWasNotOffered) {
  const std::string field = "Sec-WebSocket-Protocol";
  for (const std::string chosen : {"other", "Chat", "chat, superchat", "", "cha"}) {
    EXPECT_EQ(failure_of(Response().without(field).with(field + ": " + chosen)),
              UpgradeFailure::subprotocol_not_offered)
        << chosen;
  }
  EXPECT_EQ(failure_of(Response().with(field + ": superchat")),
            UpgradeFailure::subprotocol_not_offered);
  UpgradeResponse response;
  EXPECT_EQ(parse_upgrade_response(Response().head(), key, {}, response),
            UpgradeFailure::subprotocol_not_offered);
}

TEST(UpgradeClient, FailsOnAnExtension) {
  EXPECT_EQ(failure_of(Response().with("Sec-WebSocket-Extensions: permessage-deflate")),
            UpgradeFailure::extension_not_offered);
}

TEST(UpgradeClient, FailsOnAHeadTooLarge) {
  EXPECT_EQ(failure_of(Response().with("X: " + std::string(HeadLimits().size_max, 'x'))),
            UpgradeFailure::head_too_large);
  EXPECT_EQ(failure_for(HeadScanner::Verdict::too_many_fields), UpgradeFailure::head_too_large);
  EXPECT_EQ(failure_for(HeadScanner::Verdict::malformed), UpgradeFailure::not_http);
  EXPECT_EQ(failure_for(HeadScanner::Verdict::complete), UpgradeFailure::none);
}

TEST(UpgradeFailure, HasANameOfItsOwn) {
  constexpr auto end = static_cast<unsigned>(UpgradeFailure::head_too_large) + 1;
  std::set<std::string_view> names;
  for (unsigned i = 0; i < end; ++i) names.insert(name(static_cast<UpgradeFailure>(i)));
  EXPECT_EQ(names.size(), end);
  EXPECT_FALSE(names.contains("?"));
}

}  // namespace
}  // namespace ringdown::protocol
