#include "win32/format.h"

#include <algorithm>
#include <climits>
#include <cstdint>
#include <cstdio>
#include <string_view>
#include <type_traits>
#include <vector>

#include "win32/unicode.h"

namespace ringdown::win32 {
namespace {

enum class Size : std::uint8_t { plain, byte, half, four, eight, wide, long_real };

struct Spec {
  bool minus = false, plus = false, space = false, alternate = false, zero = false;
  int width = 0;
  int precision = -1;
  Size size = Size::plain;
  char type = 0;
};

// A number or a star.
template <class Unit>
int read_number(const Unit*& at, Arguments& arguments) {
  if (*at == '*') {
    ++at;
    // Text of that many characters would take minutes, and fits no buffer.
    constexpr std::int64_t most = 1 << 20;
    return static_cast<int>(
        std::clamp<std::int64_t>(static_cast<int>(arguments.integer(false)), -most, most));
  }
  int number = 0;
  for (; *at >= '0' && *at <= '9'; ++at) {
    if (number > INT_MAX / 100) return number;
    number = number * 10 + static_cast<int>(*at - '0');
  }
  return number;
}

template <class Unit>
bool skip(const Unit*& at, std::string_view what) {
  for (std::size_t i = 0; i < what.size(); ++i) {
    if (at[i] != static_cast<Unit>(what[i])) return false;
  }
  at += what.size();
  return true;
}

template <class Unit>
Size read_size(const Unit*& at) {
  if (skip(at, "I64") || skip(at, "ll") || skip(at, "j") || skip(at, "z") || skip(at, "t")) {
    return Size::eight;
  }
  if (skip(at, "I32")) return Size::four;
  if (skip(at, "I")) return Size::eight;
  if (skip(at, "hh")) return Size::byte;
  if (skip(at, "h")) return Size::half;
  if (skip(at, "l")) return Size::four;  // LONG; before a text: wide
  if (skip(at, "w")) return Size::wide;
  return skip(at, "L") ? Size::long_real : Size::plain;
}

template <class Unit>
Spec read_spec(const Unit*& at, Arguments& arguments) {
  Spec spec;
  for (bool more = true; more;) {
    switch (*at) {
      case '-': spec.minus = true; break;
      case '+': spec.plus = true; break;
      case ' ': spec.space = true; break;
      case '#': spec.alternate = true; break;
      case '0': spec.zero = true; break;
      default: more = false; continue;
    }
    ++at;
  }
  spec.width = read_number(at, arguments);
  if (spec.width < 0) {
    spec.minus = true;
    spec.width = spec.width == INT_MIN ? 0 : -spec.width;
  }
  if (*at == '.') {
    ++at;
    spec.precision = read_number(at, arguments);
  }
  spec.size = read_size(at);
  spec.type = *at > 0 && *at < 0x7F ? static_cast<char>(*at) : '\0';
  if (spec.type != '\0') ++at;
  return spec;
}

// As the C library spells it, of a number.
std::string spell(const Spec& spec, std::string_view size) {
  std::string text = "%";
  if (spec.minus) text += '-';
  if (spec.plus) text += '+';
  if (spec.space) text += ' ';
  if (spec.alternate) text += '#';
  if (spec.zero) text += '0';
  text += "*.*";
  return (text += size) += spec.type;
}

template <class Unit, class Number>
void append_number(const Spec& spec, std::string_view size, Number number,
                   std::basic_string<Unit>& out) {
  const std::string how = spell(spec, size);
  std::vector<char> text(64);
  for (int pass = 0; pass < 2; ++pass) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    const int length =
        std::snprintf(text.data(), text.size(), how.c_str(), spec.width, spec.precision, number);
#pragma GCC diagnostic pop
    if (length < 0) return;
    const auto needed = static_cast<std::size_t>(length);
    if (needed < text.size()) {
      out.append(text.begin(), text.begin() + length);
      return;
    }
    text.resize(needed + 1);
  }
}

template <class Unit>
void append_text(const Spec& spec, std::basic_string<Unit> text, std::basic_string<Unit>& out) {
  const auto width = static_cast<std::size_t>(spec.width);
  const std::size_t pad = width > text.size() ? width - text.size() : 0;
  if (!spec.minus) out.append(pad, static_cast<Unit>(spec.zero ? '0' : ' '));
  out += text;
  if (spec.minus) out.append(pad, static_cast<Unit>(' '));
}

template <class Unit, class From>
void append_string(const Spec& spec, std::uint64_t argument, std::basic_string<Unit>& out) {
  const From* const text = reinterpret_cast<const From*>(static_cast<std::uintptr_t>(argument));
  if (text == nullptr) {
    constexpr std::string_view null = "(null)";
    return append_text(spec, recode<Unit>(null), out);
  }
  std::size_t length = 0;
  const auto most = spec.precision < 0 ? SIZE_MAX : static_cast<std::size_t>(spec.precision);
  while (length < most && text[length] != 0) ++length;
  append_text(spec, recode<Unit>(std::basic_string_view<From>(text, length)), out);
}

template <class Unit, class From>
void append_character(const Spec& spec, std::uint64_t argument, std::basic_string<Unit>& out) {
  const auto character = static_cast<From>(argument);
  append_text(spec, recode<Unit>(std::basic_string_view<From>(&character, 1)), out);
}

template <class Unit>
void append_integer(Spec spec, std::uint64_t argument, std::basic_string<Unit>& out) {
  const bool is_signed = spec.type == 'd' || spec.type == 'i';
  switch (spec.size) {
    case Size::eight: break;
    case Size::byte:
      argument = is_signed ? static_cast<std::uint64_t>(static_cast<std::int8_t>(argument))
                           : static_cast<std::uint8_t>(argument);
      break;
    case Size::half:
      argument = is_signed ? static_cast<std::uint64_t>(static_cast<std::int16_t>(argument))
                           : static_cast<std::uint16_t>(argument);
      break;
    default:
      argument = is_signed ? static_cast<std::uint64_t>(static_cast<std::int32_t>(argument))
                           : static_cast<std::uint32_t>(argument);
  }
  if (is_signed) return append_number(spec, "ll", static_cast<long long>(argument), out);
  append_number(spec, "ll", static_cast<unsigned long long>(argument), out);
}

}  // namespace

