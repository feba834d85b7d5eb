// The names of agreed subprotocols: one copy for all connections that speak it, which goes when the
// last of them has. An application that agrees to whatever is offered keeps no peer's words for
// ever.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/check.h"

namespace ringdown {

class SubprotocolNames {
 public:
  // So many names that nobody uses are kept, for the next connection that does.
  static constexpr std::size_t unused_kept = 8;

  // nullptr for no name. Good until `let_go`.
  const std::string* hold(std::string_view name) {
    if (name.empty()) return nullptr;
    auto found = users_.find(name);
    if (found == users_.end()) {
      found = users_.emplace(name, 0).first;
    } else if (found->second == 0) {
      --unused_;
    }
    ++found->second;
    return &found->first;
  }
  void let_go(const std::string* name) {
    if (name == nullptr) return;
    const auto found = users_.find(*name);
    RINGDOWN_CHECK(found != users_.end() && found->second > 0);
    if (--found->second > 0) return;
    if (unused_ == unused_kept) {
      users_.erase(found);
    } else {
      ++unused_;
    }
  }
  std::size_t count() const noexcept { return users_.size(); }

 private:
  std::map<std::string, std::size_t, std::less<>> users_;  // how many of them each name has
  std::size_t unused_ = 0;
};

}  // namespace ringdown
