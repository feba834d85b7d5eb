// Every order of closing over TLS, split in every way: records of one byte, ciphertext that comes
// one byte at a time, and each direction cut at each of its bytes.
#include <array>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "net/simulated_seeds.h"
#include "simulated_bench.h"
#include "simulated_secured.h"
#include "splitting.h"

namespace ringdown {
namespace {

using namespace std::chrono_literals;

constexpr std::array endings = {ActorEnding::leaves_it, ActorEnding::shutdown, ActorEnding::close,
                                ActorEnding::shutdown_then_close};

class SimulatedSplits : public ::testing::Test {
 protected:
  ~SimulatedSplits() override { use_whole_contexts(); }

  // Both write records of so many bytes.
  void write_records_of(std::uint16_t size) {
    use_whole_contexts();
    if (size == whole) return;
    server_.emplace(Role::server, native_context(Role::server), Splits{.record = size});
    client_.emplace(Role::client, native_context(Role::client), Splits{.record = size});
    simulated_server_context = &*server_;
    simulated_client_context = &*client_;
  }

  // Each end says a few short messages and ends as it is told, and answers the other's Close.
  static SimulatedRun run_of(ActorEnding client, ActorEnding server, HalfCloseDepth depth) {
    SimulatedRun run;
    run.gentle = true;
    run.network.delay_max = 2us;
    run.network.print_trace = wants_trace();
    run.server.websocket.half_close_depth = depth;
    PairPlan pair;
    pair.client_options.half_close_depth = depth;
    for (ActorPlan* plan : {&pair.client, &pair.server}) {
      plan->steps = 3;
      plan->message_size_max = 40;
      plan->fragments = true;
    }
    pair.client.ending = client;
    pair.server.ending = server;
    run.pairs.push_back(pair);
    return run;
  }

  static void expect_both_notified(const SimulatedPair& pair) {
    for (const Actor* actor : {&pair.client, &pair.server}) {
      ASSERT_TRUE(actor->endpoint.closed);
      const TlsFacts& tls = actor->endpoint.closed->tls;
      EXPECT_TRUE(tls.notify_sent && tls.notify_received && !tls.truncated);
      EXPECT_EQ(tls.failure, TlsFailure::none);
    }
  }

  static constexpr std::uint16_t whole = 16384;

 private:
  std::optional<SplittingContext> server_;
  std::optional<SplittingContext> client_;
};

TEST_F(SimulatedSplits, OfRecordsAndCiphertextChangeNoOrderOfClosing) {
  std::uint64_t seed = 0;
  for (const std::uint16_t record : {std::uint16_t{1}, whole}) {
    write_records_of(record);
    for (const std::size_t piece : {1U, 2U, 3U, 16U, 0U}) {
      for (const ActorEnding client : endings) {
        for (const ActorEnding server : endings) {
          if (client == ActorEnding::leaves_it && server == ActorEnding::leaves_it) continue;
          SimulatedRun run = run_of(client, server, HalfCloseDepth(++seed % 3));
          run.seed = seed;
          run.network.receive_size_max = piece;
          run_pairs(run, expect_both_notified);
          ASSERT_FALSE(HasFailure())
              << "seed " << seed << ", records of " << record << ", pieces of " << piece;
        }
      }
    }
  }
}

// Of both directions at once, again and again, until nothing stands behind the cut. Under a
// sanitizer at one byte in ten.
std::uint64_t cut_at_each_byte(SimulatedRun run) {
  const std::uint64_t step = 100 / scaled_count(100);
  for (std::uint64_t cut = 1;; cut += step) {
    run.network.split_at = cut;
    const SimulatedResult result = run_pairs(run);
    if (result.bytes_carried_max < cut || ::testing::Test::HasFailure()) return cut;
  }
}

TEST_F(SimulatedSplits, AtEachByteOfAWholeConnectionLoseNothing) {
  write_records_of(whole - 1);  // these contexts resume nothing
  SimulatedRun run = run_of(ActorEnding::shutdown, ActorEnding::leaves_it, HalfCloseDepth::tls);
  const std::uint64_t size = cut_at_each_byte(run);
  ASSERT_FALSE(HasFailure()) << "byte " << size;
  EXPECT_GT(size, 1000U);
}

TEST_F(SimulatedSplits, AtEachByteChangeNoOrderOfClosing) {
  const auto cut = [&](ActorEnding client, ActorEnding server, HalfCloseDepth depth) {
    const std::uint64_t size = cut_at_each_byte(run_of(client, server, depth));
    ASSERT_FALSE(HasFailure()) << "byte " << size;
  };
  cut(ActorEnding::shutdown, ActorEnding::leaves_it, HalfCloseDepth::websocket);
  cut(ActorEnding::leaves_it, ActorEnding::close, HalfCloseDepth::tls);
  cut(ActorEnding::shutdown, ActorEnding::shutdown, HalfCloseDepth::tcp);
}

}  // namespace
}  // namespace ringdown
