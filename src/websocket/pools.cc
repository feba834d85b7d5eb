#include "websocket/pools.h"

#include "base/check.h"
#include "websocket/client_opening.h"
#include "websocket/connection.h"
#include "websocket/server_opening.h"

namespace ringdown {

std::unique_ptr<MessageStorage::Bytes> MessageStorage::take() {
  if (free_.empty()) return std::make_unique<Bytes>();
  std::unique_ptr<Bytes> bytes = std::move(free_.back());
  free_.pop_back();
  return bytes;
}

void MessageStorage::give_back(std::unique_ptr<Bytes> bytes) {
  if (free_.size() >= kept_max || bytes->capacity() > kept_capacity_max) return;
  bytes->clear();
  free_.push_back(std::move(bytes));
}

WebSocketPools& WebSocketPools::of(ReactorCore& reactor) {
  auto& extension = reactor.extension(ReactorCore::Floor::websocket);
  if (!extension) extension = std::make_unique<WebSocketPools>(reactor.idle_memory());
  return static_cast<WebSocketPools&>(*extension);
}

WebSocketPools::WebSocketPools(IdleMemory& idle)
    : connections(std::make_unique<Slab<Connection>>(&idle)),
      sendings(std::make_unique<Slab<Sending>>(&idle)),
      client_openings(std::make_unique<Slab<ClientOpening>>(&idle)),
      server_openings(std::make_unique<Slab<ServerOpening>>(&idle)),
      heads(idle),
      controls(&idle),
      output(idle) {}
WebSocketPools::~WebSocketPools() {
  if (connections->taken() == 0) return;
  check_failed(__FILE__, __LINE__,
               "a reactor was destroyed with a WebSocket left, open or being dialled: wait for "
               "on_closed or on_open_failed");
}

std::size_t WebSocketPools::pool_bytes() const noexcept {
  return connections->bytes() + sendings->bytes() + client_openings->bytes() +
         server_openings->bytes() + heads.bytes() + controls.bytes() + output.bytes();
}

bool WebSocketPools::give_back_idle() noexcept {
  return ringdown::give_back_idle(*connections, *sendings, *client_openings, *server_openings,
                                  heads, controls, output);
}

}  // namespace ringdown
