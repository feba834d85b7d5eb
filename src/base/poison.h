// Memory that is in a pool and nobody's just now: the address sanitizer reports whoever touches it.
// In other builds this is nothing.
#pragma once

#include <cstddef>

// sanitizer/asan_interface.h
extern "C" void __asan_poison_memory_region(const volatile void* memory, std::size_t size);
extern "C" void __asan_unpoison_memory_region(const volatile void* memory, std::size_t size);

namespace ringdown {

#if defined(__SANITIZE_ADDRESS__)  // g++
inline constexpr bool sanitizes_addresses = true;
#elif defined(__has_feature)  // clang
inline constexpr bool sanitizes_addresses = __has_feature(address_sanitizer);
#else
inline constexpr bool sanitizes_addresses = false;
#endif

inline void poison([[maybe_unused]] const void* memory,
                   [[maybe_unused]] std::size_t size) noexcept {
  if constexpr (sanitizes_addresses) __asan_poison_memory_region(memory, size);
}

inline void unpoison([[maybe_unused]] const void* memory,
                     [[maybe_unused]] std::size_t size) noexcept {
  if constexpr (sanitizes_addresses) __asan_unpoison_memory_region(memory, size);
}

}  // namespace ringdown
