// How the commands say their options to CLI11.
#pragma once

#include <chrono>
#include <string>

#include <CLI/CLI.hpp>

namespace ringdown::program {

// The least that a bound may be: with 0 as none, and without.
inline constexpr std::chrono::milliseconds none{0};
inline constexpr std::chrono::milliseconds shortest{1};

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

}  // namespace ringdown::program