template <class Unit, class Wide>
bool convert(const Unit*& at, Arguments& arguments, std::basic_string<Unit>& out) {
  Spec spec = read_spec(at, arguments);
  switch (spec.type) {
    case '%': out += static_cast<Unit>('%'); return true;
    case 'd':
    case 'i':
    case 'o':
    case 'u':
    case 'x':
    case 'X': append_integer(spec, arguments.integer(spec.size == Size::eight), out); return true;
    case 'p':
      spec.type = 'X';
      spec.precision = 16;
      append_number(spec, "ll", static_cast<unsigned long long>(arguments.integer(true)), out);
      return true;
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G':
    case 'a':
    case 'A':
      if (spec.size == Size::long_real) {
        append_number(spec, "L", arguments.long_real(), out);
      } else {
        append_number(spec, "", arguments.real(), out);
      }
      return true;
    case 's':
    case 'S':
    case 'c':
    case 'C': break;
    default: return false;
  }
  const bool is_capital = spec.type == 'S' || spec.type == 'C';
  bool is_wide = !std::is_same_v<Unit, char> != is_capital;
  if (spec.size == Size::half) is_wide = false;
  if (spec.size == Size::four || spec.size == Size::wide) is_wide = true;
  if (spec.type == 's' || spec.type == 'S') {
    const std::uint64_t argument = arguments.integer(true);
    is_wide ? append_string<Unit, Wide>(spec, argument, out)
            : append_string<Unit, char>(spec, argument, out);
  } else {
    const std::uint64_t argument = arguments.integer(false);
    is_wide ? append_character<Unit, Wide>(spec, argument, out)
            : append_character<Unit, char>(spec, argument, out);
  }
  return true;
}

template <class Unit, class Wide>
std::optional<std::basic_string<Unit>> format(const Unit* text, Arguments& arguments) {
  std::basic_string<Unit> out;
  for (const Unit* at = text; *at != 0;) {
    const Unit unit = *at++;
    if (unit != '%') {
      out += unit;
    } else if (!convert<Unit, Wide>(at, arguments, out)) {
      return std::nullopt;
    }
  }
  return out;
}

template bool convert<char, wchar_t>(const char*&, Arguments&, std::string&);
template bool convert<char, char16_t>(const char*&, Arguments&, std::string&);
template bool convert<wchar_t, wchar_t>(const wchar_t*&, Arguments&, std::wstring&);
template bool convert<char16_t, char16_t>(const char16_t*&, Arguments&, std::u16string&);
template std::optional<std::string> format<char, wchar_t>(const char*, Arguments&);
template std::optional<std::string> format<char, char16_t>(const char*, Arguments&);
template std::optional<std::wstring> format<wchar_t, wchar_t>(const wchar_t*, Arguments&);
template std::optional<std::u16string> format<char16_t, char16_t>(const char16_t*, Arguments&);

}  // namespace ringdown::win32
