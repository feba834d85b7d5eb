// The program `ringdown`: its commands, their options and their exit statuses.
//
// 0: as it should be; 1: something was lost or not clean; 2: usage or environment, with the cure in
// one line.
#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include <exception>
#include <string>

#include <CLI/CLI.hpp>

#include "arguments.h"
#include "doctor.h"
#include "output.h"
#include "ringdown/reactor.h"
#include "serve.h"
#include "storm.h"

namespace ringdown::program {

namespace {

constexpr int exit_usage = 2;
constexpr std::chrono::milliseconds none{0};
constexpr std::chrono::milliseconds shortest{1};

constexpr const char* storm_examples = R"(
Examples:
  ringdown storm
      10,000 connections to a server of its own, all half-closed, then three late messages on each
  ringdown storm --hold 5 --late-messages 3 --json out.json
      the same, held half-closed for five seconds
  ringdown storm --tls
      the same as the first over TLS, the server's self-signed certificate verified
  ringdown storm wss://localhost:9001/ --ca server.pem
      a server over TLS, trusted by the certificate that signed its own, or is it
  ringdown storm ws://127.0.0.1:9001/ --pattern client-first --connections 100 --handshakes 50000
      50,000 closing handshakes with any server, 100 at a time
  ringdown storm ws://127.0.0.1:9001/ --pattern client-first --rate 2000 --duration 30
      2,000 new connections a second for half a minute, however the server bears it
  ringdown storm --pattern mixed --seed 7
      all ways to end a connection, in equal parts; exit status 1, as two of them are not clean

  ringdown storm --tls --pattern tls-truncate
      FIN without close_notify behind both Close frames: clean, and the server counts each
  ringdown storm wss://localhost:9001/ --insecure --pattern tls-notify-only
      close_notify and no Close frame: exit status 1, as no such end is clean

The patterns tls-truncate and tls-notify-only need --tls or a wss:// URL.
Late messages, --hold, and the patterns server-first, simultaneous, never-answer and mixed need a
server in push mode: storm's own, or `ringdown serve --mode push`. With any other server half-close
sends its Close frame and waits for the answer. docs/storm.md explains each line of the report.

Exit status: 0 all clean, 1 something was lost or not clean, 2 usage or environment.
)";

constexpr const char* serve_examples = R"(
Examples:
  ringdown serve
      echoes messages on 127.0.0.1:9001
  ringdown serve --mode push --listen 127.0.0.1:0
      says which port it got, and does what `ringdown storm ws://127.0.0.1:PORT/` asks for
  ringdown serve --threads 4 --drain-timeout 30
      four threads share one port; SIGTERM gives its clients 30 seconds to finish
  ringdown serve --tls-cert server.pem --tls-key server.key
      wss://; `kill -HUP` after the files were renewed, and new connections get the new ones
  ringdown serve --tls-self-signed --tls-write-cert self-signed.pem
      wss:// for trying out; clients have to be told: ringdown storm wss://... --ca self-signed.pem

In push mode a client's text messages say how its connection is closed: push N [B], hold S, release,
close [CODE [REASON]], mute, reset. docs/storm.md explains them, and the JSON.

Exit status: 0 all that was open at SIGTERM was closed, 1 some of it was cut off, 2 usage or
environment. A second SIGTERM or SIGINT kills it at once: no figures, and who is left is cut off.
)";

constexpr const char* doctor_examples = R"(
Examples:
  ringdown doctor
      is this machine fit for 10,000 connections?
  ringdown doctor --connections 1000000 --json doctor.json
      and for a million?

Exit status: 0 all good, 1 something is wanting, 2 io_uring cannot be used here.
)";

// An option whose text `read` turns into a value; its refusal names the option.
template <class Read>
void add_option(CLI::App& command, const char* option, const char* value, const char* by_default,
                const char* meaning, Read read) {
  command
      .add_option_function<std::string>(
          option, [option, read](const std::string& text) { read(option, text); }, meaning)
      ->type_name(value)
      ->default_str(by_default);
}

