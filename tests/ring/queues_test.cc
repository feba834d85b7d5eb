// Queues that are too small: the submission queue in the middle of a turn, the completion queue,
// the provided buffers. Nothing may be lost, only be slower.
#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "ring/buffer_lease.h"
#include "sockets.h"

namespace ringdown {
namespace {

ReactorOptions tiny_options() {
  ReactorOptions options = small_options();
  options.submission_entries = 4;
  options.completion_entries = 8;
  return options;
}

TEST(SubmissionQueue, TakesHundredsOfOperationsInATurn) {
  ReactorOptions options = small_options();
  options.submission_entries = 4;
  Reactor reactor(options);
  std::deque<Recorder> nops(700);
  for (Recorder& nop : nops) reactor.core().ring(0).nop(nop.operation);
  EXPECT_TRUE(run_until(reactor, [&] { return std::ranges::all_of(nops, &Recorder::is_done); }));
  run_idle(reactor);
  for (const Recorder& nop : nops) EXPECT_EQ(nop.completions.size(), 1U);
}

TEST(SubmissionQueue, TakesHundredsOfOperationsFromHandlers) {
  ReactorOptions options = small_options();
  options.submission_entries = 4;
  Reactor reactor(options);
  int left = 5000;
  int in_flight = 0;
  std::deque<Recorder> nops;
  for (std::size_t i = 0; i < 100; ++i) {
    nops.emplace_back([&, i](const Completion&) {
      --in_flight;
      for (std::size_t n = 0; n < 100 && left > 0; ++n) {
        Recorder& other = nops[(i + n) % nops.size()];
        if (other.operation.in_flight()) continue;
        --left;
        ++in_flight;
        reactor.core().ring(0).nop(other.operation);
      }
    });
  }
  ++in_flight;
  reactor.core().ring(0).nop(nops[0].operation);
  EXPECT_TRUE(run_until(reactor, [&] { return left == 0 && in_flight == 0; }));
  std::size_t completions = 0;
  for (const Recorder& nop : nops) completions += nop.completions.size();
  EXPECT_EQ(completions, 5001U);
}

TEST(SubmissionQueue, KeepsTheOrderOfLinkedSends) {
  ReactorOptions options = small_options();
  options.submission_entries = 4;
  Reactor reactor(options);
  const Listener listener;
  const Connected connection = connected(reactor, listener);
  std::string expected;
  std::string got;
  for (int round = 0; round < 100; ++round) {
    const std::string texts[] = {std::to_string(round), "a,", "b,", "c;"};
    std::deque<Recorder> sends(4);
    Ring& ring = reactor.core().ring(0);
    ring.reserve(4);
    for (std::size_t i = 0; i < 4; ++i) {
      expected += texts[i];
      ring.send(sends[i].operation, connection.socket, bytes_of(texts[i]), Push::now,
                i + 1 < 4 ? Link::next : Link::none);
    }
    ASSERT_TRUE(run_until(reactor, [&] { return std::ranges::all_of(sends, &Recorder::is_done); }));
    got += read_some(connection.peer);
  }
  EXPECT_EQ(got, expected);
  close_now(reactor, connection.socket);
}

TEST(CompletionQueue, LosesNothingWhenItOverflows) {
  for (const Features features : {all_features, Features{0}}) {
    ReactorOptions options = tiny_options();
    options.allowed_features = features;
    Reactor reactor(options);
    std::deque<Recorder> nops(3000);
    for (Recorder& nop : nops) reactor.core().ring(0).nop(nop.operation);
    EXPECT_TRUE(run_until(reactor, [&] { return std::ranges::all_of(nops, &Recorder::is_done); }));
    run_idle(reactor);
    for (const Recorder& nop : nops) EXPECT_EQ(nop.completions.size(), 1U);
    EXPECT_GT(reactor.statistics().overflows, 0U);
  }
}

// Receives until the end of the stream, as a stream does: a receive that finds no buffer is armed
// anew. Each buffer is held until `release`, or not at all.
class Receiver {
 public:
  Receiver(Reactor& reactor, Connected connection, bool holds)
      : core_(reactor.core()), connection_(std::move(connection)), holds_(holds) {
    arm();
  }
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  const UniqueFd& peer() const { return connection_.peer; }
  void end_peer() { connection_.peer = UniqueFd(); }
  Socket socket() const { return connection_.socket; }
  const std::string& received() const { return received_; }
  bool has_ended() const { return ended_; }
  std::size_t held() const { return held_.size(); }
  int shortages() const { return shortages_; }
  void hold_nothing() {
    holds_ = false;
    held_.clear();
  }

