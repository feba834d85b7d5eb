// Provided buffers that notice misuse: each is allocated when it is given out and freed when it is
// recycled, so that the address sanitizer sees a use after that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "network.h"
#include "ring/ring.h"

namespace ringdown::simulation {

class BufferGroups {
 public:
  BufferGroups(Network& network, unsigned small_count, unsigned large_count)
      : network_(network), groups_{Group(small_count), Group(large_count)} {}

  bool is_empty(BufferGroup group) const noexcept { return of(group).idle.empty(); }
  // One at random: the kernel hands them out in the order of recycling, which is anybody's. Not
  // when it is empty.
  std::uint16_t give_out(BufferGroup group) {
    Group& from = of(group);
    const std::size_t place = network_.random().between(0, from.idle.size() - 1);
    const std::uint16_t id = from.idle[place];
    from.idle[place] = from.idle.back();
    from.idle.pop_back();
    from.memory[id] = std::make_unique_for_overwrite<std::byte[]>(size_of(group));
    return id;
  }
  // The kernel's own undoing of `give_out`.
  void take_back(BufferGroup group, std::uint16_t id) {
    of(group).memory[id].reset();
    of(group).idle.push_back(id);
  }
  std::span<std::byte> at(BufferGroup group, std::uint16_t id) {
    if (!is_out(group, id)) {
      network_.die("a provided buffer is used that was not given out: " + std::to_string(id));
    }
    return {of(group).memory[id].get(), size_of(group)};
  }
  void recycle(BufferGroup group, std::uint16_t id) {
    if (!is_out(group, id)) {
      network_.record_fault("a provided buffer is recycled that was not given out: " +
                            std::to_string(id));
      return;
    }
    take_back(group, id);
  }
  unsigned count(BufferGroup group) const noexcept {
    return static_cast<unsigned>(of(group).memory.size());
  }
  std::size_t out() const noexcept {
    std::size_t count = 0;
    for (const Group& group : groups_) count += group.memory.size() - group.idle.size();
    return count;
  }
  std::size_t pool_bytes() const noexcept {
    return groups_[0].memory.size() * small_buffer_size +
           groups_[1].memory.size() * large_buffer_size;
  }

 private:
  struct Group {
    explicit Group(unsigned count) : memory(count) {
      for (unsigned id = 0; id < count; ++id) idle.push_back(static_cast<std::uint16_t>(id));
    }
    std::vector<std::unique_ptr<std::byte[]>> memory;
    std::vector<std::uint16_t> idle;
  };
  static std::size_t size_of(BufferGroup group) noexcept {
    return group == BufferGroup::small ? small_buffer_size : large_buffer_size;
  }
  Group& of(BufferGroup group) noexcept { return groups_[static_cast<std::size_t>(group)]; }
  const Group& of(BufferGroup group) const noexcept {
    return groups_[static_cast<std::size_t>(group)];
  }
  bool is_out(BufferGroup group, std::uint16_t id) const noexcept {
    return id < of(group).memory.size() && of(group).memory[id] != nullptr;
  }

  Network& network_;
  Group groups_[2];
};

}  // namespace ringdown::simulation
