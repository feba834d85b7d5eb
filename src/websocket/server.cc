// The public face of the server.
#include "ringdown/server.h"

#include "websocket/server_core.h"

namespace ringdown {

Server::Server(Reactor& reactor, ServerEvents& events, const ServerOptions& options)
    : core_((reactor.core().check_thread(), std::make_unique<Core>(reactor, events, options))) {}
// One that uses nothing any more may outlive its reactor.
Server::~Server() {
  if (core_->is_in_use()) core_->reactor().owner().check_unless_idle();
}

Server::ListenResult Server::listen(const SocketAddress& address) {
  core_->reactor().check_thread();
  return core_->listen(address);
}
Start Server::drain(const DrainPlan& plan) {
  core_->reactor().check_thread();
  return core_->drain(plan);
}
void Server::stop_accepting() {
  core_->reactor().check_thread();
  core_->stop_accepting();
}
void Server::abort_all() {
  core_->reactor().check_thread();
  core_->abort_all();
}
std::size_t Server::open_connections() const noexcept {
  core_->reactor().owner().check_unless_idle();
  return core_->open_connections();
}
const ServerTally& Server::tally() const noexcept {
  core_->reactor().owner().check_unless_idle();
  return core_->tally();
}
void Server::for_each(const std::function<void(WebSocket&)>& visit) {
  core_->reactor().check_thread();
  core_->for_each(visit);
}

}  // namespace ringdown
