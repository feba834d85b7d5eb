#include "conversation.h"

#include <algorithm>
#include <span>
#include <utility>

namespace ringdown::interop {

namespace {

constexpr std::size_t shown_size_max = 256;  // a longer text is told by its size and checksum

Conversation::Report description(const TlsFacts& tls) {
  if (!tls.secured) return nullptr;
  return {{"version", tls.tls13 ? "1.3" : "1.2"},
          {"notify_sent", tls.notify_sent},
          {"notify_received", tls.notify_received},
          {"truncated", tls.truncated},
          {"failure", name(tls.failure)}};
}

ConstBytes bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string_view text_of(ConstBytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

Conversation::Conversation(std::vector<Step> steps, Ended ended)
    : steps_(std::move(steps)), ended_(std::move(ended)) {
  report_ = {{"opened", false},
             {"failure", nullptr},
             {"subprotocol", ""},
             {"messages", Report::array()},
             {"pongs", Report::array()},
             {"close", nullptr},
             {"refused", Report::array()},
             {"failed", Report::array()},
             {"gave_up", false}};
}

AnswerClose Conversation::answer_close() const {
  const auto is_wait = [](const Step& step) { return step.verb == Verb::peer_close; };
  return std::any_of(steps_.begin(), steps_.end(), is_wait) ? AnswerClose::application
                                                            : AnswerClose::automatic;
}

void Conversation::give_up() {
  report_["gave_up"] = true;
  report_["step"] = next_step_;
  if (socket_ == nullptr || socket_->abort() != Start::io_pending) ended_(report_);
}

void Conversation::advance() {
  while (socket_ != nullptr && next_step_ < steps_.size() &&
         take(steps_[next_step_]) == Progress::done) {
    ++next_step_;
    next_fragment_ = 0;
  }
}

Conversation::Progress Conversation::take(const Step& step) {
  const auto wait_until = [](bool seen) { return seen ? Progress::done : Progress::waiting; };
  switch (step.verb) {
    case Verb::text: return after("text", socket_->send_text(step.text));
    case Verb::binary:
      if (borrowed_.empty() || borrowed_.back().size() != step.count) {
        borrowed_.push_back(pattern(step.count));
      }
      return after("binary", socket_->send(MessageKind::binary, bytes_of(borrowed_.back())));
    case Verb::split: {
      const std::string_view text = step.text;
      const std::size_t third = text.size() / 3;
      return take_fragments(
          {text.substr(0, third), text.substr(third, third), text.substr(2 * third)},
          MessageKind::text, true);
    }
    case Verb::fragments: {
      if (next_fragment_ == 0) borrowed_.push_back(pattern(step.count * step.size));
      const std::string_view bytes = borrowed_.back();
      std::vector<std::string_view> parts(step.count);
      for (std::size_t i = 0; i < step.count; ++i) {
        parts[i] = bytes.substr(i * step.size, step.size);
      }
      return take_fragments(parts, MessageKind::binary, false);
    }
    case Verb::ping: return after("ping", socket_->ping(bytes_of(step.text)));
    case Verb::messages: return wait_until(saw("messages", step.count));
    case Verb::pongs: return wait_until(saw("pongs", step.count));
    case Verb::peer_close: return wait_until(!report_["close"].is_null());
    case Verb::shutdown: return after("shutdown", socket_->shutdown(step.status, step.text));
    case Verb::close: return after("close", socket_->close(step.status, step.text));
    case Verb::abort: return after("abort", socket_->abort());
  }
  return Progress::done;
}

Conversation::Progress Conversation::take_fragments(const std::vector<std::string_view>& parts,
                                                    MessageKind kind, bool with_pings) {
  for (; next_fragment_ < parts.size(); ++next_fragment_) {
    const bool last = next_fragment_ + 1 == parts.size();
    const Start start = socket_->send_fragment(kind, bytes_of(parts[next_fragment_]), last);
    if (after("fragment", start) == Progress::waiting) return Progress::waiting;
    if (with_pings && !last) (void)after("ping", socket_->ping(bytes_of("between")));
  }
  return Progress::done;
}

Conversation::Progress Conversation::after(std::string_view call, Start start) {
  if (start == Start::busy) return Progress::waiting;  // on_writable follows
  if (start != Start::io_pending) {
    report_["refused"].push_back({{"call", call}, {"answer", name(start)}});
  }
  return Progress::done;
}

UpgradeAnswer Conversation::on_upgrade(const UpgradeView& request) {
  report_["extensions_offered"] = request.header("Sec-WebSocket-Extensions");
  UpgradeAnswer answer;
  for (std::size_t i = 0; i < request.subprotocol_count(); ++i) {
    if (request.subprotocol(i) == chosen_) answer.subprotocol = chosen_;
  }
  return answer;
}

void Conversation::on_open(WebSocket& socket) {
  socket_ = &socket;
  report_["opened"] = true;
  report_["subprotocol"] = socket.subprotocol();
  advance();
}

void Conversation::on_open_failed(WebSocket&, const OpenFailed& failed) {
  report_["failure"] = name(failed.failure);
  report_["http_status"] = failed.http_status;
  report_["error"] = failed.error.name();
  report_["tls_failure"] = name(failed.tls);
  ended_(report_);
}

void Conversation::on_message(WebSocket&, MessageKind kind, ConstBytes bytes) {
  const std::string_view message = text_of(bytes);
  Report seen{{"kind", kind == MessageKind::text ? "text" : "binary"},
              {"size", message.size()},
              {"crc32", crc32(message)}};
  if (kind == MessageKind::text && message.size() <= shown_size_max) seen["text"] = message;
  report_["messages"].push_back(std::move(seen));
  advance();
}

void Conversation::on_sent(WebSocket&, Sent sent) {
  if (sent.error) report_["failed"].push_back({{"call", "send"}, {"error", sent.error.name()}});
}

void Conversation::on_shutdown(WebSocket&, Sent sent) {
  if (sent.error) report_["failed"].push_back({{"call", "shutdown"}, {"error", sent.error.name()}});
}

void Conversation::on_close(WebSocket&, Sent sent) {
  if (sent.error) report_["failed"].push_back({{"call", "close"}, {"error", sent.error.name()}});
}

void Conversation::on_writable(WebSocket&) { advance(); }

void Conversation::on_peer_close(WebSocket&, const PeerClose& close) {
  report_["close"] = {{"status", static_cast<unsigned>(close.status)}, {"reason", close.reason}};
  advance();
}

void Conversation::on_pong(WebSocket&, ConstBytes payload) {
  report_["pongs"].push_back(text_of(payload));
  advance();
}

void Conversation::on_closed(WebSocket&, const Closed& closed) {
  socket_ = nullptr;
  report_["steps_left"] = steps_.size() - next_step_;
  report_["outcome"] = name(closed.outcome);
  report_["own_status"] = static_cast<unsigned>(closed.own_status);
  report_["peer_status"] = static_cast<unsigned>(closed.peer_status);
  report_["violation"] = name(closed.violation);
  report_["error"] = closed.error.name();
  report_["tls"] = description(closed.tls);
  ended_(report_);
}

}  // namespace ringdown::interop
