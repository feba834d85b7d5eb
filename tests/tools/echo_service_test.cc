// The echo under backpressure: a client that does not read for a while gets everything back, whole
// and in order, and the server keeps one message of it, not all.
#include "echo_service.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

#include "environment.h"
#include "service_thread.h"
#include "silent_client.h"

namespace {

// There is no memory for exactly so many bytes; 0: for all there is.
std::atomic<std::size_t> size_that_fails = 0;

}  // namespace

void* operator new(std::size_t size) {
  void* const bytes = size == size_that_fails ? nullptr : std::malloc(size);
  if (bytes == nullptr) throw std::bad_alloc();
  return bytes;
}
// The address sanitizer has a form of its own for this one.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return size == size_that_fails ? nullptr : std::malloc(size);
}
// g++ would see free(3) meet `new` where these are inlined.
[[gnu::noinline]] void operator delete(void* bytes) noexcept { std::free(bytes); }
[[gnu::noinline]] void operator delete(void* bytes, std::size_t) noexcept { std::free(bytes); }

namespace ringdown::program {
namespace {

// Sends all it has while it is paused; reads on when its own sends have stood still.
class StubbornClient final : public WebSocketEvents {
 public:
  // Copied and borrowed by `send`, over and over: more than two sockets' buffers hold.
  static constexpr std::size_t small = 3'000;
  static constexpr std::size_t large = 40'000;
  static constexpr std::uint64_t messages = 2'000;
  static constexpr std::chrono::milliseconds standstill{100};

  explicit StubbornClient(Reactor& reactor) : reactor_(reactor) {}

  std::uint64_t received() const { return received_; }
  std::uint64_t sent_when_resumed() const { return sent_when_resumed_; }
  bool all_right() const { return all_right_; }
  CloseOutcome outcome() const { return outcome_; }

  void on_open(WebSocket& socket) override {
    socket_ = &socket;
    socket.pause();
    send_more();
  }
  void on_writable(WebSocket&) override { send_more(); }
  void on_message(WebSocket& socket, MessageKind kind, ConstBytes bytes) override {
    const auto filler = static_cast<std::byte>(received_);
    all_right_ = all_right_ && kind == MessageKind::binary && bytes.size() == size_of(received_) &&
                 std::all_of(bytes.begin(), bytes.end(), [&](std::byte b) { return b == filler; });
    ++received_;
    if (received_ == messages) (void)socket.close();
  }
  void on_closed(WebSocket&, const Closed& closed) override {
    outcome_ = closed.outcome;
    reactor_.stop();
  }
  void on_open_failed(WebSocket&, const OpenFailed&) override { reactor_.stop(); }

 private:
  static std::size_t size_of(std::uint64_t number) { return number % 3 == 0 ? small : large; }

  void send_more() {
    resume_timer_.arm(reactor_, Clock::now() + standstill);
    for (; sent_ < messages; ++sent_) {
      // Borrowed until on_sent: each has its own storage.
      std::vector<std::byte>& bytes = storage_[sent_];
      bytes.assign(size_of(sent_), static_cast<std::byte>(sent_));
      if (socket_->send(MessageKind::binary, bytes) != Start::io_pending) return;
    }
  }
  void on_standstill() {
    if (!socket_->is_paused()) return;
    sent_when_resumed_ = sent_;
    socket_->resume();
  }

  Reactor& reactor_;
  WebSocket* socket_ = nullptr;
  std::vector<std::vector<std::byte>> storage_{messages};
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
  std::uint64_t sent_when_resumed_ = 0;
  bool all_right_ = true;
  CloseOutcome outcome_ = CloseOutcome::dropped;
  Timer<&StubbornClient::on_standstill> resume_timer_{*this};
};

TEST(EchoService, GivesEverythingBackToAClientThatReadsLate) {
  Bell bell;
  ReleaseHub hub;
  ServiceThread service({}, {*SocketAddress::parse("127.0.0.1:0")}, hub, bell);
  Reactor reactor;
  StubbornClient client(reactor);
  DialRequest request;
  request.url = "ws://" + service.addresses().front().to_string() + "/";
  ASSERT_EQ(dial(reactor, client, request).start, Start::io_pending);
  reactor.run();
  // The server stopped reading, or all would have been sent before a single one was read.
  EXPECT_LT(client.sent_when_resumed(), StubbornClient::messages);
  EXPECT_EQ(client.received(), StubbornClient::messages);
  EXPECT_TRUE(client.all_right());
  EXPECT_EQ(client.outcome(), CloseOutcome::clean);
}

// RFC 6455 5.2: a frame of a client, with a mask of zeros.
std::string frame(unsigned char opcode, const std::string& payload) {
  std::string bytes = {static_cast<char>(0x80 | opcode), static_cast<char>(0x80 | payload.size())};
  return bytes + std::string(4, '\0') + payload;
}

TEST(PushService, KeepsNothingOfWhatAClientAsksForAndDoesNotRead) {
  Bell bell;
  ReleaseHub hub;
  ServiceOptions options;
  options.mode = ServeMode::push;
  ServiceThread service(options, {*SocketAddress::parse("127.0.0.1:0")}, hub, bell);
  constexpr std::size_t clients = 10;
  std::vector<std::unique_ptr<SilentClient>> silent;
  const std::uint64_t before = read_memory().process;
  for (std::size_t client = 0; client < clients; ++client) {
    silent.push_back(std::make_unique<SilentClient>(service.addresses().front().to_string()));
    silent.back()->send(frame(1, "push 64 16777216") + frame(8, ""));
  }
  // A text frame that is not the last of its message: the first one is on its way.
  for (const auto& client : silent) EXPECT_EQ(client->read_byte(), 0x01);
  const std::uint64_t now = read_memory().process;
  // A sixteenth of what is asked for first; the server's pools begin in it too.
  EXPECT_LT(now - std::min(now, before), clients * (1U << 20));
}

TEST(EchoService, EndsOneConnectionWhereThereIsNoMemoryForItsEcho) {
  Bell bell;
  ReleaseHub hub;
  ServiceThread service({}, {*SocketAddress::parse("127.0.0.1:0")}, hub, bell);
  const std::string address = service.addresses().front().to_string();
  const SilentClient other(address);
  const SilentClient client(address);
  constexpr std::size_t size = 50'000;
  size_that_fails = sizeof(KeptMessage);
  // RFC 6455 5.2: 126, then the length in two bytes.
  client.send(std::string("\x82\xfe\xc3\x50\0\0\0\0", 8) + std::string(size, 'x'));
  client.wait_for_close();
  EXPECT_EQ(client.read_byte(), 2 + 22);
  const int status = client.read_byte() * 256;
  EXPECT_EQ(status + client.read_byte(), 1011);
  size_that_fails = 0;
  other.send(frame(1, "x"));
  EXPECT_EQ(other.read_byte(), 0x81);
}

TEST(KeptMessages, AreUsedAgainUnlessTheyGrewLarge) {
  KeptMessages messages;
  KeptMessage& message = messages.take();
  message.bytes.resize(50'000);
  messages.give_back(message);
  KeptMessage& again = messages.take();
  EXPECT_EQ(&again, &message);
  EXPECT_EQ(again.bytes.size(), 50'000U);
  again.bytes.resize(8U << 20);
  messages.give_back(again);
  KeptMessage& fresh = messages.take();
  EXPECT_LT(fresh.bytes.capacity(), 8U << 20);
  messages.give_back(fresh);
}

}  // namespace
}  // namespace ringdown::program
