// The search itself: worlds in the order found, an index of them by hash, the way back to the
// start.
#include "close_handshake_explorer.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace ringdown::protocol::exploration {
namespace {

std::size_t hash(const World& world) {
  static_assert(sizeof(World) % sizeof(std::uint64_t) == 0);
  const auto words = std::bit_cast<std::array<std::uint64_t, sizeof(World) / 8>>(world);
  std::uint64_t mixed = 0x9e3779b97f4a7c15U;
  for (const std::uint64_t word : words) {
    mixed = (mixed ^ word) * 0xff51afd7ed558ccdU;
    mixed ^= mixed >> 32U;
  }
  return mixed;
}

bool same(const World& a, const World& b) { return std::memcmp(&a, &b, sizeof a) == 0; }

bool is_of_the_driver_or_the_wire(Move move) {
  return move == Move::put || move == Move::complete || move == Move::receive ||
         move == Move::overtake;
}

}  // namespace

Findings Explorer::run(std::size_t states_max) {
  slots_.assign(1U << 16U, 0);
  find_or_add(model_.start(), {0, {}});
  for (std::uint32_t next = 0; next < worlds_.size(); ++next) {
    if (worlds_.size() > states_max || !expand(next)) break;
    findings_.complete = next + 1 == worlds_.size();
  }
  if (findings_.broken == Invariant::none && findings_.complete) check_the_end_is_in_reach();
  findings_.states = worlds_.size();
  return findings_;
}

bool Explorer::expand(std::uint32_t from) {
  bool moves_by_itself = false;
  for (int move = 0; move < move_count; ++move) {
    for (std::uint8_t side = 0; side < 2; ++side) {
      const Step step{side, static_cast<Move>(move)};
      World world = worlds_[from];
      const bool taken = model_.take(world, step);
      if (model_.broken() != Invariant::none) {
        blame(model_.broken(), from);
        findings_.trace.push_back(model_.describe(worlds_[from], step));
        return false;
      }
      if (!taken) continue;
      ++findings_.transitions;
      if (world.over()) {
        ++findings_.ends;
        world = model_.end();
      }
      const std::uint32_t to = find_or_add(world, {from, step});
      if (Model::is_benign(step.move)) benign_.push_back({from, to});
      moves_by_itself = moves_by_itself || is_of_the_driver_or_the_wire(step.move);
    }
  }
  if (moves_by_itself || model_.may_still_happen(worlds_[from])) return true;
  blame(Invariant::something_may_happen, from);
  return false;
}

std::uint32_t Explorer::find_or_add(const World& world, Origin origin) {
  if (worlds_.size() * 2 > slots_.size()) grow_slots();
  std::size_t at = hash(world) & (slots_.size() - 1);
  for (; slots_[at] != 0; at = (at + 1) & (slots_.size() - 1)) {
    if (same(worlds_[slots_[at] - 1], world)) return slots_[at] - 1;
  }
  worlds_.push_back(world);
  origins_.push_back(origin);
  slots_[at] = static_cast<std::uint32_t>(worlds_.size());
  return slots_[at] - 1;
}

void Explorer::grow_slots() {
  slots_.assign(slots_.size() * 4, 0);
  for (std::uint32_t i = 0; i < worlds_.size(); ++i) {
    std::size_t at = hash(worlds_[i]) & (slots_.size() - 1);
    while (slots_[at] != 0) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = i + 1;
  }
}

std::vector<bool> Explorer::worlds_that_reach_the_end() const {
  // Predecessors of each world, as one array with offsets.
  std::vector<std::uint32_t> offsets(worlds_.size() + 1, 0);
  for (const Edge edge : benign_) ++offsets[edge.to + 1];
  for (std::size_t i = 1; i < offsets.size(); ++i) offsets[i] += offsets[i - 1];
  std::vector<std::uint32_t> predecessors(benign_.size());
  std::vector<std::uint32_t> filled(offsets.begin(), offsets.end() - 1);
  for (const Edge edge : benign_) predecessors[filled[edge.to]++] = edge.from;

  std::vector<bool> reaches(worlds_.size(), false);
  std::vector<std::uint32_t> todo;
  for (std::uint32_t i = 0; i < worlds_.size(); ++i) {
    if (!worlds_[i].over()) continue;
    reaches[i] = true;
    todo.push_back(i);
  }
  while (!todo.empty()) {
    const std::uint32_t to = todo.back();
    todo.pop_back();
    for (std::uint32_t i = offsets[to]; i < offsets[to + 1]; ++i) {
      if (reaches[predecessors[i]]) continue;
      reaches[predecessors[i]] = true;
      todo.push_back(predecessors[i]);
    }
  }
  return reaches;
}

void Explorer::check_the_end_is_in_reach() {
  const std::vector<bool> reaches = worlds_that_reach_the_end();
  if (std::ranges::find(reaches, false) == reaches.end()) return;
  // Tell of a world where nothing is left to do rather than of the choice that led there.
  std::vector<bool> moves_on(worlds_.size(), false);
  for (const Edge edge : benign_) moves_on[edge.from] = true;
  std::uint32_t stuck = 0;
  while (stuck + 1 < worlds_.size() && (reaches[stuck] || moves_on[stuck])) ++stuck;
  blame(Invariant::end_in_reach, stuck);
}

void Explorer::blame(Invariant invariant, std::uint32_t world) {
  findings_.broken = invariant;
  World walked = model_.start();
  for (const Step step : steps_to(world)) {
    findings_.trace.push_back(model_.describe(walked, step));
    model_.take(walked, step);
  }
}

std::vector<Step> Explorer::steps_to(std::uint32_t world) const {
  std::vector<Step> steps;
  for (; world != 0; world = origins_[world].from) steps.push_back(origins_[world].step);
  std::ranges::reverse(steps);
  return steps;
}

}  // namespace ringdown::protocol::exploration
