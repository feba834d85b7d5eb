// The cache behind BoringSSL's hooks for memory, as BoringSSL uses it: by OPENSSL_malloc and
// OPENSSL_free, on threads that come and go.
#include "tls/boringssl_memory.h"

#include <gtest/gtest.h>
#include <openssl/mem.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <span>
#include <thread>
#include <vector>

namespace ringdown::testing {
namespace {

constexpr std::size_t sizes_max = 20'000;  // of both kinds, the cache's and malloc's

std::byte* allocate(std::size_t size) { return static_cast<std::byte*>(OPENSSL_malloc(size)); }

template <class Body>
void on_a_thread(Body body) {
  std::jthread(body).join();
}

TEST(BoringSslMemory, EveryBlockIsAlignedAndItsOwn) {
  std::mt19937 random(1);
  struct Block {
    std::byte* begin;
    std::size_t size;
    std::byte filled;
  };
  std::vector<Block> blocks;
  for (int i = 0; i < 20'000; ++i) {
    if (blocks.size() > 300) {
      const std::size_t which = random() % blocks.size();
      std::swap(blocks[which], blocks.back());
      const Block block = blocks.back();
      blocks.pop_back();
      const std::span bytes(block.begin, block.size);
      ASSERT_TRUE(std::ranges::all_of(bytes, [&](std::byte b) { return b == block.filled; }));
      OPENSSL_free(block.begin);
    }
    const std::size_t size = 1 + random() % (random() % 8 == 0 ? sizes_max : 300);
    const Block block{allocate(size), size, std::byte(random())};
    ASSERT_NE(block.begin, nullptr);
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(block.begin) % 16, 0u);
    std::memset(block.begin, std::to_integer<int>(block.filled), size);
    blocks.push_back(block);
  }
  for (const Block& block : blocks) OPENSSL_free(block.begin);
}

TEST(BoringSslMemory, GrowsWithItsContent) {
  for (std::size_t size = 1; size < sizes_max; size = size * 5 / 4 + 1) {
    auto* begin = allocate(size);
    std::memset(begin, 7, size);
    begin = static_cast<std::byte*>(OPENSSL_realloc(begin, 2 * size));
    ASSERT_NE(begin, nullptr);
    for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(begin[i], std::byte(7));
    OPENSSL_free(begin);
  }
}

TEST(BoringSslMemory, WipesWhatIsGivenBack) {
  constexpr std::size_t size = 200;
  auto* const secret = allocate(size);
  std::memset(secret, 0xab, size);
  OPENSSL_free(secret);
  const auto* const again = allocate(size);
  ASSERT_EQ(again, secret) << "last given back, first taken";
  constexpr std::size_t link = sizeof(void*);  // the list's
  for (std::size_t i = link; i < size; ++i) ASSERT_EQ(again[i], std::byte(0)) << i;
  OPENSSL_free(const_cast<std::byte*>(again));
}

TEST(BoringSslMemory, TakesNothingFromMallocOnceItIsWarm) {
  const auto use = [] {
    std::vector<std::byte*> blocks;
    for (std::size_t size = 1; size < 4000; size += 61) blocks.push_back(allocate(size));
    for (std::byte* block : blocks) OPENSSL_free(block);
  };
  use();
  const std::size_t warm = boringssl_cache_bytes();
  EXPECT_GT(warm, 0u);
  for (int i = 0; i < 100; ++i) use();
  EXPECT_EQ(boringssl_cache_bytes(), warm);
}

TEST(BoringSslMemory, AThreadThatEndsLeavesItsCacheToTheNext) {
  std::vector<std::size_t> bytes;
  for (int i = 0; i < 20; ++i) {
    on_a_thread([&] {
      std::vector<std::byte*> blocks;
      for (int j = 0; j < 1000; ++j) blocks.push_back(allocate(500));
      for (std::byte* block : blocks) OPENSSL_free(block);
      bytes.push_back(boringssl_cache_bytes());
    });
  }
  EXPECT_GE(bytes.front(), 500'000u);
  EXPECT_EQ(std::ranges::count(bytes, bytes.front()), 20);
}

TEST(BoringSslMemory, IsGivenBackByOtherThreadsThanItsOwn) {
  std::vector<std::byte*> blocks;
  on_a_thread([&] {
    for (std::size_t size = 1; size < 1000; ++size) {
      blocks.push_back(allocate(size));
      std::memset(blocks.back(), 1, size);
    }
  });
  on_a_thread([&] {
    for (std::byte* block : blocks) OPENSSL_free(block);
  });
}

// As BoringSSL's own state of a thread is: its destructor may run after the cache's end.
TEST(BoringSslMemory, IsGivenBackAndTakenAtTheVeryEndOfAThread) {
  struct Late {
    std::byte* held = nullptr;
    ~Late() {
      OPENSSL_free(held);
      OPENSSL_free(allocate(100));
      EXPECT_EQ(boringssl_cache_bytes(), 0u) << "the cache had not ended yet";
    }
  };
  for (int i = 0; i < 3; ++i) {
    on_a_thread([] {
      static thread_local Late late;  // begins before the cache, so ends behind it
      Late* const first = &late;
      first->held = allocate(100);
      ASSERT_NE(first->held, nullptr);
      EXPECT_GT(boringssl_cache_bytes(), 0u);
    });
  }
}

}  // namespace
}  // namespace ringdown::testing
