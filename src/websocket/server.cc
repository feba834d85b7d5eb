// The public face of the server.
#include "ringdown/server.h"

#include "websocket/server_core.h"

namespace ringdown {

Server::Server(Reactor& reactor, ServerEvents& events, const ServerOptions& options)
    : core_(std::make_unique<Core>(reactor, events, options)) {}
Server::~Server() = default;

Server::ListenResult Server::listen(const SocketAddress& address) { return core_->listen(address); }
Start Server::drain(const DrainPlan& plan) { return core_->drain(plan); }
void Server::stop_accepting() { core_->stop_accepting(); }
void Server::abort_all() { core_->abort_all(); }
std::size_t Server::open_connections() const noexcept { return core_->open_connections(); }
const ServerTally& Server::tally() const noexcept { return core_->tally(); }
void Server::for_each(const std::function<void(WebSocket&)>& visit) { core_->for_each(visit); }

}  // namespace ringdown
