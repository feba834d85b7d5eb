// A peer that breaks the protocol, in each role: every violation under its own name, with its
// status on the wire, and the connection failed (RFC 6455 7.1.7).
#include <gtest/gtest.h>

#include "fixture.h"

namespace ringdown {
namespace {

struct Offence {
  Violation violation;
  int status;
  // What the peer of the other role writes.
  std::string (*bytes)(Role from);
  // Messages that are delivered before it.
  std::size_t delivered = 0;
};

Role other(Role role) { return role == Role::client ? Role::server : Role::client; }

// A header with a length in the form asked for, masked as `from` has to, with a key of zeros.
std::string header(Role from, unsigned first_byte, unsigned length,
                   std::string_view extended = {}) {
  const unsigned masked = from == Role::client ? 0x80 : 0;
  std::string bytes{static_cast<char>(first_byte), static_cast<char>(masked | length)};
  bytes += extended;
  if (masked != 0) bytes += std::string(4, '\0');
  return bytes;
}

std::string closing(Role from, std::string_view payload) {
  return frame(from, close_frame, payload);
}

using namespace std::string_view_literals;

const std::vector<Offence>& offences() {
  static const std::vector<Offence> all{
      {Violation::reserved_bits_set, 1002, [](Role from) { return frame(from, 0xC1, "x"); }},
      {Violation::reserved_bits_set, 1002, [](Role from) { return frame(from, 0xA1, "x"); }},
      {Violation::reserved_bits_set, 1002, [](Role from) { return frame(from, 0x99, "x"); }},
      {Violation::unknown_opcode, 1002, [](Role from) { return frame(from, 0x83, "x"); }},
      {Violation::unknown_opcode, 1002, [](Role from) { return frame(from, 0x8B, "x"); }},
      {Violation::mask_missing, 1002, [](Role from) { return frame(other(from), 0x81, "x"); }},
      {Violation::length_not_minimal, 1002,
       [](Role from) { return header(from, 0x82, 126, "\x00\x7D"sv) + std::string(125, 'x'); }},
      {Violation::length_not_minimal, 1002,
       [](Role from) { return header(from, 0x82, 127, "\0\0\0\0\0\0\xFF\xFF"sv); }},
      {Violation::length_out_of_range, 1002,
       [](Role from) { return header(from, 0x82, 127, "\x80\0\0\0\0\0\0\0"sv); }},
      {Violation::control_frame_too_long, 1002,
       [](Role from) { return frame(from, ping_frame, std::string(126, 'p')); }},
      {Violation::control_frame_fragmented, 1002, [](Role from) { return frame(from, 0x09, "p"); }},
      {Violation::continuation_unexpected, 1002, [](Role from) { return frame(from, 0x80, "c"); }},
      {Violation::continuation_unexpected, 1002,
       [](Role from) { return frame(from, text_frame, "whole") + frame(from, 0x80, "c"); }, 1},
      {Violation::continuation_expected, 1002,
       [](Role from) { return frame(from, 0x01, "open") + frame(from, text_frame, "another"); }},
      {Violation::message_too_big, 1009,
       [](Role from) { return frame(from, binary_frame, std::string(1001, 'b')); }},
      {Violation::message_too_big, 1009,
       [](Role from) {
         return frame(from, 0x02, std::string(600, 'b')) + frame(from, 0x80, std::string(401, 'b'));
       }},
      {Violation::message_too_big, 1009,
       [](Role from) { return header(from, 0x82, 127, "\x00\x00\x00\x40\0\0\0\0"sv); }},
      {Violation::too_many_fragments, 1008,
       [](Role from) {
         std::string bytes = frame(from, 0x01, "first");
         for (const char* fragment : {"", "3", "4", "", "6"}) bytes += frame(from, 0, fragment);
         return bytes;
       }},
      {Violation::invalid_utf8, 1007, [](Role from) { return frame(from, 0x81, "a\xC3\x28"); }},
      {Violation::invalid_utf8, 1007, [](Role from) { return frame(from, 0x81, "cut \xE2\x82"); }},
      {Violation::invalid_utf8, 1007,
       [](Role from) { return frame(from, 0x01, "\xF0\x9F") + frame(from, 0x80, "\x41"); }},
      {Violation::close_payload_of_one_byte, 1002, [](Role from) { return closing(from, "x"); }},
      {Violation::close_status_invalid, 1002, [](Role from) { return closing(from, "\x03\xE7"); }},
      {Violation::close_status_invalid, 1002,
       [](Role from) { return closing(from, close_payload(CloseStatus::abnormal)); }},
      {Violation::close_status_invalid, 1002,
       [](Role from) { return closing(from, close_payload(CloseStatus(5000))); }},
      {Violation::close_reason_invalid_utf8, 1007,
       [](Role from) { return closing(from, close_payload(CloseStatus(4000), "\xFF")); }},
      {Violation::data_after_close, 1002,
       [](Role from) { return closing(from, "\x0F\xA0") + frame(from, text_frame, "late"); }},
      {Violation::invalid_utf8, 1007,
       [](Role from) { return frame(from, 0x82, "\xFF") + frame(from, 0x81, "\xFF"); }, 1},
  };
  return all;
}

class Violations : public WebSocketTest,
                   public ::testing::WithParamInterface<std::tuple<Role, std::size_t, Delivery>> {
 protected:
  Role role() const { return std::get<0>(GetParam()); }
  // mask_missing is the client's offence, mask_unexpected the server's.
  static Violation as_seen_by(Role ours, Violation violation) {
    const bool turns = ours == Role::client && violation == Violation::mask_missing;
    return turns ? Violation::mask_unexpected : violation;
  }
  static WebSocketOptions limited(Delivery delivery) {
    WebSocketOptions options;
    options.message_size_max = 1000;
    options.message_fragments_max = 5;
    options.delivery = delivery;
    return options;
  }
};

std::string case_name(
    const ::testing::TestParamInfo<std::tuple<Role, std::size_t, Delivery>>& tested) {
  const auto [role, index, delivery] = tested.param;
  return std::string(role == Role::client ? "client_" : "server_") +
         (delivery == Delivery::pieces ? "pieces_" : "") +
         std::string(name(offences()[index].violation)) + "_" + std::to_string(index);
}

INSTANTIATE_TEST_SUITE_P(
    All, Violations,
    ::testing::Combine(both_roles, ::testing::Range<std::size_t>(0, offences().size()),
                       ::testing::Values(Delivery::messages, Delivery::pieces)),
    case_name);

TEST_P(Violations, FailTheConnectionByName) {
  const auto [our_role, index, delivery] = GetParam();
  const Offence& offence = offences()[index];
  auto [ours, peer] = wire(our_role, limited(delivery));
  EXPECT_EQ(ours.send("before"), Start::io_pending);
  peer.write(offence.bytes(other(our_role)));
  peer.send(text_frame, "nobody reads this");
  const bool closed_before = offence.violation == Violation::data_after_close;
  if (closed_before && our_role == Role::client) {
    // Both Close frames pass, and then the server ends TCP first (RFC 6455 7.1.1).
    ASSERT_TRUE(pump([&] { return peer.close_received() != nullptr; }));
    peer.send_fin();
  }
  ASSERT_TRUE(pump([&] { return peer.ended(); })) << "Close, then FIN";
  ASSERT_NE(peer.close_received(), nullptr);
  EXPECT_EQ(static_cast<int>(peer.close_received()->status()), offence.status);
  EXPECT_EQ(peer.frames().size(), 2U);
  EXPECT_FALSE(peer.was_reset());
  EXPECT_TRUE(ours.closed || ours.send("late") != Start::io_pending);
  peer.send_fin();
  ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::violation);
  EXPECT_EQ(ours.closed->violation, as_seen_by(our_role, offence.violation))
      << name(ours.closed->violation);
  EXPECT_EQ(static_cast<int>(ours.closed->own_status), offence.status);
  EXPECT_EQ(ours.messages.size(), offence.delivered);
  EXPECT_EQ(ours.peer_close.has_value(), closed_before);
  EXPECT_EQ(ours.closed->peer_status, closed_before ? CloseStatus(4000) : CloseStatus::abnormal);
}

TEST_P(Violations, FailAHalfClosedConnectionWithoutASecondClose) {
  const auto [our_role, index, delivery] = GetParam();
  const Offence& offence = offences()[index];
  auto [ours, peer] = wire(our_role, limited(delivery));
  EXPECT_EQ(ours.shutdown(CloseStatus(4000)), Start::io_pending);
  ASSERT_TRUE(pump([&] { return peer.close_received() && ours.shutdown_done; }));
  peer.write(offence.bytes(other(our_role)));
  peer.send_fin();
  ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
  EXPECT_EQ(peer.frames().size(), 1U);
  EXPECT_EQ(ours.closed->own_status, CloseStatus(4000));
  if (offence.violation == Violation::data_after_close && our_role == Role::server) {
    // With both Close frames passed the server is gone before it sees what came behind.
    EXPECT_EQ(ours.closed->peer_status, CloseStatus(4000));
    return;
  }
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::violation) << name(ours.closed->outcome);
  EXPECT_EQ(ours.closed->violation, as_seen_by(our_role, offence.violation));
}