void add_storm_load(CLI::App& command, StormOptions& options) {
  add_option(command, "--connections", "N", "10000", "open at once",
             [&](const char* option, const std::string& text) {
               options.connections = parse_count(option, text, 1, 10'000'000);
             });
  add_option(command, "--handshakes", "N", "as many as connections",
             "closing handshakes in all; each connection runs alone then",
             [&](const char* option, const std::string& text) {
               options.handshakes = parse_count(option, text, 1, 1'000'000'000'000);
             });
  add_option(command, "--duration", "S", "until all are done",
             "starts connections for so long; each runs alone then",
             [&](const char* option, const std::string& text) {
               options.duration = parse_seconds(option, text, shortest);
             });
  add_option(
      command, "--rate", "R", "as fast as they end",
      "open loop: starts R connections a second, whether or not earlier ones have ended, in "
      "all as many as --handshakes or --duration say. Never more than --connections at once: "
      "one that would be starts late, the report says by how much, and latencies count from "
      "the intended start",
      [&](const char* option, const std::string& text) {
        options.rate = parse_rate(option, text);
      });
  add_option(command, "--pattern", "P", "half-close",
             "half-close, client-first, server-first, simultaneous, never-answer, abort, mixed, "
             "tls-truncate or tls-notify-only; which need push mode or TLS: see below",
             [&](const char* option, const std::string& text) {
               options.pattern = parse_pattern(option, text);
             });
  add_option(command, "--seed", "N", "1", "of the order in which mixed takes the others",
             [&](const char* option, const std::string& text) {
               options.seed = parse_count(option, text, 0, UINT64_MAX);
             });
  add_option(
      command, "--hold", "S", "0",
      "seconds that all stay half-closed; with half-close and tls-truncate, in push mode, and "
      "with no --rate and no --duration",
      [&](const char* option, const std::string& text) {
        options.hold = parse_seconds(option, text, none);
      });
  add_option(command, "--late-messages", "M", "3 where the server can",
             "messages the server sends after our Close frame; needs push mode",
             [&](const char* option, const std::string& text) {
               options.late_messages =
                   static_cast<std::uint32_t>(parse_count(option, text, 0, push_count_max));
             });
  add_option(command, "--message-size", "B", "64", "bytes of each of them",
             [&](const char* option, const std::string& text) {
               options.message_size =
                   static_cast<std::uint32_t>(parse_bytes(option, text, 1, push_size_max));
             });
  add_option(command, "--threads", "T", "1", "client threads, and as many for the own server",
             [&](const char* option, const std::string& text) {
               options.threads = static_cast<unsigned>(parse_count(option, text, 1, 256));
             });
}

void add_storm_close(CLI::App& command, StormOptions& options) {
  add_option(command, "--half-close", "ws|tls|tcp", "ws",
             "ends with the Close frame, also with close_notify, or also with FIN right behind it",
             [&](const char* option, const std::string& text) {
               options.half_close_depth = parse_depth(option, text);
             });
  add_option(command, "--close-status", "C", "1000", "of our Close frames",
             [&](const char* option, const std::string& text) {
               options.close_status = parse_close_status(option, text);
             });
  add_option(command, "--close-reason", "TEXT", "", "of our Close frames, at most 123 bytes",
             [&](const char* option, const std::string& text) {
               options.close_reason = parse_close_reason(option, text);
             });
  add_option(command, "--close-timeout", "S", "10",
             "of the closing handshake; counts from the release of what is held",
             [&](const char* option, const std::string& text) {
               options.close_timeout = parse_seconds(option, text, shortest);
             });
  add_option(command, "--transport-wait", "S", "as --close-timeout",
             "for the server's FIN behind both Close frames; then FIN is ours, and as long again",
             [&](const char* option, const std::string& text) {
               options.transport_wait = parse_seconds(option, text, shortest);
             });
  command.add_flag("--strict-transport", options.strict_transport,
                   "exit status 1 where a clean connection's TCP ended with RST, or with our FIN "
                   "first");
  add_option(command, "--open-timeout", "S", "10", "of connecting and the upgrade",
             [&](const char* option, const std::string& text) {
               options.open_timeout = parse_seconds(option, text, shortest);
             });
  add_option(command, "--source-addresses", "A-B", "", "IPv4 addresses to connect from, in turn",
             [&](const char* option, const std::string& text) {
               options.source_addresses = parse_source_addresses(option, text);
             });
  add_option(command, "--path", "P", "", "of the URL, in its place",
             [&](const char* option, const std::string& text) {
               if (!text.starts_with('/')) {
                 throw UsageError(std::string(option) + ": begins with '/', not '" + text + "'");
               }
               options.path = text;
             });
}

