// The server's side of the opening handshake (RFC 6455 4.2): read the request, ask the application,
// answer.
#pragma once

#include "protocol/upgrade.h"
#include "ringdown/server.h"
#include "websocket/connection.h"
#include "websocket/head_reader.h"
#include "websocket/opening_queue.h"
#include "websocket/server_core.h"

namespace ringdown {

class ServerOpening final : public Opening {
 public:
  ServerOpening(Connection& connection, Server::Core& server, const SocketAddress& peer) noexcept;

  std::size_t receive(MutableBytes bytes) override;
  void receive_handshake() override;
  void fail(OpenFailure failure, Error error) override;
  void finish() override;
  // For a newcomer that finds no room: RST.
  void evict();
  // The same, for the memory of its head: its place stays its own until it is over.
  void evict_for_head();
  // It shall not hold a drain: FIN, and what the client does not read by then is lost.
  void leave(TimePoint deadline);
  // It was refused, or leaves: its connection is over by then.
  void end_by(TimePoint deadline);

  OpeningPlace place;  // the admission's

 private:
  void answer();
  bool queue_switch(const protocol::UpgradeRequest& request, const UpgradeAnswer& answer);
  void refuse(int http_status, std::string_view phrase,
              OpenFailure failure = OpenFailure::http_status);
  bool is_over() const noexcept { return failed_.failure != OpenFailure::none; }

  Connection& connection_;
  Server::Core& server_;
  SocketAddress peer_;
  OpenFailed failed_;
  bool begun_ = false;
  HeadReader head_;
};

}  // namespace ringdown
