#include "tls_peer.h"

#include <algorithm>
#include <array>
#include <functional>
#include <string_view>

#include "tls_certificates.h"

namespace ringdown::fuzz {

using protocol::TlsReadKind;
using protocol::TlsStep;

namespace {

// Counters that libFuzzer looks at as it looks at its own: they tell it of BoringSSL, which is not
// built for it, what state a handshake is in and what it failed of.
[[gnu::section("__libfuzzer_extra_counters"), gnu::used]] std::uint8_t reached[1U << 14];

void count(std::string_view state, bool is_server, int detail) noexcept {
  const std::size_t hash = std::hash<std::string_view>()(state) + static_cast<std::size_t>(detail);
  ++reached[(2 * hash + (is_server ? 1 : 0)) % std::size(reached)];
}

int select_first(SSL*, const std::uint8_t** out, std::uint8_t* out_size,
                 const std::uint8_t* offered, unsigned, void*) {
  *out = offered + 1;
  *out_size = offered[0];
  return SSL_TLSEXT_ERR_OK;
}

SSL_CTX* with_versions(bssl::UniquePtr<SSL_CTX> context, std::uint16_t max) {
  RINGDOWN_CHECK(SSL_CTX_set_max_proto_version(context.get(), max) == 1);
  RINGDOWN_CHECK(SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) == 1);
  SSL_CTX_set_alpn_select_cb(context.get(), select_first, nullptr);
  return context.release();
}

}  // namespace

SSL_CTX* client_context() {
  static SSL_CTX* const context =
      with_versions(protocol::testing::client_context(TLS1_2_VERSION), TLS1_3_VERSION);
  return context;
}

SSL_CTX* server_context(bool only_1_2) {
  static SSL_CTX* const of_both =
      with_versions(protocol::testing::server_context(TLS1_2_VERSION), TLS1_3_VERSION);
  static SSL_CTX* const of_1_2 = [] {
    auto context = protocol::testing::server_context(TLS1_2_VERSION);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    const std::uint8_t id = 1;  // of what is resumed, when certificates are asked for
    RINGDOWN_CHECK(SSL_CTX_set_session_id_context(context.get(), &id, 1) == 1);
    return with_versions(std::move(context), TLS1_2_VERSION);
  }();
  return only_1_2 ? of_1_2 : of_both;
}

TlsPeer::TlsPeer(SSL_CTX* context, const protocol::TlsSessionOptions& options, bool lazy)
    : session_(context, chunks_, options), lazy_(lazy) {
  RINGDOWN_CHECK(!failed());
  if (options.role == Role::client) go_on();
}

TlsPeer::~TlsPeer() {
  take_output(session_.output_size());
  RINGDOWN_CHECK(chunks_.taken() == 0);
}

void TlsPeer::receive(std::span<const std::byte> bytes) {
  unused_.insert(unused_.end(), bytes.begin(), bytes.end());
  // Of its own, so that nothing beyond is read.
  const std::vector<std::byte> lent(unused_.begin(), unused_.end());
  session_.feed(lent);
  go_on();
  const std::size_t left = session_.take_back_input();
  RINGDOWN_CHECK(left == 0 || (lazy_ && read_end_ == TlsReadKind::need_input));
  // What was deciphered is not kept back until more comes.
  RINGDOWN_CHECK(lazy_ || SSL_pending(session_.native()) == 0);
  unused_.assign(lent.end() - static_cast<std::ptrdiff_t>(left), lent.end());
}

void TlsPeer::receive_end() {
  lazy_ = false;
  receive({});
  input_ended_ = true;
  session_.end_of_input();
  go_on();
  // The last answers are given again.
  go_on();
}

void TlsPeer::write(std::string_view text) {
  const std::size_t size = session_.write(std::as_bytes(std::span(text)));
  RINGDOWN_CHECK(size == 0 || (session_.handshake_done() && !was_shut_down_));
  written_ += text.substr(0, size);
  check();
}

void TlsPeer::shutdown() {
  const bool done = session_.shutdown();
  RINGDOWN_CHECK(!done || session_.handshake_done());
  was_shut_down_ = was_shut_down_ || done;
  RINGDOWN_CHECK(!done || session_.halves().send != Half::open);
  check();
}

void TlsPeer::update_keys() {
  const bool may =
      session_.handshake_done() && session_.version() == "TLSv1.3" && !was_shut_down_ && !failed();
  if (may) RINGDOWN_CHECK(SSL_key_update(session_.native(), SSL_KEY_UPDATE_REQUESTED) == 1);
}

std::vector<std::byte> TlsPeer::take_output(std::size_t size) {
  std::vector<std::byte> taken;
  while (taken.size() < size && session_.output_size() != 0) {
    std::array<std::span<const std::byte>, 2> pieces;
    RINGDOWN_CHECK(session_.output(pieces) != 0 && !pieces[0].empty());
    const auto piece = pieces[0].first(std::min(pieces[0].size(), size - taken.size()));
    taken.insert(taken.end(), piece.begin(), piece.end());
    session_.consume_output(piece.size());
    // close_notify is the last thing that is said.
    if (was_shut_down_ && !failed()) {
      const Half sent = session_.output_size() == 0 ? Half::ended : Half::ending;
      RINGDOWN_CHECK(session_.halves().send == sent);
    }
  }
  return taken;
}

void TlsPeer::go_on() {
  if (!session_.handshake_done()) {
    const TlsStep step = session_.step();
    RINGDOWN_CHECK(step != TlsStep::need_context);
    RINGDOWN_CHECK((step == TlsStep::failed) == failed());
    RINGDOWN_CHECK((step == TlsStep::done) == session_.handshake_done());
    // After FIN there is nothing to wait for.
    RINGDOWN_CHECK(step != TlsStep::need_input || !input_ended_);
  }
  read();
  check();
}

void TlsPeer::read() {
  while (read_once()) {
    if (lazy_) return;
  }
  RINGDOWN_CHECK((read_end_ == TlsReadKind::failed) == failed());
  RINGDOWN_CHECK(read_end_ != TlsReadKind::truncated || input_ended_);
  RINGDOWN_CHECK(read_end_ != TlsReadKind::need_input || !input_ended_);
}

// Answers whether there was data.
bool TlsPeer::read_once() {
  std::array<std::byte, 1000> into;
  const protocol::TlsRead got = session_.read(into);
  if (got.kind == TlsReadKind::data) {
    RINGDOWN_CHECK(got.size != 0 && got.size <= into.size() && session_.handshake_done());
    RINGDOWN_CHECK(read_end_ == TlsReadKind::need_input);
    received_ += text_of(std::span(into).first(got.size));
    return true;
  }
  // An end is the last answer; only a failure of another call may come on top.
  RINGDOWN_CHECK(read_end_ == TlsReadKind::need_input || read_end_ == got.kind ||
                 got.kind == TlsReadKind::failed);
  read_end_ = got.kind;
  return false;
}

void TlsPeer::check() const {
  SSL* const ssl = session_.native();
  count(SSL_state_string_long(ssl), SSL_is_server(ssl) == 1, session_.failure_detail());
  const Halves halves = session_.halves();
  // These are of this side: no peer can bring them about.
  RINGDOWN_CHECK(session_.failure() != TlsFailure::internal);
  RINGDOWN_CHECK(session_.failure() != TlsFailure::out_of_memory);
  RINGDOWN_CHECK(!failed() || (halves.send != Half::open && halves.receive != Half::open));
  RINGDOWN_CHECK(halves.receive != Half::ended || read_end_ == TlsReadKind::end_of_data ||
                 failed());
}

}  // namespace ringdown::fuzz
