// printf with Windows' meaning: `l` has 32 bits, and %s is wide in wide formats.
#pragma once

#include <cstdarg>
#include <cstdint>
#include <optional>
#include <string>

#include "ringdown/win32.h"

namespace ringdown::win32 {

// What a format prints, one after another.
class Arguments {
 public:
  virtual ~Arguments() = default;
  virtual std::uint64_t integer(bool is_64) = 0;
  virtual double real() = 0;
  virtual long double long_real() = 0;
};

// `Wide`: the program's wchar_t, of which a narrow format may print texts. Empty: the format is
// none.
template <class Unit, class Wide>
std::optional<std::basic_string<Unit>> format(const Unit* text, Arguments& arguments);

// One conversion, behind its %: moves `at` behind it, and appends what it prints. False: it is
// none.
template <class Unit, class Wide>
bool convert(const Unit*& at, Arguments& arguments, std::basic_string<Unit>& out);

class ListArguments final : public Arguments {
 public:
  explicit ListArguments(std::va_list list) { va_copy(list_, list); }
  ListArguments(const ListArguments&) = delete;
  ListArguments& operator=(const ListArguments&) = delete;
  ~ListArguments() override { va_end(list_); }
  std::uint64_t integer(bool is_64) override {
    return is_64 ? va_arg(list_, std::uint64_t) : va_arg(list_, std::uint32_t);
  }
  double real() override { return va_arg(list_, double); }
  long double long_real() override { return va_arg(list_, long double); }

 private:
  std::va_list list_;
};

}  // namespace ringdown::win32
