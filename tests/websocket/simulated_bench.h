// A server and dialled clients over the simulated ring, in one reactor: pairs of actors, what must
// hold between the two ends of each, and at the end the proof that nothing is left.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "ringdown/server.h"
#include "simulated_actor.h"
#include "simulation/network.h"

namespace ringdown {

// Of every server and every dial; nullptr in a program of plain tests.
inline SecureContext* simulated_server_context = nullptr;
inline SecureContext* simulated_client_context = nullptr;

struct PairPlan {
  ActorPlan client;
  ActorPlan server;
  WebSocketOptions client_options;
  int refuse_with = 0;
};

struct SimulatedRun {
  std::uint64_t seed = 1;
  simulation::Options network;
  ReactorOptions reactor = {
      .sockets_per_ring = 64, .receive_buffers = 16, .large_receive_buffers = 2};
  ServerOptions server;
  std::vector<PairPlan> pairs;
  std::optional<std::chrono::microseconds> drain_after;
  DrainPlan drain;                           // its deadline is counted from the drain
  std::chrono::milliseconds drain_bound{0};  // 0: none
  // Nothing cuts a connection off: every one must end clean, by itself, and lose nothing.
  bool gentle = false;
};

struct SimulatedPair {
  SimulatedPair(const PairPlan& plan, std::uint64_t seed, std::uint64_t number)
      : refuse_with(plan.refuse_with),
        client(plan.client, seed, 2 * number),
        server(plan.server, seed, 2 * number + 1) {}
  int refuse_with;
  Actor client;
  Actor server;
};

struct SimulatedResult {
  std::uint64_t trace_hash = 0;
  std::uint64_t bytes = 0;
  std::uint64_t bytes_carried_max = 0;
};

SimulatedResult run_pairs(const SimulatedRun& run,
                          const std::function<void(const SimulatedPair&)>& check = {});

// What holds however a connection ended.
void expect_consistent(const Actor& actor, const Actor& peer);
// What holds when the network did its part: an end that is clean for one was not cut off for the
// other.
void expect_undisturbed(const Actor& actor, const Actor& peer);
// What holds when nobody cut anything off either.
void expect_gentle(const Actor& actor, const Actor& peer);

}  // namespace ringdown
