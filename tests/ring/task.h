// Work that a test gives a reactor, in each of the ways there are.
#pragma once

#include <functional>
#include <utility>

#include "sockets.h"

namespace ringdown {

struct Task {
  explicit Task(std::function<void()> work_) : work(std::move(work_)) {}
  void run() { work(); }
  std::function<void()> work;
  Posted<&Task::run> posted{*this};
  AtTurnEnd<&Task::run> at_turn_end{*this};
  Timer<&Task::run> timer{*this};
};

}  // namespace ringdown