void add_storm_tls(CLI::App& command, StormTls& tls) {
  command.add_flag("--tls", tls.own_server,
                   "the own server speaks TLS, with a certificate made on the spot, which is "
                   "verified");
  command
      .add_option("--ca", tls.ca_file,
                  "PEM of who signed the certificate of a wss:// server, trusted besides the "
                  "system's")
      ->type_name("FILE");
  command.add_flag("--insecure", tls.insecure, "wss:// without verifying who answers");
  command.add_flag_callback(
      "--no-resumption", [&tls] { tls.resume = false; },
      "a full TLS handshake for each connection, without tickets of earlier ones");
  add_option(command, "--tls-version", "1.2|1.3", "what both ends can", "only this one",
             [&](const char* option, const std::string& text) {
               tls.version = parse_tls_version(option, text);
             });
  command
      .add_option("--tls-cert", tls.certificate_file,
                  "PEM, shown to a wss:// server that asks for a client's certificate")
      ->type_name("FILE");
  command.add_option("--tls-key", tls.key_file, "its key, PEM")->type_name("FILE");
}

CLI::App& add_storm(CLI::App& program, StormOptions& options) {
  CLI::App& command = *program.add_subcommand("storm", "closing handshakes at scale");
  command.footer(storm_examples);
  command.add_option(
      "URL", options.url,
      "ws:// or wss://HOST[:PORT][/PATH]; without it, a server of its own (push mode)");
  add_storm_load(command, options);
  add_storm_close(command, options);
  add_storm_tls(command, options.tls);
  command.add_option("--json", options.json_file, "writes the result there")->type_name("FILE");
  command.add_flag("--quiet", options.quiet, "no progress");
  return command;
}

void add_serve_limits(CLI::App& command, ServeOptions& options) {
  add_option(command, "--max-connections", "N", "what memory allows",
             "at once, over all threads; 0: no bound",
             [&](const char* option, const std::string& text) {
               options.connections_max = parse_count(option, text, 0, 100'000'000);
             });
  add_option(command, "--max-message", "B", "16M", "bytes of the longest message",
             [&](const char* option, const std::string& text) {
               options.message_size_max =
                   static_cast<std::uint32_t>(parse_bytes(option, text, 1, 1U << 30));
             });
  const auto add_seconds = [&](const char* name, const char* by_default, const char* meaning,
                               std::chrono::milliseconds& value, std::chrono::milliseconds low) {
    add_option(command, name, "S", by_default, meaning,
               [&value, low](const char* option, const std::string& text) {
                 value = parse_seconds(option, text, low);
               });
  };
  add_seconds("--close-timeout", "10", "for a closing handshake", options.close_timeout, shortest);
  add_seconds("--handshake-timeout", "10", "for the opening", options.open_timeout, shortest);
  add_seconds("--idle-timeout", "0", "ends who sends no message for so long; 0: nobody",
              options.idle_timeout, none);
  add_seconds("--send-stall-timeout", "30", "ends who reads under 16 KiB/s for so long; 0: nobody",
              options.send_stall_timeout, none);
  add_seconds("--answer-delay", "0", "answers every Close so late", options.answer_delay, none);
  add_seconds("--hold-eof", "0", "goes on sending for so long to who sent FIN without Close",
              options.hold_eof, none);
  add_seconds("--drain-timeout", "10", "after SIGTERM, then cuts off what is left",
              options.drain_timeout, none);
}

void add_serve_tls(CLI::App& command, ServeTls& tls) {
  command
      .add_option("--tls-cert", tls.certificate_file,
                  "PEM of the certificate, then of its issuers: wss://; SIGHUP reads it again")
      ->type_name("FILE");
  command.add_option("--tls-key", tls.key_file, "its key, PEM, without a passphrase")
      ->type_name("FILE");
  command.add_flag("--tls-self-signed", tls.self_signed,
                   "wss:// with a certificate made on the spot, for localhost and the address of "
                   "--listen (0.0.0.0 and [::]: all that this machine has now)");
  command
      .add_option(
          "--tls-write-cert", tls.written_file,
          "writes over FILE the certificate of --tls-self-signed, which is another one each "
          "time and good for 30 days: clients' --ca")
      ->type_name("FILE");
  command
      .add_option(
          "--tls-client-ca", tls.client_ca_file,
          "PEM of the CA that signs clients' certificates; who shows none is refused; SIGHUP "
          "reads it again")
      ->type_name("FILE");
  add_option(command, "--tls-min-version", "1.2|1.3", "1.2", "refuses clients with less",
             [&](const char* option, const std::string& text) {
               tls.version_min = parse_tls_version(option, text);
             });
}

