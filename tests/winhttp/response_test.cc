// Responses as they come off the wire: heads in pieces, and bodies in each framing (RFC 9112 6, 7).
#include "winhttp/response.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace ringdown::winhttp {
namespace {

struct Read {
  Response::Verdict verdict;
  int status;
  std::string body;
  bool whole;

  bool operator==(const Read&) const = default;
};

// In pieces of `size` bytes, and FIN behind them.
Read read(std::string_view bytes, std::size_t size, bool is_head_request = false) {
  Response response;
  for (std::size_t at = 0; at < bytes.size(); at += size) {
    response.feed(bytes.substr(at, size), is_head_request);
  }
  const bool whole = response.body.end_of_stream();
  return {response.head_verdict(), response.status(), response.body_bytes, whole};
}

void expect_read(std::string_view bytes, const Read& wanted, bool is_head_request = false) {
  for (const std::size_t size : {std::size_t{1}, std::size_t{2}, std::size_t{7}, bytes.size()}) {
    EXPECT_TRUE(read(bytes, size, is_head_request) == wanted) << size << " bytes at a time";
  }
}

constexpr auto complete = Response::Verdict::complete;

TEST(ResponseBody, WithContentLengthEndsThere) {
  expect_read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, and more",
              {complete, 200, "hello", true});
}

TEST(ResponseBody, WithContentLengthIsCutOff) {
  expect_read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", {complete, 200, "hell", false});
}

TEST(ResponseBody, InChunksEndsWithTheLast) {
  expect_read(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nhello\r\nA;name=value\r\n, chunked \r\n1\r\n!\r\n0\r\nTrailer: x\r\n\r\nbehind",
      {complete, 200, "hello, chunked !", true});
}

TEST(ResponseBody, InChunksIsCutOff) {
  expect_read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
              {complete, 200, "hello", false});
}

TEST(ResponseBody, InChunksOfNoSizeIsMalformed) {
  Response response;
  response.feed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", false);
  EXPECT_TRUE(response.body.is_malformed());
}

TEST(ResponseBody, WithoutLengthEndsWithTheStream) {
  expect_read("HTTP/1.1 200 OK\r\n\r\nhello", {complete, 200, "hello", true});
}

TEST(ResponseBody, OfNoContentAndOfHeadRequestsIsNone) {
  expect_read("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", {complete, 204, "", true});
  expect_read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", {complete, 200, "", true}, true);
}

TEST(ResponseHead, AfterInterimOnesIsTheResponse) {
  expect_read(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
      "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno",
      {complete, 404, "no", true});
}

TEST(ResponseHead, AfterSeventeenInterimOnesIsNone) {
  for (const int count : {16, 17}) {
    std::string bytes;
    for (int i = 0; i < count; ++i) bytes += "HTTP/1.1 100 Continue\r\n\r\n";
    Response response;
    response.feed(bytes + "HTTP/1.1 204 No Content\r\n\r\n", false);
    EXPECT_EQ(response.has_head(), count == 16);
  }
}

TEST(ResponseHead, ThatIsTooLargeIsNamedSo) {
  const std::string begin = "HTTP/1.1 200 OK\r\nSet-Cookie: ";
  for (const std::size_t size : {std::size_t{60'000}, std::size_t{66'000}}) {
    Response response;
    response.feed(begin + std::string(size, 'c') + "\r\n\r\n", false);
    EXPECT_EQ(response.head_verdict(),
              size == 60'000 ? Response::Verdict::complete : Response::Verdict::too_large);
  }
  Response small(100);
  small.feed(begin + std::string(100, 'c'), false);
  EXPECT_EQ(small.head_verdict(), Response::Verdict::too_large);
  std::string many = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 1001; ++i) many += "X: y\r\n";
  Response response;
  response.feed(many + "\r\n", false);
  EXPECT_EQ(response.head_verdict(), Response::Verdict::too_many_fields);
}

TEST(ResponseBody, OfTwoLengthsIsMalformed) {
  for (const std::string_view lengths : {"5\r\nContent-Length: 6", "5, 6", "+5", ""}) {
    Response response;
    response.feed("HTTP/1.1 200 OK\r\nContent-Length: " + std::string(lengths) + "\r\n\r\nhello",
                  false);
    EXPECT_EQ(response.head_verdict(), Response::Verdict::malformed) << lengths;
  }
  expect_read("HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\nContent-Length: 5\r\n\r\nhello!",
              {complete, 200, "hello", true});
}

TEST(ResponseBody, WhoseLastCodingIsNotChunkedEndsWithTheStream) {
  expect_read(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\nContent-Length: 2\r\n\r\nhello",
      {complete, 200, "hello", true});
}

TEST(ResponseHead, OfASwitchLeavesWhatIsBehindIt) {
  constexpr std::string_view head =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
  Response response;
  EXPECT_EQ(response.feed(std::string(head) + "frames", false), head.size());
  EXPECT_EQ(response.head(), head);
  EXPECT_EQ(response.reason(), "Switching Protocols");
}

TEST(ResponseHead, ThatIsNoneIsMalformed) {
  for (const std::string_view bytes :
       {"SSH-2.0-OpenSSH\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n folded",
        "HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\n"}) {
    Response response;
    response.feed(bytes, false);
    const bool is_none = response.head_verdict() == Response::Verdict::malformed;
    EXPECT_EQ(is_none, bytes.find("folded") == bytes.npos) << bytes;
  }
}

}  // namespace
}  // namespace ringdown::winhttp
