#include "winhttp/handle.h"

#include <type_traits>
#include <utility>

#include "winhttp/engine.h"

namespace ringdown::winhttp {

Handle::Handle(Kind kind, const Inherited& inherited) noexcept
    : inherited_(inherited), kind_(kind) {}

Inherited Handle::to_inherit() {
  const Lock lock(mutex_);
  Inherited inherited = inherited_;
  inherited.parent = value_;
  return inherited;
}

WINHTTP_STATUS_CALLBACK Handle::set_callback(WINHTTP_STATUS_CALLBACK callback, DWORD mask) {
  const Lock lock(mutex_);
  inherited_.mask = mask;
  return std::exchange(inherited_.callback, callback);
}

void Handle::close() {
  Lock lock(mutex_);
  closed_ = true;
  end(lock);
  note(WINHTTP_CALLBACK_STATUS_HANDLE_CLOSING, value_);
  changed_.notify_all();
  deliver_here(lock);
}

void Handle::tell_created(HINTERNET child) {
  Lock lock(mutex_);
  if (closed_) return;  // HANDLE_CLOSING is the last
  note(WINHTTP_CALLBACK_STATUS_HANDLE_CREATED, child);
  deliver_here(lock);
}

void Handle::note(DWORD status, Information information) {
  noted_.push_back({status, std::move(information)});
}

void Handle::deliver_from_reactor() {
  if (is_async()) return deliver();
  const Lock lock(mutex_);
  changed_.notify_all();
}

void Handle::ask_reactor() {
  Engine* engine = Engine::running();
  if (asked_ || engine == nullptr) return;
  asked_ = shared_from_this();
  engine->post_task(task_);
}

void Handle::on_posted() {
  std::shared_ptr<Handle> self;
  {
    const Lock lock(mutex_);
    self = std::move(asked_);
  }
  on_reactor();
  deliver_from_reactor();
}

void Handle::deliver_here(Lock& lock, std::chrono::milliseconds wait) {
  const auto me = std::this_thread::get_id();
  reserve_delivery();
  changed_.wait_for(lock, wait, [this, me] { return nesting_ == 0 || deliverer_ == me; });
  lock.unlock();
  deliver();
  lock.lock();
  if (reserved_for_ == me) reserved_for_ = std::thread::id();
  lock.unlock();
  deliver();  // what was put off
  lock.lock();
}

void Handle::deliver() {
  Lock lock(mutex_);
  if (nesting_ > 0 && deliverer_ != std::this_thread::get_id()) return;
  if (nesting_ == nesting_max) return;
  deliverer_ = std::this_thread::get_id();
  ++nesting_;
  while (!noted_.empty() && !is_reserved_for_another()) {
    // The context dies with HANDLE_CLOSING: not under a callback that is still running.
    const bool is_last = noted_.front().status == WINHTTP_CALLBACK_STATUS_HANDLE_CLOSING;
    if (is_last && nesting_ > 1) break;
    const Notification notification = std::move(noted_.front());
    noted_.pop_front();
    ++first_noted_;
    run(lock, notification);
  }
  --nesting_;
  if (nesting_ == 0) changed_.notify_all();
}

namespace {

struct InformationBytes {
  Width width;
  std::vector<std::byte>& wide;
  LPVOID pointer = nullptr;
  DWORD size = 0;

  void operator()(const std::monostate&) {}
  void operator()(const ReadInto& read) {
    pointer = read.buffer;
    size = read.size;
  }
  void operator()(const std::string& text) {
    wide = to_wide(text, width);
    pointer = wide.data();
    size = static_cast<DWORD>(wide.size() / static_cast<std::size_t>(width));
  }
  template <class Value>
  void operator()(const Value& value) {
    pointer = const_cast<std::remove_const_t<Value>*>(&value);
    size = sizeof value;
  }
};

}  // namespace

void Handle::run(Lock& lock, const Notification& notification) {
  const Inherited told = inherited_;
  // MSDN, WinHttpCloseHandle: HANDLE_CLOSING is for handles that have a context.
  const bool has_nobody =
      notification.status == WINHTTP_CALLBACK_STATUS_HANDLE_CLOSING && told.context == 0;
  if (told.callback == nullptr || has_nobody || !is_wanted(notification.status, told.mask)) return;
  lock.unlock();
  std::vector<std::byte> wide;
  InformationBytes bytes{.width = told.width, .wide = wide};
  std::visit(bytes, notification.information);
  told.callback(value_, told.context, notification.status, bytes.pointer, bytes.size);
  lock.lock();
}

}  // namespace ringdown::winhttp
