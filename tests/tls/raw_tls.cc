#include "raw_tls.h"

#include <array>
#include <span>

namespace ringdown {

RawTls::RawTls(void* context, const protocol::TlsSessionOptions& options)
    : session_(std::make_unique<protocol::TlsSession>(static_cast<ssl_ctx_st*>(context), chunks_,
                                                      options)) {
  go_on();
}

RawTls::~RawTls() { session_.reset(); }

void RawTls::go_on() {
  if (session_->step() != protocol::TlsStep::done) return;
  while (!unwritten_.empty()) {
    const std::size_t size = session_->write(std::as_bytes(std::span(unwritten_)));
    if (size == 0) break;
    unwritten_.erase(0, size);
    if (session_->output_size() >= protocol::TlsSession::write_output_max) break;
  }
  if (ends_ && unwritten_.empty()) session_->shutdown();
}

void RawTls::write(std::string_view plain) {
  unwritten_ += plain;
  go_on();
}

void RawTls::end() {
  ends_ = true;
  go_on();
}

std::string RawTls::take_output() {
  std::string all;
  for (;;) {
    std::array<std::span<const std::byte>, 1> front;
    if (session_->output(front) == 0) {
      go_on();
      if (session_->output(front) == 0) return all;
    }
    all.append(reinterpret_cast<const char*>(front[0].data()), front[0].size());
    session_->consume_output(front[0].size());
  }
}

std::string RawTls::read(std::string_view wire) {
  std::string plain;
  session_->feed(std::as_bytes(std::span(wire)));
  go_on();
  std::array<std::byte, 16384> part;
  for (;;) {
    const protocol::TlsRead read = session_->read(part);
    if (read.kind == protocol::TlsReadKind::end_of_data) ended_ = true;
    if (read.kind != protocol::TlsReadKind::data) break;
    plain.append(reinterpret_cast<const char*>(part.data()), read.size);
  }
  session_->take_back_input();
  return plain;
}

}  // namespace ringdown
