// Bytes without I/O: masking, frame headers, reading frames, UTF-8.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>

#include "protocol/frame.h"
#include "protocol/mask.h"
#include "protocol/message_reader.h"
#include "protocol/utf8.h"

namespace ringdown::protocol {
namespace {

constexpr MaskingKey key{std::byte{0x37}, std::byte{0xFA}, std::byte{0x21}, std::byte{0x3D}};
constexpr std::uint32_t message_size_max = 1U << 20;

std::size_t size_of(const benchmark::State& state) {
  return static_cast<std::size_t>(state.range(0));
}

void count_bytes(benchmark::State& state, std::size_t size) {
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(size));
}

// --- masking ---

void mask_in_place(benchmark::State& state) {
  std::vector<std::byte> bytes(size_of(state), std::byte{0x5A});
  for (auto _ : state) {
    mask(bytes, key);
    benchmark::ClobberMemory();
  }
  count_bytes(state, bytes.size());
}

void mask_while_copying(benchmark::State& state) {
  const std::vector<std::byte> in(size_of(state), std::byte{0x5A});
  std::vector<std::byte> out(in.size());
  for (auto _ : state) {
    mask_copy(out.data(), in, key);
    benchmark::ClobberMemory();
  }
  count_bytes(state, in.size());
}

// 125: the longest of the short form, and no multiple of a word.
BENCHMARK(mask_in_place)->Arg(16)->Arg(125)->Arg(4096)->Arg(65536);
BENCHMARK(mask_while_copying)->Arg(16)->Arg(125)->Arg(4096)->Arg(65536);

// --- frame headers ---

void encode_header(benchmark::State& state) {
  FrameHeader header{.opcode = Opcode::binary,
                     .fin = true,
                     .masked = state.range(1) != 0,
                     .key = key,
                     .payload_size = size_of(state)};
  std::array<std::byte, frame_header_size_max> out{};
  for (auto _ : state) {
    benchmark::DoNotOptimize(header);
    benchmark::DoNotOptimize(encode_frame_header(out.data(), header));
    benchmark::ClobberMemory();
  }
}

// One of each form of the length.
BENCHMARK(encode_header)->ArgsProduct({{64, 4096, 1 << 20}, {0, 1}})->ArgNames({"size", "masked"});

// --- reading frames ---

std::vector<std::byte> frame(Opcode opcode, std::span<const std::byte> payload, bool masked) {
  std::vector<std::byte> image(frame_header_size_max + payload.size());
  const std::size_t header_size =
      encode_frame_header(image.data(), {.opcode = opcode,
                                         .fin = true,
                                         .masked = masked,
                                         .key = key,
                                         .payload_size = payload.size()});
  std::byte* body = image.data() + header_size;
  if (masked) {
    mask_copy(body, payload, key);
  } else {
    std::copy(payload.begin(), payload.end(), body);
  }
  image.resize(header_size + payload.size());
  return image;
}

// Reads the image to its end; answers what was told first.
MessageReader::EventKind read_all(MessageReader& reader, std::span<std::byte> input) {
  const MessageReader::EventKind first = reader.next(input).kind;
  while (reader.next(input).kind != MessageReader::EventKind::need_input) {
  }
  return first;
}

// A masked frame is unmasked where it lies, so every other time its payload is another; being
// binary, that is the same to the reader.
void decode_message(benchmark::State& state) {
  const bool masked = state.range(1) != 0;
  const std::vector<std::byte> payload(size_of(state), std::byte{0x5A});
  std::vector<std::byte> image = frame(Opcode::binary, payload, masked);
  MessageReader reader(masked ? Role::server : Role::client, message_size_max);
  for (auto _ : state) {
    if (read_all(reader, image) != MessageReader::EventKind::data) {
      state.SkipWithError("no message was told");
    }
  }
  count_bytes(state, payload.size());
}
BENCHMARK(decode_message)->ArgsProduct({{64, 4096}, {0, 1}})->ArgNames({"size", "masked"});

// A client's, with a reason: a reader and a fresh copy of the frame each time.
void decode_close(benchmark::State& state) {
  std::array<std::byte, control_payload_size_max> payload{};
  const std::size_t size =
      encode_close_payload(payload.data(), CloseStatus::normal, "that was all");
  const std::vector<std::byte> image = frame(Opcode::close, std::span(payload).first(size), true);
  std::array<std::byte, close_frame_size_max> input{};
  for (auto _ : state) {
    std::copy(image.begin(), image.end(), input.begin());
    MessageReader reader(Role::server, message_size_max);
    if (read_all(reader, std::span(input).first(image.size())) != MessageReader::EventKind::close) {
      state.SkipWithError("no Close was told");
    }
  }
}
BENCHMARK(decode_close);

// --- UTF-8 ---

// As often as it fits as a whole, and then letters.
std::string repeated(std::string_view text, std::size_t size) {
  std::string whole;
  while (whole.size() + text.size() <= size) whole += text;
  whole.resize(size, 'x');
  return whole;
}

void validate(benchmark::State& state, std::string_view text) {
  const std::string whole = repeated(text, size_of(state));
  for (auto _ : state) {
    if (!is_valid_utf8(whole)) state.SkipWithError("valid text was refused");
  }
  count_bytes(state, whole.size());
}

// Characters of one to four bytes.
constexpr std::string_view mixed = "na\u00EFve \u03BA\u03CC\u03C3\u03BC\u03B5 \u6C34 \U0001F30A ";
BENCHMARK_CAPTURE(validate, ascii, "all of it ASCII ")->Arg(64)->Arg(4096);
BENCHMARK_CAPTURE(validate, mixed, mixed)->Arg(64)->Arg(4096);

}  // namespace
}  // namespace ringdown::protocol
