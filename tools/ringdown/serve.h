// `ringdown serve`: a WebSocket server in one of three modes.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "environment.h"
#include "secure_options.h"
#include "service_thread.h"

namespace ringdown::program {

struct ServeOptions {
  SocketAddress listen;
  unsigned threads = 1;
  ServeMode mode = ServeMode::echo;
  std::size_t connections_max = connections_by_memory;  // 0: no bound
  std::uint32_t message_size_max = 16U << 20;
  std::chrono::milliseconds close_timeout{10'000};
  std::chrono::milliseconds open_timeout{10'000};
  std::chrono::milliseconds idle_timeout{0};
  std::chrono::milliseconds send_stall_timeout{30'000};
  std::chrono::milliseconds answer_delay{0};
  std::chrono::milliseconds hold_eof{0};
  std::chrono::milliseconds drain_timeout{10'000};
  ServeTls tls;
  std::string json_file;
  bool quiet = false;
  bool verbose = false;  // a line for each connection that is not opened
};

std::string_view name(ServeMode mode) noexcept;
ServeMode parse_mode(std::string_view option, std::string_view text);
SocketAddress parse_listen(std::string_view option, std::string_view text);

// All threads' rings together, where they count against RLIMIT_MEMLOCK. Throws UsageError.
void check_locked_memory(const ServeOptions& options, const SystemLimits& limits);

// Until SIGTERM or SIGINT, then the drain. Returns the exit status: 1 when the drain had to abort
// connections. Throws UsageError and SetupError.
int run_serve(const ServeOptions& options);

}  // namespace ringdown::program
