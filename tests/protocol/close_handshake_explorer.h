// Breadth-first search over every order of the moves of a Model, so that the first broken invariant
// comes with a shortest trace.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "close_handshake_model.h"

namespace ringdown::protocol::exploration {

struct Findings {
  Invariant broken = Invariant::none;
  std::vector<std::string> trace;  // in words, from the start to what broke
  std::size_t states = 0;
  std::size_t transitions = 0;
  std::size_t ends = 0;   // transitions after which both sides were over
  bool complete = false;  // false: stopped at the limit of states
};

class Explorer {
 public:
  explicit Explorer(Options options) : model_(options) {}

  Findings run(std::size_t states_max);

 private:
  struct Origin {
    std::uint32_t from;
    Step step;
  };
  struct Edge {
    std::uint32_t from, to;
  };

  // Takes every move from one world; false when it broke something.
  bool expand(std::uint32_t from);
  std::uint32_t find_or_add(const World& world, Origin origin);
  void grow_slots();
  // The end is reached backwards along moves that closing alone consists of.
  std::vector<bool> worlds_that_reach_the_end() const;
  void check_the_end_is_in_reach();
  void blame(Invariant invariant, std::uint32_t world);
  std::vector<Step> steps_to(std::uint32_t world) const;

  Model model_;
  Findings findings_;
  std::vector<World> worlds_;
  std::vector<Origin> origins_;
  std::vector<Edge> benign_;
  std::vector<std::uint32_t> slots_;  // open addressing; 0 = empty, else index + 1
};

}  // namespace ringdown::protocol::exploration
