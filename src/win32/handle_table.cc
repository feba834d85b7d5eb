#include "win32/handle_table.h"

#include <algorithm>
#include <utility>

namespace ringdown::win32 {

namespace {

constexpr std::uintptr_t tag = 4;
constexpr unsigned tag_bits = 3;
constexpr unsigned index_bits = 21;
constexpr std::size_t slots_max = std::size_t{1} << index_bits;

HANDLE handle_of(std::size_t index, std::uint64_t generation) {
  return reinterpret_cast<HANDLE>(generation << (tag_bits + index_bits) | index << tag_bits | tag);
}

}  // namespace

HandleTable& HandleTable::of_process() {
  static auto& table = *new HandleTable;
  return table;
}

HANDLE HandleTable::add(std::shared_ptr<Waitable> object) {
  const std::lock_guard lock(mutex_);
  if (free_.empty()) {
    if (slots_.size() == slots_max) return nullptr;
    free_.reserve(slots_.size() + 1);  // so that remove never allocates
    slots_.emplace_back();
    free_.push_back(slots_.size() - 1);
  }
  const std::size_t index = free_.back();
  free_.pop_back();
  slots_[index].object = std::move(object);
  return handle_of(index, slots_[index].generation);
}

std::shared_ptr<Waitable>* HandleTable::find(HANDLE handle) {
  const auto value = reinterpret_cast<std::uintptr_t>(handle);
  const std::size_t index = value >> tag_bits & (slots_max - 1);
  if ((value & ((1U << tag_bits) - 1)) != tag || index >= slots_.size()) return nullptr;
  Slot& slot = slots_[index];
  const bool current = slot.object && handle == handle_of(index, slot.generation);
  return current ? &slot.object : nullptr;
}

bool HandleTable::remove(HANDLE handle) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<Waitable>* const found = find(handle);
  if (found == nullptr) return false;
  found->reset();
  const std::size_t index = reinterpret_cast<std::uintptr_t>(handle) >> tag_bits & (slots_max - 1);
  ++slots_[index].generation;
  free_.push_back(index);
  return true;
}

bool HandleTable::set_event(HANDLE handle, bool set_it) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<Waitable>* const found = find(handle);
  if (found == nullptr || (*found)->kind == Waitable::Kind::thread) return false;
  if (set_it) {
    set(**found);
  } else {
    (*found)->set = false;
  }
  return true;
}

std::optional<DWORD> HandleTable::exit_code(HANDLE thread) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<Waitable>* const found = find(thread);
  if (found == nullptr || (*found)->kind != Waitable::Kind::thread) return std::nullopt;
  return (*found)->exit_code;
}

void HandleTable::end_thread(Waitable& thread, DWORD exit_code) {
  const std::lock_guard lock(mutex_);
  thread.exit_code = exit_code;
  set(thread);
}

// Whoever sets an object ends the waits that this satisfies, so that an event that resets itself
// and is set twice lets two threads go on, whenever they come to run.
void HandleTable::set(Waitable& object) {
  object.set = true;
  for (Wait* const wait : object.waits) {
    if (!object.set) break;
    if (!wait->satisfied_by && try_satisfy(*wait)) wait->wakes.notify_one();
  }
}

bool HandleTable::try_satisfy(Wait& wait) {
  const auto is_set = [](const auto& object) { return object->set; };
  const auto reset = [](Waitable& object) {
    if (object.kind == Waitable::Kind::auto_reset_event) object.set = false;
  };
  if (wait.all) {
    if (!std::ranges::all_of(wait.objects, is_set)) return false;
    for (const auto& object : wait.objects) reset(*object);
    wait.satisfied_by = 0;
    return true;
  }
  const auto first = std::ranges::find_if(wait.objects, is_set);
  if (first == wait.objects.end()) return false;
  reset(**first);
  wait.satisfied_by = static_cast<DWORD>(first - wait.objects.begin());
  return true;
}

DWORD HandleTable::wait(std::span<const HANDLE> handles, bool all,
                        std::optional<Clock::time_point> deadline) {
  std::unique_lock lock(mutex_);
  std::vector<std::shared_ptr<Waitable>> objects;  // they live until this wait is over
  for (const HANDLE handle : handles) {
    std::shared_ptr<Waitable>* const found = find(handle);
    if (found == nullptr) return WAIT_FAILED;
    objects.push_back(*found);
  }
  Wait wait{.objects = objects, .all = all, .satisfied_by = {}, .wakes = {}};
  if (try_satisfy(wait)) return WAIT_OBJECT_0 + *wait.satisfied_by;
  for (const auto& object : objects) object->waits.push_back(&wait);
  const auto over = [&wait] { return wait.satisfied_by.has_value(); };
  if (deadline) {
    wait.wakes.wait_until(lock, *deadline, over);
  } else {
    wait.wakes.wait(lock, over);
  }
  for (const auto& object : objects) std::erase(object->waits, &wait);
  return wait.satisfied_by ? WAIT_OBJECT_0 + *wait.satisfied_by : WAIT_TIMEOUT;
}

}  // namespace ringdown::win32