 private:
  void arm() {
    core_.ring(socket().ring)
        .receive(receive_.operation, socket(), ReceiveMode::multishot, BufferGroup::small);
  }
  void on_received(const Completion& completion) {
    if (completion.has_buffer) {
      BufferLease lease(core_, socket().ring, BufferGroup::small, completion.buffer_id,
                        static_cast<std::size_t>(std::max(completion.result, 0)));
      received_.append(reinterpret_cast<const char*>(lease.bytes().data()), lease.bytes().size());
      if (holds_ && completion.result > 0) held_.push_back(std::move(lease));
    }
    if (completion.more) return;
    if (completion.result == -ENOBUFS) ++shortages_;
    if (completion.result != 0) return arm();
    ended_ = true;
  }

  ReactorCore& core_;
  Connected connection_;
  bool holds_;
  bool ended_ = false;
  int shortages_ = 0;
  std::string received_;
  std::deque<BufferLease> held_;
  Recorder receive_{[this](const Completion& completion) { on_received(completion); }};
};

using Receivers = std::vector<std::unique_ptr<Receiver>>;

Receivers receivers(Reactor& reactor, const Listener& listener, std::size_t count, bool hold) {
  Receivers all;
  for (std::size_t i = 0; i < count; ++i) {
    all.push_back(std::make_unique<Receiver>(reactor, connected(reactor, listener), hold));
  }
  return all;
}

void end_all(Reactor& reactor, Receivers& all) {
  for (auto& receiver : all) receiver->hold_nothing();
  for (auto& receiver : all) receiver->end_peer();
  EXPECT_TRUE(run_until(reactor, [&] {
    return std::ranges::all_of(all, [](const auto& receiver) { return receiver->has_ended(); });
  }));
  for (auto& receiver : all) close_now(reactor, receiver->socket());
}

TEST(CompletionQueue, LosesNoByteOfMultishotReceivesWhenItOverflows) {
  for (const Features features :
       {all_features, all_features & ~static_cast<Features>(Feature::defer_taskrun)}) {
    ReactorOptions options = tiny_options();
    options.receive_buffers = 512;
    options.allowed_features = features;
    Reactor reactor(options);
    const Listener listener;
    Receivers all = receivers(reactor, listener, 40, false);
    std::string expected;
    for (int round = 0; round < 10; ++round) {
      const std::string text = std::to_string(round) + ",";
      for (auto& receiver : all) write_all(receiver->peer(), text);
      expected += text;
      reactor.run_once(TimePoint::min());
    }
    EXPECT_TRUE(run_until(reactor, [&] {
      return std::ranges::all_of(all, [&](const auto& r) { return r->received() == expected; });
    }));
    EXPECT_GT(reactor.statistics().overflows, 0U);
    end_all(reactor, all);
  }
}

// The queue is full of what has completed when a handler's operations need room in the other one.
TEST(CompletionQueue, OverflowsWhileOperationsAreBeingSubmitted) {
  Reactor reactor(tiny_options());
  const Listener listener;
  Receivers all = receivers(reactor, listener, 40, false);
  for (int round = 0; round < 20; ++round) {
    std::deque<Recorder> nops(200);
    for (auto& receiver : all) write_all(receiver->peer(), "x");
    for (Recorder& nop : nops) reactor.core().ring(0).nop(nop.operation);
    ASSERT_TRUE(run_until(reactor, [&] { return std::ranges::all_of(nops, &Recorder::is_done); }));
  }
  EXPECT_TRUE(run_until(reactor, [&] {
    return std::ranges::all_of(all, [](const auto& r) { return r->received().size() == 20; });
  }));
  end_all(reactor, all);
}

ReactorOptions few_buffers(unsigned count) {
  ReactorOptions options = small_options();
  options.receive_buffers = count;
  return options;
}

// At first a part of them is with the kernel; every shortage doubles it.
TEST(ProvidedBuffers, AreAllUsedByReceiversThatKeepThem) {
  constexpr unsigned count = 64;
  Reactor reactor(few_buffers(count));
  const Listener listener;
  Receivers all = receivers(reactor, listener, count, true);
  for (auto& receiver : all) write_all(receiver->peer(), "x");
  EXPECT_TRUE(run_until(reactor, [&] {
    return std::ranges::all_of(all, [](const auto& r) { return r->held() == 1; });
  }));
  end_all(reactor, all);
}

// The buffer has been given back before the receive that missed it is told of its lack.
TEST(ProvidedBuffers, AreThereAtTheNextReceiveWhenTheyAreBack) {
  Reactor reactor(few_buffers(1));
  const Listener listener;
  Receivers all = receivers(reactor, listener, 10, false);
  for (int round = 0; round < 100; ++round) {
    for (auto& receiver : all) write_all(receiver->peer(), "x");
    const std::size_t expected = static_cast<std::size_t>(round) + 1;
    ASSERT_TRUE(run_until(reactor, [&] {
      return std::ranges::all_of(
          all, [&](const auto& receiver) { return receiver->received().size() == expected; });
    })) << round;
  }
  int shortages = 0;
  for (const auto& receiver : all) shortages += receiver->shortages();
  EXPECT_GT(shortages, 0) << "the test has not met what it is for";
  end_all(reactor, all);
}

// A receive that is armed anew when the submission queue is full leaves early: it must see the
// buffers that came back.
TEST(ProvidedBuffers, AreSeenByAReceiveThatIsSubmittedEarly) {
  ReactorOptions options = few_buffers(1);
  options.submission_entries = 4;
  Reactor reactor(options);
  const Listener listener;
  Receivers all = receivers(reactor, listener, 40, false);
  const std::string text(3 * small_buffer_size, 'x');
  for (int round = 1; round <= 10; ++round) {
    for (auto& receiver : all) write_all(receiver->peer(), text);
    const std::size_t expected = text.size() * static_cast<std::size_t>(round);
    ASSERT_TRUE(run_until(reactor, [&] {
      return std::ranges::all_of(
          all, [&](const auto& receiver) { return receiver->received().size() == expected; });
    })) << round;
  }
  end_all(reactor, all);
}

TEST(ProvidedBuffers, ComeInTwoSizes) {
  Reactor reactor(small_options());
  const Listener listener;
  const Connected connection = connected(reactor, listener);
  const std::string text(100'000, 'x');
  write_all(connection.peer, text.substr(0, 60'000));
  for (const BufferGroup group : {BufferGroup::small, BufferGroup::large}) {
    Recorder receive;
    Ring& ring = reactor.core().ring(0);
    ring.receive(receive.operation, connection.socket, ReceiveMode::once, group);
    ASSERT_TRUE(run_until(reactor, [&] { return receive.is_done(); }));
    const Completion& completion = receive.completions.at(0);
    ASSERT_TRUE(completion.has_buffer);
    const std::size_t size = group == BufferGroup::small ? small_buffer_size : 60'000 - 4096;
    EXPECT_EQ(completion.result, static_cast<std::int32_t>(size));
    const BufferLease lease(reactor.core(), 0, group, completion.buffer_id, size);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(lease.bytes().data()), size),
              text.substr(0, size));
  }
  close_now(reactor, connection.socket);
}

}  // namespace
}  // namespace ringdown
