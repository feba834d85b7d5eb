#include "tls_twins.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

namespace ringdown::protocol::testing {

Bytes bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

Bytes pattern(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 7 + i / 251);
  return bytes;
}

void TlsPeer::receive(std::span<const std::byte> bytes, std::size_t split) {
  while (!bytes.empty()) {
    const std::size_t part = std::min(split, bytes.size());
    session.feed(bytes.first(part));
    go_on();
    EXPECT_EQ(session.take_back_input(), 0u);
    bytes = bytes.subspan(part);
  }
}

void TlsPeer::receive_end() {
  session.end_of_input();
  go_on();
}

void TlsPeer::go_on() {
  if (!session.handshake_done()) step = session.step();
  if (step == TlsStep::failed) read = TlsReadKind::failed;
  if (!session.handshake_done()) return;
  std::array<std::byte, 1000> buffer;
  for (;;) {
    const TlsRead got = session.read(buffer);
    if (got.kind != TlsReadKind::data) {
      read = got.kind;
      return;
    }
    EXPECT_GT(got.size, 0u);
    received.append(reinterpret_cast<const char*>(buffer.data()), got.size);
  }
}

Bytes TlsPeer::take_output() {
  Bytes bytes;
  while (session.output_size() != 0) {
    std::array<std::span<const std::byte>, 2> pieces;
    const std::size_t count = session.output(pieces);
    std::size_t size = 0;
    for (const auto piece : std::span(pieces).first(count)) {
      bytes.insert(bytes.end(), piece.begin(), piece.end());
      size += piece.size();
    }
    session.consume_output(size);
  }
  return bytes;
}

Twins::Twins(bssl::UniquePtr<SSL_CTX> for_client, bssl::UniquePtr<SSL_CTX> for_server,
             TlsSessionOptions client_options)
    : client_side(std::move(for_client)),
      server_side(std::move(for_server)),
      client(client_side.get(), client_options),
      server(server_side.get(), {.role = Role::server}) {
  client.step = client.session.step();
}

bool Twins::carry(TlsPeer& from, TlsPeer& to) {
  const Bytes bytes = from.take_output();
  to.receive(bytes, split);
  return !bytes.empty();
}

void Twins::run() {
  for (bool moved = true; moved;) {
    moved = carry(client, server);
    moved = carry(server, client) || moved;
  }
}

}  // namespace ringdown::protocol::testing
