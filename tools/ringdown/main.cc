// The program `ringdown`: its commands, their options and their exit statuses.
//
// 0: as it should be; 1: something was lost or not clean; 2: usage or environment, with the cure in
// one line.
#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include <exception>
#include <sstream>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>

#include "arguments.h"
#include "command_option.h"
#include "doctor.h"
#include "output.h"
#include "ringdown/reactor.h"
#include "serve.h"
#include "storm.h"
#include "storm_command.h"

namespace ringdown::program {

namespace {

constexpr int exit_usage = 2;

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
  command
      .add_option(
          "--json", options.json_file,
          "writes the tally there; -: alone on standard output, all else goes to standard error")
      ->type_name("FILE");
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
  command
      .add_option(
          "--json", options.json_file,
          "writes the findings there; -: alone on standard output, all else goes to standard error")
      ->type_name("FILE");
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
    std::ostringstream text;
    const int status = program.exit(asked, text, text);
    const bool has_printed = print(std::move(text).str());
    finish_standard_error();
    return has_printed ? status : exit_usage;
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
    ringdown::program::report_error(error.what());
    return ringdown::program::exit_usage;
  }
}
