#include "winhttp/handle_table.h"

#include <pthread.h>

#include <atomic>
#include <utility>

namespace ringdown::winhttp {
namespace {

std::atomic<HandleTable*> table = nullptr;
std::atomic<std::uint32_t> forks = 0;

}  // namespace

HandleTable& HandleTable::of_process() {
  static const bool made = [] {
    table = new HandleTable(0);
    // The parent's may be locked by a thread that the child does not have.
    pthread_atfork(nullptr, nullptr, [] { table = new HandleTable(++forks); });
    return true;
  }();
  static_cast<void>(made);
  return *table.load();
}

HINTERNET HandleTable::add(const std::shared_ptr<Handle>& handle) {
  const std::lock_guard lock(mutex_);
  if (free_.empty()) {
    if (slots_.size() == slots_max) return nullptr;
    free_.push_back(slots_.size());
    // A child's handles are not the parent's, which it may still have.
    slots_.push_back({.handle = nullptr, .generation = (epoch_ << 24) + 1});
  }
  const std::size_t index = free_.back();
  free_.pop_back();
  Slot& slot = slots_[index];
  slot.handle = handle;
  const std::uint64_t value =
      std::uint64_t{slot.generation} << generation_shift | (index + 1) << index_shift;
  const auto hinternet = reinterpret_cast<HINTERNET>(value);
  handle->set_value(hinternet);
  return hinternet;
}

HandleTable::Slot* HandleTable::slot_of(HINTERNET value) {
  const auto bits = reinterpret_cast<std::uint64_t>(value);
  const std::uint64_t index = (bits & 0xffffffff) >> index_shift;
  if ((bits & ((1U << index_shift) - 1)) != 0 || index == 0 || index > slots_.size()) {
    return nullptr;
  }
  Slot& slot = slots_[index - 1];
  return slot.handle && slot.generation == bits >> generation_shift ? &slot : nullptr;
}

std::shared_ptr<Handle> HandleTable::find(HINTERNET value) {
  const std::lock_guard lock(mutex_);
  const Slot* slot = slot_of(value);
  return slot == nullptr ? nullptr : slot->handle;
}

std::shared_ptr<Handle> HandleTable::remove(HINTERNET value) {
  const std::lock_guard lock(mutex_);
  Slot* slot = slot_of(value);
  if (slot == nullptr) return nullptr;
  ++slot->generation;
  free_.push_back(static_cast<std::size_t>(slot - slots_.data()));
  return std::exchange(slot->handle, nullptr);
}

}  // namespace ringdown::winhttp
