// The opening handshake, server: what is granted, what is refused and with what, and what is
// written.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "protocol/upgrade.h"

namespace ringdown::protocol {
namespace {

// The request of RFC 6455 1.2.
struct Request {
  std::string line = "GET /chat HTTP/1.1";
  std::vector<std::string> fields = {
      "Host: server.example.com",   "Upgrade: websocket",
      "Connection: Upgrade",        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
      "Origin: http://example.com", "Sec-WebSocket-Protocol: chat, superchat",
      "Sec-WebSocket-Version: 13",
  };

  Request& with(std::string field) {
    fields.push_back(std::move(field));
    return *this;
  }
  // Removes the fields of that name.
  Request& without(std::string_view name) {
    std::erase_if(fields, [name](const std::string& field) { return field.starts_with(name); });
    return *this;
  }
  Request& start(std::string start_line) {
    line = std::move(start_line);
    return *this;
  }
  std::string head() const {
    std::string text = line + "\r\n";
    for (const auto& field : fields) text += field + "\r\n";
    return text + "\r\n";
  }
};

UpgradeRefusal refusal_of(const std::string& head) {
  UpgradeRequest request;
  return parse_upgrade_request(head, request);
}
UpgradeRefusal refusal_of(const Request& request) { return refusal_of(request.head()); }

TEST(UpgradeServer, GrantsTheRequestOfTheRfc) {
  const std::string head = Request().head();
  UpgradeRequest request;
  ASSERT_EQ(parse_upgrade_request(head, request), UpgradeRefusal::none);
  EXPECT_EQ(request.target, "/chat");
  EXPECT_EQ(request.host, "server.example.com");
  EXPECT_EQ(request.origin, "http://example.com");
  EXPECT_EQ(request.key, "dGhlIHNhbXBsZSBub25jZQ==");
  ASSERT_EQ(request.subprotocols().size(), 2U);
  EXPECT_EQ(request.subprotocols()[0], "chat");
  EXPECT_EQ(request.subprotocols()[1], "superchat");
  EXPECT_EQ(request.find("upgrade"), "websocket");
  EXPECT_EQ(request.find("Cookie"), "");
}

TEST(UpgradeServer, GrantsWhatBrowsersSend) {
  const auto request = Request()
                           .without("Connection")
                           .with("connection: keep-alive, Upgrade")
                           .without("Upgrade")
                           .with("UPGRADE:   WebSocket\t")
                           .with("Sec-WebSocket-Extensions: permessage-deflate")
                           .with("Content-Length: 0");
  EXPECT_EQ(refusal_of(request), UpgradeRefusal::none);
}

TEST(UpgradeServer, GrantsARequestWithoutOriginAndSubprotocols) {
  const std::string head = Request().without("Origin").without("Sec-WebSocket-Protocol").head();
  UpgradeRequest request;
  request.origin = "left over";
  ASSERT_EQ(parse_upgrade_request(head, request), UpgradeRefusal::none);
  EXPECT_EQ(request.origin, "");
  EXPECT_TRUE(request.subprotocols().empty());
}

TEST(UpgradeServer, JoinsSubprotocolsOfSeveralFields) {
  const std::string head = Request().with("sec-websocket-protocol: third,").head();
  UpgradeRequest request;
  ASSERT_EQ(parse_upgrade_request(head, request), UpgradeRefusal::none);
  ASSERT_EQ(request.subprotocols().size(), 3U);
  EXPECT_EQ(request.subprotocols()[2], "third");
}

TEST(UpgradeServer, TakesTheAbsoluteFormOfATarget) {
  const std::pair<std::string, std::string> cases[] = {
      {"http://proxied.example:81/a?b", "/a?b"},
      {"ws://proxied.example:81", "/"},
      {"HTTPS://proxied.example:81/", "/"},
  };
  for (const auto& [target, path] : cases) {
    const std::string head = Request().start("GET " + target + " HTTP/1.1").head();
    UpgradeRequest request;
    ASSERT_EQ(parse_upgrade_request(head, request), UpgradeRefusal::none) << target;
    EXPECT_EQ(request.target, path);
    EXPECT_EQ(request.host, "proxied.example:81");
  }
}

TEST(UpgradeServer, RefusesOtherStartLines) {
  const std::pair<std::string, UpgradeRefusal> cases[] = {
      {"POST /chat HTTP/1.1", UpgradeRefusal::method_not_get},
      {"get /chat HTTP/1.1", UpgradeRefusal::method_not_get},
      {"HEAD /chat HTTP/1.1", UpgradeRefusal::method_not_get},
      {"GET /chat HTTP/1.0", UpgradeRefusal::version_not_supported},
      {"GET /chat HTTP/2.0", UpgradeRefusal::version_not_supported},
      {"PRI * HTTP/2.0", UpgradeRefusal::version_not_supported},
      {"GET * HTTP/1.1", UpgradeRefusal::target_malformed},
      {"GET chat HTTP/1.1", UpgradeRefusal::target_malformed},
      {"GET /chat#there HTTP/1.1", UpgradeRefusal::target_malformed},
      {"GET http:///chat HTTP/1.1", UpgradeRefusal::target_malformed},
      {"GET http://u@h/chat HTTP/1.1", UpgradeRefusal::target_malformed},
      {"GET ftp://h/chat HTTP/1.1", UpgradeRefusal::target_malformed},
      {"GET  HTTP/1.1", UpgradeRefusal::head_malformed},
      {"GET /chat", UpgradeRefusal::head_malformed},
  };
  for (const auto& [line, refusal] : cases)
    EXPECT_EQ(refusal_of(Request().start(line)), refusal) << line;
}

TEST(UpgradeServer, RefusesAHostThatIsMissingDuplicateOrNone) {
  EXPECT_EQ(refusal_of(Request().without("Host")), UpgradeRefusal::host_missing);
  EXPECT_EQ(refusal_of(Request().with("host: server.example.com")), UpgradeRefusal::host_duplicate);
  for (const std::string host : {"", "a b", "a,b", "a/b", "u@h", ":80", "h#f", "h?q"}) {
    EXPECT_EQ(refusal_of(Request().without("Host").with("Host: " + host)),
              UpgradeRefusal::host_malformed)
        << host;
  }
  for (const std::string host : {"h", "h:80", "[::1]:9001", "127.0.0.1", "xn--bcher-kva.example"}) {
    EXPECT_EQ(refusal_of(Request().without("Host").with("Host: " + host)), UpgradeRefusal::none)
        << host;
  }
}

TEST(UpgradeServer, RefusesABody) {
  EXPECT_EQ(refusal_of(Request().with("Content-Length: 5")), UpgradeRefusal::body_not_allowed);
  EXPECT_EQ(refusal_of(Request().with("Content-Length: 0").with("Content-Length: 5")),
            UpgradeRefusal::body_not_allowed);
  EXPECT_EQ(refusal_of(Request().with("Content-Length:")), UpgradeRefusal::body_not_allowed);
  EXPECT_EQ(refusal_of(Request().with("Transfer-Encoding: chunked")),
            UpgradeRefusal::body_not_allowed);
}

TEST(UpgradeServer, RefusesWhatAsksForNoWebSocket) {
  EXPECT_EQ(refusal_of(Request().without("Upgrade")), UpgradeRefusal::upgrade_missing);
  EXPECT_EQ(refusal_of(Request().without("Upgrade").with("Upgrade: h2c")),
            UpgradeRefusal::upgrade_missing);
  EXPECT_EQ(refusal_of(Request().without("Upgrade").with("Upgrade: websockets")),
            UpgradeRefusal::upgrade_missing);
  EXPECT_EQ(refusal_of(Request().without("Connection")), UpgradeRefusal::connection_missing);
  EXPECT_EQ(refusal_of(Request().without("Connection").with("Connection: close")),
            UpgradeRefusal::connection_missing);
}

TEST(UpgradeServer, RefusesOtherVersionsOfWebSocket) {
  const std::string field = "Sec-WebSocket-Version";
  EXPECT_EQ(refusal_of(Request().without(field)), UpgradeRefusal::websocket_version_missing);
  for (const std::string version : {"8", "14", "013", "13, 8", "", "13;"}) {
    EXPECT_EQ(refusal_of(Request().without(field).with(field + ": " + version)),
              UpgradeRefusal::websocket_version_not_13)
        << version;
  }
  EXPECT_EQ(refusal_of(Request().with(field + ": 13")), UpgradeRefusal::websocket_version_not_13);
}

TEST(UpgradeServer, RefusesABadKey) {
  const std::string field = "Sec-WebSocket-Key";
  EXPECT_EQ(refusal_of(Request().without(field)), UpgradeRefusal::key_missing);
  EXPECT_EQ(refusal_of(Request().with(field + ": dGhlIHNhbXBsZSBub25jZQ==")),
            UpgradeRefusal::key_duplicate);
  for (const std::string key :
       {"", "short", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQAA"}) {
    EXPECT_EQ(refusal_of(Request().without(field).with(field + ": " + key)),
              UpgradeRefusal::key_malformed)
        << key;
  }
}

TEST(UpgradeServer, RefusesBadSubprotocols) {
  EXPECT_EQ(refusal_of(Request().with("Sec-WebSocket-Protocol: a b")),
            UpgradeRefusal::subprotocol_malformed);
  std::string list = "Sec-WebSocket-Protocol: p";
  for (std::size_t i = 1; i < subprotocols_max; ++i) list += ",p" + std::to_string(i);
  EXPECT_EQ(refusal_of(Request().without("Sec-WebSocket-Protocol").with(list)),
            UpgradeRefusal::none);
  EXPECT_EQ(refusal_of(Request().without("Sec-WebSocket-Protocol").with(list + ",one-more")),
            UpgradeRefusal::too_many_subprotocols);
}

TEST(UpgradeServer, RefusesAHeadThatIsTooLargeOrTooLong) {
  EXPECT_EQ(refusal_of(Request().with("X: " + std::string(HeadLimits().size_max, 'x'))),
            UpgradeRefusal::head_too_large);
  auto request = Request();
  for (std::size_t i = 0; i < HeadLimits().fields_max; ++i) request.with("X: y");
  EXPECT_EQ(refusal_of(request), UpgradeRefusal::too_many_fields);
}

TEST(UpgradeServer, RefusesEveryBeginningOfAHead) {
  const std::string head = Request().head();
  for (std::size_t size = 0; size < head.size(); ++size) {
    EXPECT_EQ(refusal_of(head.substr(0, size)), UpgradeRefusal::head_malformed);
  }
  EXPECT_EQ(refusal_of(head + "\x81"), UpgradeRefusal::head_malformed);
}

TEST(UpgradeRefusal, HasANameOfItsOwnAndAnErrorStatus) {
  constexpr auto end = static_cast<unsigned>(UpgradeRefusal::too_many_subprotocols) + 1;
  std::set<std::string_view> names;
  for (unsigned i = 0; i < end; ++i) {
    const auto refusal = static_cast<UpgradeRefusal>(i);
    names.insert(name(refusal));
    if (refusal == UpgradeRefusal::none) continue;
    EXPECT_GE(http_status(refusal), 400) << name(refusal);
    EXPECT_NE(http_phrase(http_status(refusal)), "Refused") << name(refusal);
  }
  EXPECT_EQ(names.size(), end);
  EXPECT_FALSE(names.contains("?"));
  EXPECT_EQ(http_status(UpgradeRefusal::method_not_get), 405);
  EXPECT_EQ(http_status(UpgradeRefusal::websocket_version_not_13), 426);
  EXPECT_EQ(http_status(UpgradeRefusal::head_too_large), 431);
  EXPECT_EQ(http_status(UpgradeRefusal::version_not_supported), 505);
  EXPECT_EQ(http_status(UpgradeRefusal::key_malformed), 400);
}

TEST(UpgradeRefusal, FollowsFromWhatTheScannerFound) {
  EXPECT_EQ(refusal_for(HeadScanner::Verdict::complete), UpgradeRefusal::none);
  EXPECT_EQ(refusal_for(HeadScanner::Verdict::malformed), UpgradeRefusal::head_malformed);
  EXPECT_EQ(refusal_for(HeadScanner::Verdict::too_large), UpgradeRefusal::head_too_large);
  EXPECT_EQ(refusal_for(HeadScanner::Verdict::too_many_fields), UpgradeRefusal::too_many_fields);
}

constexpr std::string_view key = "dGhlIHNhbXBsZSBub25jZQ==";

std::string response(std::string_view subprotocol, std::span<const HeaderField> extra = {},
                     std::size_t room = 1000) {
  std::string out(room, '?');
  out.resize(write_upgrade_response(out, key, subprotocol, extra));
  return out;
}

TEST(UpgradeServer, WritesTheResponseOfTheRfc) {
  EXPECT_EQ(response("chat"),
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
            "Sec-WebSocket-Protocol: chat\r\n\r\n");
  EXPECT_EQ(response("").find("Protocol:"), std::string::npos);
}

TEST(UpgradeServer, WritesExtraFields) {
  const HeaderField extra[] = {{"Ringdown-Mode", "push"}, {"Set-Cookie", "a=b"}};
  EXPECT_NE(response("", extra).find("\r\nRingdown-Mode: push\r\nSet-Cookie: a=b\r\n\r\n"),
            std::string::npos);
}

TEST(UpgradeServer, WritesNothingThatDoesNotFit) {
  const std::string whole = response("chat");
  for (std::size_t room = 0; room < whole.size(); ++room) EXPECT_EQ(response("chat", {}, room), "");
  EXPECT_EQ(response("chat", {}, whole.size()), whole);
}

const HeaderField injections[] = {
    {"X", "a\r\nY: b"},
    {"X", "a\nb"},
    {"X", "a\r"},
    {"X", {"a\0b", 3}},
    {"X\r\nY", "a"},
    {"X Y", "a"},
    {"", "a"},
    {"X:", "a"},
    {"Host", "h"},
    {"CONNECTION", "x"},
    {"upgrade", "x"},
    {"Content-Length", "1"},
    {"Transfer-Encoding", "chunked"},
    {"Sec-WebSocket-Accept", "x"},
    {"sec-websocket-extensions", "permessage-deflate"},
};

TEST(UpgradeServer, WritesNothingThatWouldBreakTheHead) {
  for (const HeaderField& field : injections) {
    EXPECT_EQ(response("", {&field, 1}), "") << field.name << ": " << field.value;
  }
  EXPECT_EQ(response("a b"), "");
  EXPECT_EQ(response("a\r\n"), "");
}

std::string refusal(int status, std::string_view phrase, std::span<const HeaderField> extra = {},
                    std::size_t room = 1000) {
  std::string out(room, '?');
  out.resize(write_refusal(out, status, phrase, extra));
  return out;
}

TEST(UpgradeServer, WritesARefusalWithItsBody) {
  EXPECT_EQ(refusal(400, "Bad Request"),
            "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n"
            "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 12\r\n\r\nBad Request\n");
  const HeaderField extra[] = {{"Retry-After", "5"}};
  EXPECT_EQ(refusal(503, "", extra),
            "HTTP/1.1 503 \r\nConnection: close\r\nRetry-After: 5\r\n"
            "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 1\r\n\r\n\n");
}

TEST(UpgradeServer, SaysInARefusalWhatItWouldTake) {
  EXPECT_NE(refusal(426, "Upgrade Required")
                .find("\r\nUpgrade: websocket\r\nConnection: close, Upgrade\r\n"
                      "Sec-WebSocket-Version: 13\r\n"),
            std::string::npos);
  EXPECT_NE(refusal(405, "Method Not Allowed").find("\r\nAllow: GET\r\n"), std::string::npos);
}

TEST(UpgradeServer, WritesNoRefusalThatDoesNotFitOrWouldBreakTheHead) {
  const std::string whole = refusal(400, "Bad Request");
  for (std::size_t room = 0; room < whole.size(); ++room) {
    EXPECT_EQ(refusal(400, "Bad Request", {}, room), "");
  }
  for (const HeaderField& field : injections) EXPECT_EQ(refusal(400, "No", {&field, 1}), "");
  EXPECT_EQ(refusal(400, "a\r\nb"), "");
  EXPECT_EQ(refusal(101, "Switching Protocols"), "");
  EXPECT_EQ(refusal(200, "OK"), "");
  EXPECT_EQ(refusal(1000, "No"), "");
  EXPECT_EQ(refusal(-1, "No"), "");
  EXPECT_EQ(refusal(400, std::string(999, 'x'), {}, 5000), "");
  EXPECT_NE(refusal(400, std::string(998, 'x'), {}, 5000), "");
}

}  // namespace
}  // namespace ringdown::protocol
