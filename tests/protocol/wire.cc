#include "wire.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace ringdown::protocol::testing {
namespace {

bool lies_in(std::span<const std::byte> part, std::span<const std::byte> whole) {
  return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

// One run of a reader, with the driver's part: inputs of their own memory, and storage only when
// asked for.
class Run {
 public:
  Run(Role own_role, std::uint32_t message_size_max) : reader_(own_role, message_size_max) {}

  void feed(std::span<const std::byte> bytes) {
    fed_ += bytes.size();
    // Memory of exactly that size: the sanitizer sees a step beyond it.
    Bytes input(bytes.begin(), bytes.end());
    std::span<std::byte> rest(input);
    for (;;) {
      const std::size_t before = rest.size();
      const auto event = reader_.next(rest);
      ASSERT_LE(rest.size(), before);
      if (event.kind == MessageReader::EventKind::need_input) break;
      if (event.kind == MessageReader::EventKind::need_control_storage) {
        ASSERT_FALSE(lent_) << "asked for twice";
        lent_ = trace_.storage_was_lent = true;
        reader_.lend_control_storage(&storage_);
        continue;
      }
      ASSERT_TRUE(event.bytes.empty() || lies_in(event.bytes, input) ||
                  lies_in(event.bytes, storage_.bytes));
      tell(event);
    }
    ASSERT_TRUE(rest.empty()) << "need_input with input left";
  }

  Trace finish() {
    EXPECT_EQ(reader_.take_back_control_storage() != nullptr, lent_);
    if (!message_.empty() && !invalid_utf8_) trace_.told.push_back("open " + message_);
    return trace_;
  }

 private:
  void tell(const MessageReader::Event& event) {
    switch (event.kind) {
      case MessageReader::EventKind::need_input:
      case MessageReader::EventKind::empty_fragment:
      case MessageReader::EventKind::need_control_storage: return;
      case MessageReader::EventKind::data: return tell_data(event);
      case MessageReader::EventKind::ping: return tell_control("ping:" + text_of(event.bytes));
      case MessageReader::EventKind::pong: return tell_control("pong:" + text_of(event.bytes));
      case MessageReader::EventKind::close:
        return tell_control("close " + std::to_string(static_cast<int>(event.close_status)) + ":" +
                            text_of(event.bytes));
      case MessageReader::EventKind::violation:
        // How much of a bad text was delivered before depends on the splits, and on nothing else.
        invalid_utf8_ = event.violation == Violation::invalid_utf8;
        trace_.violation_at = fed_;
        trace_.told.push_back("violation " + std::string(name(event.violation)));
    }
  }

  void tell_data(const MessageReader::Event& event) {
    EXPECT_TRUE(event.last || !event.bytes.empty()) << "an empty piece that is not the last";
    EXPECT_EQ(reader_.message_open(), !event.last);
    if (message_.empty()) {
      message_ = event.message_kind == MessageKind::text ? "text:" : "binary:";
    }
    message_ += text_of(event.bytes);
    if (!event.last) return;
    trace_.told.push_back(message_);
    message_.clear();
  }

  void tell_control(std::string told) {
    trace_.told.push_back(std::move(told));
    if (!lent_) return;
    EXPECT_EQ(reader_.take_back_control_storage(), &storage_);
    EXPECT_EQ(reader_.take_back_control_storage(), nullptr);
    lent_ = false;
  }

  MessageReader reader_;
  ControlStorage storage_;
  bool lent_ = false;
  bool invalid_utf8_ = false;
  std::size_t fed_ = 0;
  std::string message_;
  Trace trace_;
};

}  // namespace

Trace read(Role own_role, const Bytes& image, const std::vector<std::size_t>& sizes,
           std::uint32_t message_size_max) {
  Run run(own_role, message_size_max);
  std::size_t at = 0;
  for (std::size_t i = 0; at < image.size(); ++i) {
    const std::size_t size = std::min(sizes[std::min(i, sizes.size() - 1)], image.size() - at);
    run.feed(std::span(image).subspan(at, size));
    if (::testing::Test::HasFatalFailure()) break;
    at += size;
  }
  return run.finish();
}

Trace read_every_way(Role own_role, const Bytes& image, std::uint32_t message_size_max) {
  const Trace whole = read(own_role, image, {image.size()}, message_size_max);
  const Trace bytewise = read(own_role, image, {1}, message_size_max);
  EXPECT_EQ(whole.told, bytewise.told) << "byte by byte";
  constexpr std::size_t near_end = 600;
  for (std::size_t split = 1; split < image.size(); ++split) {
    if (split > near_end && split + near_end < image.size()) split = image.size() - near_end;
    const Trace in_two = read(own_role, image, {split, image.size()}, message_size_max);
    EXPECT_EQ(whole.told, in_two.told) << "split at " << split;
    if (::testing::Test::HasFailure()) break;
  }
  // The byte at which a violation shows is only seen byte by byte.
  return bytewise;
}

}  // namespace ringdown::protocol::testing