class Limits : public TwinTest {};
INSTANTIATE_TEST_SUITE_P(Roles, Limits, both_roles, role_name);

TEST_P(Limits, AMessageOfTheLargestSizePasses) {
  WebSocketOptions options;
  options.message_size_max = 100'000;
  auto [ours, peer] = wire(options);
  peer.send(binary_frame, std::string(100'000, 'm'));
  peer.send(0x02, std::string(99'999, 'm'));
  peer.send(ping_frame, "between");
  peer.send(0x80, "m");
  ASSERT_TRUE(pump([&] { return ours.messages.size() == 2; }));
  peer.send(binary_frame, std::string(100'001, 'm'));
  ASSERT_TRUE(pump([&] { return peer.ended(); }));
  EXPECT_EQ(peer.close_received()->status(), CloseStatus::message_too_big);
  peer.send_fin();
  ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
  EXPECT_EQ(ours.closed->violation, Violation::message_too_big);
}

TEST_P(Limits, AMessageOfTheMostFragmentsPasses) {
  WebSocketOptions options;
  options.message_fragments_max = 3;
  auto [ours, peer] = wire(options);
  for (int i = 0; i < 2; ++i) {
    peer.send(0x01, "one ");
    peer.send(0x00, "");
    peer.send(0x80, "message");
    peer.send(text_frame, "whole");
  }
  ASSERT_TRUE(pump([&] { return ours.messages.size() == 4; }));
}

TEST_P(Limits, AViolationWhileClosingIsNamed) {
  auto [ours, peer] = wire();
  EXPECT_EQ(ours.close(CloseStatus(4000)), Start::io_pending);
  ASSERT_TRUE(pump([&] { return peer.close_received() != nullptr; }));
  peer.write(frame(other_role(), 0x83, "x"));
  peer.send_fin();
  ASSERT_TRUE(pump([&] { return ours.closed.has_value(); }));
  EXPECT_EQ(ours.closed->outcome, CloseOutcome::violation);
  EXPECT_EQ(ours.closed->violation, Violation::unknown_opcode);
  EXPECT_TRUE(ours.close_done->error);
}

TEST_P(Limits, AViolationFailsTheSendsThatAreQueuedNot) {
  // Our Close goes behind what was accepted before.
  auto [ours, peer] = wire();
  peer.pause_reading();
  const std::string large(3 << 20, 'q');
  EXPECT_EQ(ours.send(large), Start::io_pending);
  settle();
  peer.write(frame(other_role(), 0x83, "x"));
  settle();
  peer.resume_reading();
  ASSERT_TRUE(pump([&] { return peer.ended(); }));
  EXPECT_EQ(peer.payloads(text_frame), std::vector<std::string>{large});
  EXPECT_EQ(peer.close_received()->status(), CloseStatus::protocol_error);
  ASSERT_EQ(ours.sent.size(), 1U);
  EXPECT_EQ(ours.sent[0].error, Error());
}

}  // namespace
}  // namespace ringdown
