// What WebSocket connections share on one reactor: their slab, output blocks, storage that is lent
// for a while. Once warm, nothing of a connection is allocated.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "base/byte_storage.h"
#include "base/slab.h"
#include "protocol/message_reader.h"
#include "ring/reactor_core.h"
#include "websocket/head_storage.h"
#include "websocket/output.h"
#include "websocket/random_bytes.h"

namespace ringdown {

class Connection;
class Sending;
class ClientOpening;
class ServerOpening;
class Yielding;

// What messages that come in several pieces are put together in. Their sum over all connections is
// bounded. What is free is kept for the next one, up to a bound, and given back to the system when
// nobody has needed it for a while.
class MessageStorage {
 public:
  // `bytes_max` of all messages together.
  MessageStorage(IdleMemory& idle, std::size_t bytes_max);

  // Empty; or nullptr: no memory is left.
  std::unique_ptr<ByteStorage> take() noexcept;
  // False: the bound is reached, or no memory is left.
  [[nodiscard]] bool make_room(ByteStorage& storage, std::size_t more) noexcept;
  void give_back(std::unique_ptr<ByteStorage> storage) noexcept;
  bool give_back_idle() noexcept;  // see Slab
  std::size_t idle_bytes() const noexcept { return idle_bytes_; }

 private:
  static constexpr std::size_t kept_max = 64;
  static constexpr std::size_t kept_bytes_max = 32U << 20;
  static constexpr std::size_t idle_bytes_kept = 1U << 20;

  IdleMemory& idle_;
  std::size_t bytes_max_;
  std::size_t bytes_ = 0;  // lent and not yet delivered
  std::vector<std::unique_ptr<ByteStorage>> free_;
  std::size_t idle_bytes_ = 0;  // that those could hold
  std::size_t least_free_ = 0;  // since the last `give_back_idle`
};

class WebSocketPools final : public ReactorExtension {
 public:
  RINGDOWN_API static WebSocketPools& of(ReactorCore& reactor);
  explicit WebSocketPools(ReactorCore& reactor);
  ~WebSocketPools() override;
  std::size_t pool_bytes() const noexcept override;
  bool give_back_idle() noexcept override;
  void add_users(ReactorUsers& users) const noexcept override;

  std::unique_ptr<Slab<Connection>> connections;
  std::unique_ptr<Slab<Sending>> sendings;
  std::unique_ptr<Slab<ClientOpening>> client_openings;
  std::unique_ptr<Slab<ServerOpening>> server_openings;
  std::unique_ptr<Slab<Yielding>> yieldings;
  HeadPools heads;
  Slab<protocol::ControlStorage> controls;
  OutputPools output;
  MessageStorage messages;
  RandomBytes random;
};

}  // namespace ringdown
