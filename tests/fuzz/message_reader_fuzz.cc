// Frames and messages, both roles: MessageReader and MessageAssembler tell of a wire what the
// reference tells, whole, byte by byte and at chosen cuts, and a violation at the first byte that
// shows it.
#include "frame_reference.h"
#include "fuzz_input.h"
#include "protocol/message_assembler.h"
#include "protocol/message_reader.h"

namespace ringdown::fuzz {
namespace {

using protocol::ControlStorage;
using protocol::MessageReader;
using Kind = MessageReader::EventKind;

struct Setting {
  Role own_role;
  std::uint32_t message_size_max;
  bool storage_stays;  // lent from one control frame to the next
};

class Reading {
 public:
  explicit Reading(const Setting& setting)
      : setting_(setting), reader_(setting.own_role, setting.message_size_max) {}

  void add(std::span<const std::byte> bytes) {
    // Of its own, so that nothing beyond is read.
    std::vector<std::byte> piece(bytes.begin(), bytes.end());
    std::span<std::byte> input(piece);
    fed_ += piece.size();
    for (;;) {
      const auto event = reader_.next(input);
      if (event.kind == Kind::need_input) break;
      RINGDOWN_CHECK(told_.violation == Violation::none);
      if (event.kind == Kind::violation) told_.violation_at = fed_ - input.size();
      tell(event);
    }
    RINGDOWN_CHECK(input.empty());
  }

  Told told() {
    told_.open = text_of(message_.bytes());
    told_.message_open = reader_.message_open();
    told_.between_frames = reader_.between_frames();
    return told_;
  }

 private:
  void tell(const MessageReader::Event& event) {
    switch (event.kind) {
      case Kind::need_input:
      case Kind::empty_fragment: return;
      case Kind::need_control_storage:
        reader_.lend_control_storage(&storage_);
        lent_ = true;
        return;
      case Kind::data: return tell_data(event);
      case Kind::ping: told_.events.push_back("ping " + std::string(text_of(event.bytes))); break;
      case Kind::pong: told_.events.push_back("pong " + std::string(text_of(event.bytes))); break;
      case Kind::close:
        told_.events.push_back("close " + std::to_string(static_cast<int>(event.close_status)) +
                               " " + std::string(text_of(event.bytes)));
        message_.clear();
        break;
      case Kind::violation:
        RINGDOWN_CHECK(event.violation != Violation::none);
        told_.violation = event.violation;
        break;
    }
    if (setting_.storage_stays && event.kind != Kind::violation) return;
    RINGDOWN_CHECK((reader_.take_back_control_storage() != nullptr) == lent_);
    lent_ = false;
  }

  void tell_data(const MessageReader::Event& event) {
    RINGDOWN_CHECK(event.last || !event.bytes.empty());
    RINGDOWN_CHECK(message_.make_room(event.bytes.size()));
    const auto message = assembler_.add(event.bytes, event.last, message_);
    RINGDOWN_CHECK(message.has_value() == event.last);
    if (!message) return;
    const char* const kind = event.message_kind == MessageKind::text ? "text " : "binary ";
    told_.events.push_back(kind + std::string(text_of(*message)));
    message_.clear();
  }

  Setting setting_;
  MessageReader reader_;
  protocol::MessageAssembler assembler_;
  ByteStorage message_;  // the storage of the assembler
  ControlStorage storage_;
  bool lent_ = false;
  std::size_t fed_ = 0;
  Told told_;
};

Told read(const Setting& setting, std::span<const std::byte> wire, Cuts cuts) {
  Reading reading(setting);
  while (!wire.empty()) {
    const std::size_t size = cuts.next(wire.size());
    reading.add(wire.first(size));
    wire = wire.subspan(size);
  }
  return reading.told();
}

void compare(const Told& told, const Told& reference, bool byte_by_byte) {
  RINGDOWN_CHECK(told.events == reference.events);
  RINGDOWN_CHECK(told.violation == reference.violation);
  switch (reference.violation) {
    case Violation::none:
      RINGDOWN_CHECK(told.message_open == reference.message_open);
      RINGDOWN_CHECK(told.between_frames == reference.between_frames);
      break;
    case Violation::close_status_invalid:
    case Violation::close_reason_invalid_utf8:  // the open message is no more
      RINGDOWN_CHECK(told.violation_at == reference.violation_at);
      return;
    case Violation::invalid_utf8:
      if (byte_by_byte) break;
      // Nothing is told of a piece in which it is found.
      RINGDOWN_CHECK(reference.open.starts_with(told.open));
      RINGDOWN_CHECK(told.violation_at >= reference.violation_at);
      return;
    default: break;
  }
  RINGDOWN_CHECK(told.open == reference.open);
  RINGDOWN_CHECK(told.violation_at == reference.violation_at);
}

}  // namespace
}  // namespace ringdown::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ringdown;
  using namespace ringdown::fuzz;
  constexpr std::uint32_t maxima[] = {protocol::MessageReader::message_unbounded, 0, 130, 70000};
  FuzzInput input(data, size);
  const unsigned mode = input.byte();
  const Setting setting{.own_role = (mode & 1U) != 0 ? Role::server : Role::client,
                        .message_size_max = maxima[mode >> 2 & 3U],
                        .storage_stays = (mode & 2U) != 0};
  const Cuts cuts(input);
  const auto wire = input.rest();
  const Told reference = read_by_reference(setting.own_role, setting.message_size_max, wire);
  compare(read(setting, wire, Cuts::none()), reference, false);
  compare(read(setting, wire, Cuts::every_byte()), reference, true);
  compare(read(setting, wire, cuts), reference, false);
  return 0;
}
