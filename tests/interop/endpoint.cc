// One connection of ours for the interop tests: takes the given steps, in either role, and prints
// what it saw as a line of JSON.
//
//   endpoint dial [OPTION...] URL STEP...    --subprotocol=NAME (several)
//   endpoint serve [OPTION...] STEP...       --choose=NAME; prints `listening on ADDRESS`, and
//                                            serves one connection
//
// Both: --depth=tls, --depth=tcp. Over TLS: --tls=VERSION (1.2 or 1.3) with --ca=FILE of a client,
// with --certificate=FILE and --key=FILE of a server.
//
// The steps are those of step.h.
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conversation.h"
#include "ringdown/ringdown.h"

#ifdef RINGDOWN_ENDPOINT_HAS_TLS
#include "ringdown/tls.h"
#endif

namespace ringdown::interop {

namespace {

// The tests wait for longer, and then show what this one saw.
constexpr std::chrono::seconds patience{40};

struct Arguments {
  bool serves = false;
  DialRequest request;
  std::string chosen;
  std::string tls;
  std::string ca;
  std::string certificate;
  std::string key;
  std::vector<Step> steps;
};

// Null: not over TLS.
std::shared_ptr<SecureContext> make_context(const Arguments& arguments) {
  if (arguments.tls.empty()) return nullptr;
#ifdef RINGDOWN_ENDPOINT_HAS_TLS
  const TlsVersion version = arguments.tls == "1.2" ? TlsVersion::tls12 : TlsVersion::tls13;
  if (arguments.serves) {
    TlsServerOptions options;
    options.certificates = {{arguments.certificate, arguments.key}};
    options.version_min = options.version_max = version;
    return std::make_shared<TlsServerContext>(options);
  }
  TlsClientOptions options;
  options.system_roots = false;
  options.ca_file = arguments.ca;
  options.version_min = options.version_max = version;
  return std::make_shared<TlsClientContext>(options);
#else
  return nullptr;
#endif
}

bool read_option(std::string_view word, Arguments& arguments) {
  const auto equals = word.find('=');
  const std::string_view option = word.substr(0, equals);
  const std::string_view value = equals == std::string_view::npos ? "" : word.substr(equals + 1);
  HalfCloseDepth& depth = arguments.request.options.half_close_depth;
  if (word == "--depth=tls") return depth = HalfCloseDepth::tls, true;
  if (word == "--depth=tcp") return depth = HalfCloseDepth::tcp, true;
  if (option == "--message-max") {
    arguments.request.options.message_size_max =
        static_cast<std::uint32_t>(std::stoul(std::string(value)));
    return true;
  }
  if (option == "--subprotocol") {
    arguments.request.subprotocols.emplace_back(value);
    return true;
  }
  for (const auto& [name, text] : {std::pair("--choose", &arguments.chosen),
                                   {"--tls", &arguments.tls},
                                   {"--ca", &arguments.ca},
                                   {"--certificate", &arguments.certificate},
                                   {"--key", &arguments.key}}) {
    if (option != name) continue;
    *text = value;
    return true;
  }
  return false;
}

std::optional<Arguments> read_arguments(const std::vector<std::string_view>& words) {
  Arguments arguments;
  arguments.serves = !words.empty() && words[0] == "serve";
  if (!arguments.serves && (words.empty() || words[0] != "dial")) return std::nullopt;
  for (const std::string_view word : std::span(words).subspan(1)) {
    if (word.starts_with("--")) {
      if (!read_option(word, arguments)) return std::nullopt;
    } else if (!arguments.serves && arguments.request.url.empty()) {
      arguments.request.url = word;
    } else if (auto step = parse_step(word)) {
      arguments.steps.push_back(*std::move(step));
    } else {
      return std::nullopt;
    }
  }
  return arguments;
}

class Endpoint : Immovable {
 public:
  explicit Endpoint(const Arguments& arguments)
      : arguments_(arguments),
        context_(make_context(arguments)),
        conversation_(arguments.steps, [this](const auto& report) { on_ended(report); }) {
    arguments_.request.secure = context_.get();
    arguments_.request.options.answer_close = conversation_.answer_close();
    conversation_.choose_subprotocol(arguments.chosen);
    patience_.arm(reactor_, Clock::now() + patience);
  }

  // The exit status.
  int run() {
    if (!(arguments_.serves ? listen() : start_dialling())) return 2;
    reactor_.run();
    return gave_up_ ? 1 : 0;
  }

 private:
  bool start_dialling() {
    const DialResult dialled = dial(reactor_, conversation_, arguments_.request);
    if (dialled.start != Start::io_pending) std::fprintf(stderr, "%s\n", dialled.problem.c_str());
    return dialled.start == Start::io_pending;
  }

  bool listen() {
    ServerOptions options;
    options.websocket = arguments_.request.options;
    options.secure = context_.get();
    server_.emplace(reactor_, drained_, options);
    const auto listening = server_->listen(*SocketAddress::parse("127.0.0.1:0"));
    if (listening.error) return false;
    std::printf("listening on %s\n", listening.address.to_string().c_str());
    std::fflush(stdout);
    return true;
  }

  void on_ended(const Conversation::Report& report) {
    const auto replace = Conversation::Report::error_handler_t::replace;
    std::printf("%s\n", report.dump(-1, ' ', false, replace).c_str());
    std::fflush(stdout);
    patience_.cancel();
    if (!server_ || server_->drain({}) != Start::io_pending) reactor_.stop();
  }

  void on_patience_ended() {
    gave_up_ = true;
    conversation_.give_up();
  }

  // The server's own events; every connection is the conversation's.
  class Drained final : public ServerEvents {
   public:
    explicit Drained(Endpoint& endpoint) : endpoint_(endpoint) {}
    UpgradeAnswer on_upgrade(const UpgradeView& request) override {
      UpgradeAnswer answer = endpoint_.conversation_.on_upgrade(request);
      answer.events = &endpoint_.conversation_;
      return answer;
    }
    void on_drained() override { endpoint_.reactor_.stop(); }

   private:
    Endpoint& endpoint_;
  };

  Arguments arguments_;
  std::shared_ptr<SecureContext> context_;
  Reactor reactor_;
  Drained drained_{*this};
  Conversation conversation_;
  std::optional<Server> server_;
  Timer<&Endpoint::on_patience_ended> patience_{*this};
  bool gave_up_ = false;
};

}  // namespace

}  // namespace ringdown::interop

int main(int argument_count, char** arguments) {
  using namespace ringdown::interop;
  const auto read = read_arguments({arguments + 1, arguments + argument_count});
  if (!read) {
    std::fputs("endpoint dial [OPTION...] URL STEP... | endpoint serve [OPTION...] STEP...\n",
               stderr);
    return 2;
  }
  return Endpoint(*read).run();
}
