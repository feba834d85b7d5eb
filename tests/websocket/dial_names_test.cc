// Dials to names: one that is slow, and one that has several addresses.
#include <gtest/gtest.h>

#include "fixture.h"
#include "net/fake_names.h"

namespace ringdown {
namespace {

class DialToAName : public WebSocketTest {
 protected:
  void TearDown() override {
    fake_names().release("slow.test");
    WebSocketTest::TearDown();
    fake_names().forget();
  }
  static DialRequest to(const std::string& host, std::uint16_t port = 1) {
    DialRequest request;
    request.url = "ws://" + host + ":" + std::to_string(port) + "/";
    return request;
  }
};

TEST_F(DialToAName, EndsAtTheOpeningDeadlineWhileTheNameIsLookedUp) {
  DialRequest request = to("slow.test");
  request.options.open_timeout = 50ms;
  Endpoint& client = dial(request);
  ASSERT_TRUE(pump([&] { return client.is_over(); }));  // and nobody has released the name
  EXPECT_EQ(client.open_failed->failure, OpenFailure::timed_out);
  EXPECT_EQ(client.open_failed->error, Error(ETIMEDOUT));
}

TEST_F(DialToAName, IsAbortedWhileTheNameIsLookedUp) {
  Endpoint& client = dial(to("slow.test"));
  ASSERT_TRUE(fake_names().wait_until_looked_up("slow.test"));
  EXPECT_EQ(client.abort(), Start::io_pending);
  ASSERT_TRUE(pump([&] { return client.is_over(); }));
  EXPECT_EQ(client.open_failed->failure, OpenFailure::aborted);
}

}  // namespace
}  // namespace ringdown
