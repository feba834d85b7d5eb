// The options of `ringdown storm`: see the header.
#include "storm_command.h"

#include "arguments.h"
#include "command_option.h"
#include "push_command.h"

namespace ringdown::program {

namespace {

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

}  // namespace

CLI::App& add_storm(CLI::App& program, StormOptions& options) {
  CLI::App& command = *program.add_subcommand("storm", "closing handshakes at scale");
  command.footer(storm_examples);
  command.add_option(
      "URL", options.url,
      "ws:// or wss://HOST[:PORT][/PATH]; without it, a server of its own (push mode)");
  command
      .add_option_function<std::vector<std::string>>(
          "-H,--header",
          [&](const std::vector<std::string>& texts) {
            for (const std::string& text : texts) {
              options.headers.push_back(parse_header("-H", text));
            }
          },
          "of every request, such as 'Authorization: Bearer TOKEN'; once for each. No report "
          "shows its value; `ps` does while the storm runs")
      ->type_name("'NAME: VALUE'")
      ->allow_extra_args(false);
  add_storm_load(command, options);
  add_storm_close(command, options);
  add_storm_tls(command, options.tls);
  command
      .add_option(
          "--json", options.json_file,
          "writes the result there; -: alone on standard output, all else goes to standard error")
      ->type_name("FILE");
  command.add_flag("--quiet", options.quiet, "no progress");
  return command;
}

}  // namespace ringdown::program
