#include "ring/owner_thread.h"

#include <string_view>

#include "base/check.h"

namespace ringdown {
namespace {

// "Start ringdown::WebSocket::send_text(std::string_view, uint64_t)": WebSocket::send_text.
std::string_view name_of(const OwnerThread::Call& call) {
  std::string_view name = call.function_name();
  name = name.substr(0, name.find('('));
  if (const std::size_t space = name.rfind(' '); space != name.npos) name.remove_prefix(space + 1);
  while (name.starts_with('&') || name.starts_with('*')) name.remove_prefix(1);
  constexpr std::string_view everywhere = "ringdown::";
  if (name.starts_with(everywhere)) name.remove_prefix(everywhere.size());
  return name;
}

}  // namespace

constinit std::array<std::atomic<const OwnerThread*>, 4096> OwnerThread::numbered_{};

OwnerThread::OwnerThread() noexcept {
  for (Number number = nobody + 1; number < numbered_.size(); ++number) {
    const OwnerThread* before = nullptr;
    if (numbered_[number].compare_exchange_strong(before, this)) {
      number_ = number;
      return;
    }
  }
}

OwnerThread::~OwnerThread() {
  if (number_ != nobody) numbered_[number_].store(nullptr, std::memory_order_release);
}

void OwnerThread::die_on_wrong_thread(Call call) noexcept {
  die({name_of(call),
       " was called on another thread than its reactor's, which is the first that called run, "
       "run_once or run_ready: hand the work over with Reactor::post"});
}

void OwnerThread::die_if_running(Call call) const noexcept {
  if (running_.load(std::memory_order_acquire)) die_on_wrong_thread(call);
}

void OwnerThread::check_over(Call call) const noexcept {
  if (!running_.load(std::memory_order_acquire)) return;
  die({name_of(call), owner_.load(std::memory_order_relaxed) == this_thread()
                          ? " was called inside a handler of the same reactor: it can only be "
                            "destroyed when run has returned (Reactor::stop)"
                          : " was called while another thread runs the reactor: call "
                            "Reactor::stop, and join that thread first"});
}

void OwnerThread::begin_end() noexcept {
  owner_.store(this_thread(), std::memory_order_relaxed);
  running_.store(true, std::memory_order_relaxed);
}

void OwnerThread::begin_run(Call call) noexcept {
  const void* owner = nullptr;
  const bool first = owner_.compare_exchange_strong(owner, this_thread());
  if (!first && owner != this_thread()) die_on_wrong_thread(call);
  if (running_.load(std::memory_order_relaxed)) {
    die({name_of(call),
         " was called inside a handler of the same reactor, where completions would be lost: "
         "return from the handler, the run that called it goes on; what is for later can be posted "
         "(Reactor::post)"});
  }
  running_.store(true, std::memory_order_relaxed);
}

}  // namespace ringdown
