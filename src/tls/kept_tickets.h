// A client's tickets, by the host that gave them. Bounded; any thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/tls_session.h"

namespace ringdown {

class KeptTickets {
 public:
  static constexpr std::size_t hosts_max = 256;
  // Of a host: where each is used once, so many handshakes may be in progress at once.
  static constexpr std::size_t tickets_max = 256;

  void keep(std::string_view host, protocol::TlsTicket ticket) {
    const std::lock_guard lock(mutex_);
    auto found = hosts_.find(host);
    if (found == hosts_.end()) {
      if (hosts_.size() >= hosts_max) forget_oldest();
      found = hosts_.try_emplace(std::string(host)).first;
    }
    found->second.kept_last = ++kept_count_;
    std::vector<protocol::TlsTicket>& kept = found->second.tickets;
    if (!ticket.is_for_one_use()) drop_shared(kept);  // this one replaces it
    if (kept.size() >= tickets_max) kept.erase(kept.begin());
    kept.push_back(std::move(ticket));
  }

  // The newest. Empty: there is none.
  protocol::TlsTicket take(std::string_view host) {
    const std::lock_guard lock(mutex_);
    const auto found = hosts_.find(host);
    if (found == hosts_.end() || found->second.tickets.empty()) return {};
    std::vector<protocol::TlsTicket>& kept = found->second.tickets;
    if (!kept.back().is_for_one_use()) return kept.back().share();
    protocol::TlsTicket ticket = std::move(kept.back());
    kept.pop_back();
    return ticket;
  }

  // Those for more than one use.
  void forget_shared(std::string_view host) {
    const std::lock_guard lock(mutex_);
    const auto found = hosts_.find(host);
    if (found != hosts_.end()) drop_shared(found->second.tickets);
  }

 private:
  struct OfHost {
    std::vector<protocol::TlsTicket> tickets;  // oldest first
    std::uint64_t kept_last = 0;               // its place among all that were kept
  };

  // The host whose newest ticket is older than any other's; one that has none left goes first.
  void forget_oldest() {
    const auto age = [](const auto& entry) {
      return entry.second.tickets.empty() ? 0 : entry.second.kept_last;
    };
    hosts_.erase(std::ranges::min_element(hosts_, {}, age));
  }

  static void drop_shared(std::vector<protocol::TlsTicket>& kept) {
    std::erase_if(kept, [](const auto& ticket) { return !ticket.is_for_one_use(); });
  }

  std::mutex mutex_;
  std::map<std::string, OfHost, std::less<>> hosts_;
  std::uint64_t kept_count_ = 0;
};

}  // namespace ringdown
