// What WebSocket connections share on one reactor: their slab, output blocks, storage that is lent
// for a while. Once warm, nothing of a connection is allocated.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

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

// Message storage keeps its capacity from message to message, up to a bound.
class MessageStorage {
 public:
  using Bytes = std::vector<std::byte>;
  std::unique_ptr<Bytes> take();
  void give_back(std::unique_ptr<Bytes> bytes);

 private:
  static constexpr std::size_t kept_max = 64;
  static constexpr std::size_t kept_capacity_max = 1U << 20;
  std::vector<std::unique_ptr<Bytes>> free_;
};

class WebSocketPools final : public ReactorExtension {
 public:
  RINGDOWN_API static WebSocketPools& of(ReactorCore& reactor);
  explicit WebSocketPools(IdleMemory& idle);
  ~WebSocketPools() override;
  std::size_t pool_bytes() const noexcept override;
  bool give_back_idle() noexcept override;

  std::unique_ptr<Slab<Connection>> connections;
  std::unique_ptr<Slab<Sending>> sendings;
  std::unique_ptr<Slab<ClientOpening>> client_openings;
  std::unique_ptr<Slab<ServerOpening>> server_openings;
  HeadPools heads;
  Slab<protocol::ControlStorage> controls;
  OutputPools output;
  MessageStorage messages;
  RandomBytes random;
};

}  // namespace ringdown
