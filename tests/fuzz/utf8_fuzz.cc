// UTF-8 validation: whole, byte by byte and at chosen cuts it says what the reference says, at the
// same byte.
#include <string>

#include "fuzz_input.h"
#include "protocol/utf8.h"
#include "utf8_reference.h"

namespace ringdown::fuzz {
namespace {

void check(std::string_view text, Cuts cuts) {
  const Utf8Prefix reference = utf8_prefix(text);
  protocol::Utf8Validator validator;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = cuts.next(text.size() - at);
    const std::vector<char> piece(text.begin() + static_cast<std::ptrdiff_t>(at),
                                  text.begin() + static_cast<std::ptrdiff_t>(at + size));
    at += size;
    RINGDOWN_CHECK(validator.add(std::as_bytes(std::span(piece))) == (at <= reference.size));
  }
  RINGDOWN_CHECK(validator.complete() == reference.complete);
}

}  // namespace
}  // namespace ringdown::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ringdown;
  using namespace ringdown::fuzz;
  FuzzInput input(data, size);
  // ASCII is taken in blocks.
  std::string text(input.byte() % 70, 'a');
  Cuts cuts(input);
  text += text_of(input.rest());
  check(text, Cuts::none());
  check(text, Cuts::every_byte());
  check(text, cuts);
  RINGDOWN_CHECK(protocol::is_valid_utf8(text) == utf8_prefix(text).complete);
  return 0;
}