CLI::App& add_serve(CLI::App& program, ServeOptions& options) {
  CLI::App& command = *program.add_subcommand("serve", "a WebSocket server");
  command.footer(serve_examples);
  add_option(command, "--listen", "ADDR:PORT", "127.0.0.1:9001", "or unix:PATH",
             [&](const char* option, const std::string& text) {
               options.listen = parse_listen(option, text);
             });
  add_option(command, "--threads", "T", "1", "each with a reactor of its own",
             [&](const char* option, const std::string& text) {
               options.threads = static_cast<unsigned>(parse_count(option, text, 1, 256));
             });
  add_option(command, "--mode", "M", "echo",
             "echo, push (late messages and closes, as its clients ask: see below) or sink "
             "(throws messages away)",
             [&](const char* option, const std::string& text) {
               options.mode = parse_mode(option, text);
             });
  add_serve_limits(command, options);
  add_serve_tls(command, options.tls);
  command.add_option("--json", options.json_file, "writes the tally there")->type_name("FILE");
  command.add_flag("--quiet", options.quiet, "no progress");
  command.add_flag("--verbose", options.verbose,
                   "instead of progress, a line on stderr for each connection that is not opened: "
                   "who, and why");
  return command;
}

CLI::App& add_doctor(CLI::App& program, DoctorOptions& options) {
  CLI::App& command = *program.add_subcommand(
      "doctor", "what this kernel and this shell's limits allow, and what to change");
  command.footer(doctor_examples);
  add_option(command, "--connections", "N", "10000",
             "that the limits are held against, both ends on this machine",
             [&](const char* option, const std::string& text) {
               options.connections = parse_count(option, text, 1, 10'000'000);
             });
  command.add_option("--json", options.json_file, "writes the findings there")->type_name("FILE");
  return command;
}

int run(int argument_count, const char* const* arguments) {
  CLI::App program("ringdown: WebSocket connections that are closed well");
  program.set_version_flag("--version", RINGDOWN_VERSION);
  program.require_subcommand(0, 1);
  program.footer("\nringdown COMMAND --help says more.");
  StormOptions storm_options;
  ServeOptions serve_options;
  serve_options.listen = parse_listen("--listen", "127.0.0.1:9001");
  const CLI::App& storm = add_storm(program, storm_options);
  const CLI::App& serve = add_serve(program, serve_options);
  DoctorOptions doctor_options;
  const CLI::App& doctor = add_doctor(program, doctor_options);
  try {
    program.parse(argument_count, arguments);
  } catch (const CLI::Success& asked) {
    return program.exit(asked);
  } catch (const CLI::ParseError& error) {
    std::string what = error.what();
    if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
      // CLI11 names them last first.
      what = "not known: " + CLI::detail::join(program.remaining(true), " ");
    }
    throw UsageError(what + "; what is allowed: ringdown " +
                     (storm.parsed()    ? "storm "
                      : serve.parsed()  ? "serve "
                      : doctor.parsed() ? "doctor "
                                        : "") +
                     "--help");
  }
  if (storm.parsed()) return run_storm(storm_options);
  if (serve.parsed()) return run_serve(serve_options);
  if (doctor.parsed()) return run_doctor(doctor_options);
  throw UsageError("a command is missing: storm, serve or doctor; ringdown --help says more");
}

}  // namespace

// Where one of them is closed, a socket or an eventfd would be opened there, and printed into.
void occupy_standard_descriptors() {
  int descriptor = 0;
  do {
    descriptor = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  } while (descriptor >= 0 && descriptor <= STDERR_FILENO);
  ::close(descriptor);
}

}  // namespace ringdown::program

int main(int argument_count, char** arguments) {
  ringdown::program::occupy_standard_descriptors();
  // mallopt(3): else the threshold rises with each large message that is freed, up to 32 MiB, and
  // what is below it stays with us for good.
  ::mallopt(M_MMAP_THRESHOLD, 128 * 1024);
  try {
    return ringdown::program::run(argument_count, arguments);
  } catch (const std::exception& error) {
    // UsageError, SetupError, and what the standard library throws at set-up.
    ringdown::program::standard_error().put("ringdown: " + std::string(error.what()) + '\n');
    ringdown::program::finish_standard_error();
    return ringdown::program::exit_usage;
  }
}
