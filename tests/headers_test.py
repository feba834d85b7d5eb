"""What the compiler says to users of the installed headers: nothing where all is well, and in words
where it is not.

    headers_test.py INCLUDE_DIRECTORY

With each compiler that is here, as C++20.
"""

import shutil
import subprocess
import sys
import unittest

INCLUDE = sys.argv[1]
COMPILERS = [c for c in ("g++", shutil.which("clang++-19") or shutil.which("clang++")) if c]

# Each options struct with one member named, and each handler as it is to be.
GOOD = """
#include <ringdown/ringdown.h>
#include <ringdown/tls.h>

using namespace ringdown;

struct Client : WebSocketEvents {
  void handler() {}
  void quiet_handler() noexcept {}
  void on_sent_bytes(Error) {}
  void on_completed(const Completion&) {}
  Posted<&Client::handler> posted{*this};
  Posted<&Client::quiet_handler> posted_quietly{*this};
  Timer<&Client::handler> timer{*this};
  Timer<&Client::quiet_handler> quiet_timer{*this};
  AtTurnEnd<&Client::handler> task{*this};
  Send<&Client::on_sent_bytes> sending{*this};
  Op<&Client::on_completed> operation{*this};
};

void options(Reactor& reactor, Client& client, TcpListener& listener) {
  (void)dial(reactor, client, {.url = "ws://localhost/"});
  (void)dial(reactor, client,
             {.url = "ws://localhost/",
              .headers = {{.name = "Name"}},
              .options = {.open_timeout = std::chrono::seconds(1)}});
  (void)listener.listen(SocketAddress(), {.backlog = 1});
  const Reactor small({.receive_buffers = 8});
  const TlsClientContext secure({.ca_file = "file"});
  const TlsServerContext served({.certificates = {{.chain_file = "file"}}});
  const ServerOptions server{.backlog = 1};
  const DrainPlan drain{.per_second = 1};
  const UpgradeAnswer answer{.refuse_with = 403};
  const Linger linger{.bytes_max = 1};
  const Closed closed{.own_status = CloseStatus::normal};
  const OpenFailed failed{.http_status = 404};
  const Sent sent{.tag = 1};
  (void)server, (void)drain, (void)answer, (void)linger, (void)closed, (void)failed, (void)sent;
}

void callables(Reactor& reactor, Client& client, Server& server, Resolve& resolve) {
  reactor.post(client.posted);
  reactor.post([] {});
  server.for_each([](WebSocket&) {});
  (void)resolve.start(reactor, "localhost", 80, [](const Resolve::Result&) {});
}
"""

BAD = """
#include <ringdown/ringdown.h>

using namespace ringdown;

struct Client {
  int handler() { return 1; }
  Posted<&Client::handler> posted{*this};
  Timer<&Client::handler> timer{*this};
  AtTurnEnd<&Client::handler> task{*this};
  Send<&Client::handler> sending{*this};
  Op<&Client::handler> operation{*this};
};

void callables(Reactor& reactor, Server& server, Resolve& resolve) {
  reactor.post([](int) {});
  server.for_each([] {});
  (void)resolve.start(reactor, "localhost", 80, [](int) {});
}
"""
MESSAGES = (
    "Posted<&Owner::handler> calls void Owner::handler()",
    "Timer<&Owner::handler> calls void Owner::handler()",
    "AtTurnEnd<&Owner::handler> calls void Owner::handler()",
    "Send<&Owner::handler> calls void Owner::handler(Error)",
    "Op<&Owner::handler> calls void Owner::handler(const Completion&)",
    "Reactor::post takes what is called as work()",
    "Server::for_each takes what is called as visit(WebSocket&)",
    "Resolve::start takes what is called as handler(const Resolve::Result&)",
)

MOVE_ONLY = """
#include <ringdown/ringdown.h>

#include <memory>

using namespace ringdown;

void callables(Reactor& reactor, Server& server, Resolve& resolve) {
  reactor.post([p = std::make_unique<int>()] {});
  server.for_each([p = std::make_unique<int>()](WebSocket&) {});
  auto take = [p = std::make_unique<int>()](const Resolve::Result&) {};
  (void)resolve.start(reactor, "localhost", 80, std::move(take));
}
"""


def compile_text(compiler, text):
    strict = ["-Wall", "-Wextra", "-Wpedantic", "-Wmissing-field-initializers", "-Werror"]
    command = [compiler, "-std=c++20", *strict, f"-I{INCLUDE}", "-fsyntax-only", "-x", "c++", "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True)


class HeadersTest(unittest.TestCase):
    def test_naming_some_options_is_no_warning(self):
        for compiler in COMPILERS:
            with self.subTest(compiler=compiler):
                done = compile_text(compiler, GOOD)
                self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_handler_of_the_wrong_signature_is_told_the_right_one(self):
        for compiler in COMPILERS:
            with self.subTest(compiler=compiler):
                errors = compile_text(compiler, BAD).stderr
                for message in MESSAGES:
                    self.assertIn(message, errors)

    def test_a_callable_that_cannot_be_copied_is_told_so(self):
        for compiler in COMPILERS:
            with self.subTest(compiler=compiler):
                errors = compile_text(compiler, MOVE_ONLY).stderr
                for message in MESSAGES[-3:]:
                    self.assertIn(message, errors)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
