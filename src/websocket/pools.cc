#include "websocket/pools.h"

#include <algorithm>
#include <new>
#include <utility>

#include "websocket/client_opening.h"
#include "websocket/connection.h"
#include "websocket/server_opening.h"

namespace ringdown {

MessageStorage::MessageStorage(IdleMemory& idle, std::size_t bytes_max)
    : idle_(idle), bytes_max_(bytes_max) {
  free_.reserve(kept_max);
}

std::unique_ptr<ByteStorage> MessageStorage::take() noexcept {
  if (free_.empty()) return std::unique_ptr<ByteStorage>(new (std::nothrow) ByteStorage);
  std::unique_ptr<ByteStorage> storage = std::move(free_.back());
  free_.pop_back();
  idle_bytes_ -= storage->capacity();
  least_free_ = std::min(least_free_, free_.size());
  return storage;
}

bool MessageStorage::make_room(ByteStorage& storage, std::size_t more) noexcept {
  if (more > bytes_max_ - bytes_ || !storage.make_room(more)) return false;
  bytes_ += more;
  return true;
}

void MessageStorage::give_back(std::unique_ptr<ByteStorage> storage) noexcept {
  bytes_ -= storage->size();
  storage->clear();
  if (free_.size() == kept_max || storage->capacity() > kept_bytes_max - idle_bytes_) return;
  idle_bytes_ += storage->capacity();
  free_.push_back(std::move(storage));
  if (idle_bytes_ > idle_bytes_kept) idle_.found();
}

bool MessageStorage::give_back_idle() noexcept {
  auto end = free_.begin();  // the front has been idle for longest
  for (; least_free_ > 0 && idle_bytes_ > idle_bytes_kept; --least_free_) {
    idle_bytes_ -= (*end)->capacity();
    ++end;
  }
  free_.erase(free_.begin(), end);
  least_free_ = free_.size();
  return idle_bytes_ > idle_bytes_kept;
}

WebSocketPools& WebSocketPools::of(ReactorCore& reactor) {
  auto& extension = reactor.extension(ReactorCore::Floor::websocket);
  if (!extension) extension = std::make_unique<WebSocketPools>(reactor);
  return static_cast<WebSocketPools&>(*extension);
}

WebSocketPools::WebSocketPools(ReactorCore& reactor)
    : connections(std::make_unique<Slab<Connection>>(&reactor.idle_memory())),
      sendings(std::make_unique<Slab<Sending>>(&reactor.idle_memory())),
      client_openings(std::make_unique<Slab<ClientOpening>>(&reactor.idle_memory())),
      server_openings(std::make_unique<Slab<ServerOpening>>(&reactor.idle_memory())),
      yieldings(std::make_unique<Slab<Yielding>>(&reactor.idle_memory())),
      heads(reactor.idle_memory()),
      controls(&reactor.idle_memory()),
      output(reactor.idle_memory()),
      messages(reactor.idle_memory(), reactor.options().message_memory_max) {}
WebSocketPools::~WebSocketPools() = default;

void WebSocketPools::add_users(ReactorUsers& users) const noexcept {
  users.opening_websockets += client_openings->taken() + server_openings->taken();
  users.open_websockets += connections->taken() - users.opening_websockets;
}

std::size_t WebSocketPools::pool_bytes() const noexcept {
  return connections->bytes() + sendings->bytes() + client_openings->bytes() +
         server_openings->bytes() + yieldings->bytes() + heads.bytes() + controls.bytes() +
         output.bytes() + messages.idle_bytes();
}

bool WebSocketPools::give_back_idle() noexcept {
  return ringdown::give_back_idle(*connections, *sendings, *client_openings, *server_openings,
                                  *yieldings, heads, controls, output, messages);
}

}  // namespace ringdown
