// A name server of the test's own, in the place of getaddrinfo(3): names with the addresses that
// the test gives them, and names that are looked up until the test releases them. To be included in
// one file of a program, for it replaces the C library's function; other names are the C library's.
#pragma once

#include <dlfcn.h>
#include <netdb.h>

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "ringdown/socket_address.h"

namespace ringdown {

class FakeNames {
 public:
  // Addresses without port, in the order in which a lookup gives them.
  void add(const std::string& host, const std::vector<std::string>& ips) {
    const std::lock_guard lock(mutex_);
    for (const std::string& ip : ips) addresses_[host].push_back(*SocketAddress::from_ip(ip, 0));
  }
  // Names that begin with "slow" are looked up until then; they are 127.0.0.1.
  void release(const std::string& host) {
    const std::lock_guard lock(mutex_);
    released_.insert(host);
    changed_.notify_all();
  }
  // Everything; lookups come to their end.
  void forget() {
    std::unique_lock lock(mutex_);
    released_.insert(slow_now_.begin(), slow_now_.end());
    changed_.notify_all();
    changed_.wait(lock, [&] { return slow_now_.empty(); });
    lookups_.clear();
    released_.clear();
    addresses_.clear();
  }
  int lookups(const std::string& host) {
    const std::lock_guard lock(mutex_);
    return lookups_[host];
  }
  bool wait_until_looked_up(const std::string& host) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(60), [&] { return lookups_[host] > 0; });
  }

  // What getaddrinfo does; the first is false for names that are not ours.
  std::pair<bool, std::vector<SocketAddress>> look_up(const std::string& host) {
    std::unique_lock lock(mutex_);
    ++lookups_[host];
    changed_.notify_all();
    if (const auto known = addresses_.find(host); known != addresses_.end()) {
      return {true, known->second};
    }
    if (!host.starts_with("slow")) return {false, {}};
    const auto place = slow_now_.insert(host);
    changed_.wait(lock, [&] { return released_.contains(host); });
    slow_now_.erase(place);
    changed_.notify_all();
    return {true, {*SocketAddress::from_ip("127.0.0.1", 0)}};
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::vector<SocketAddress>> addresses_;
  std::map<std::string, int> lookups_;
  std::multiset<std::string> slow_now_;  // being looked up
  std::set<std::string> released_;
};

// Never destroyed: a thread of a resolver may outlive main.
inline FakeNames& fake_names() {
  static auto* const names = new FakeNames;
  return *names;
}

}  // namespace ringdown

extern "C" int getaddrinfo(const char* host, const char* service, const addrinfo* hints,
                           addrinfo** found) {
  using Function = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
  static const auto real = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "getaddrinfo"));
  const auto [is_ours, addresses] = ringdown::fake_names().look_up(host);
  if (!is_ours) return real(host, service, hints, found);
  *found = nullptr;
  for (auto address = addresses.rbegin(); address != addresses.rend(); ++address) {
    const std::string text = address->to_string();
    const std::string bracketed = text.substr(0, text.rfind(':'));
    const bool is_ipv6 = bracketed.starts_with('[');
    const std::string ip = is_ipv6 ? bracketed.substr(1, bracketed.size() - 2) : bracketed;
    addrinfo* entry = nullptr;  // the C library's, so that its freeaddrinfo frees the list
    if (const int code = real(ip.c_str(), service, hints, &entry); code != 0) return code;
    addrinfo* last = entry;
    while (last->ai_next != nullptr) last = last->ai_next;
    last->ai_next = std::exchange(*found, entry);
  }
  return 0;
}
