// FormatMessage: a message out of a table or the program's hands, with its inserts, in lines.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "win32/format.h"
#include "win32/messages.h"
#include "win32/modules.h"
#include "win32/unicode.h"

using namespace ringdown::win32;

namespace {

// The program's arguments by their number; a va_list is read as far as is asked for.
class Inserts {
 public:
  Inserts(DWORD flags, va_list* arguments) {
    if (arguments == nullptr) return;
    if ((flags & FORMAT_MESSAGE_ARGUMENT_ARRAY) != 0) {
      array_ = reinterpret_cast<const DWORD_PTR*>(arguments);
    } else {
      list_ = arguments;
    }
  }
  bool are_there() const { return array_ != nullptr || list_ != nullptr; }
  DWORD_PTR at(std::size_t index) {
    if (array_ != nullptr) return array_[index];
    while (read_.size() <= index) read_.push_back(va_arg(*list_, DWORD_PTR));
    return read_[index];
  }

 private:
  const DWORD_PTR* array_ = nullptr;
  va_list* list_ = nullptr;
  std::vector<DWORD_PTR> read_;
};

// Those from one number on, for one format.
class FromInsert final : public Arguments {
 public:
  FromInsert(Inserts& inserts, std::size_t index) : inserts_(inserts), index_(index) {}
  std::uint64_t integer(bool) override { return inserts_.at(index_++); }
  double real() override { return 0; }  // MSDN: there are no floating-point formats
  long double long_real() override { return 0; }

 private:
  Inserts& inserts_;
  std::size_t index_;
};

template <class Unit, class Wide>
class Message {
 public:
  using Text = std::basic_string<Unit>;

  Message(DWORD flags, va_list* arguments)
      : ignores_inserts_((flags & FORMAT_MESSAGE_IGNORE_INSERTS) != 0),
        width_(flags & FORMAT_MESSAGE_MAX_WIDTH_MASK),
        inserts_(flags, arguments) {}

  // False: an insert has no argument, or a format is none.
  bool take(const Unit* at) {
    while (*at != 0) {
      const Unit unit = *at++;
      if (unit == '%') {
        if (*at == '0') break;  // the message ends, without a line's end
        if (!escape(at)) return false;
      } else if (unit == '\r' || unit == '\n') {
        if (unit == '\r' && *at == '\n') ++at;
        width_ == 0 ? end_line() : add(' ');
      } else {
        add(unit);
      }
    }
    return true;
  }
  const Text& text() const { return text_; }

 private:
  bool escape(const Unit*& at) {
    const Unit unit = *at;
    if (unit == 0) return true;
    if (unit >= '1' && unit <= '9') return insert(at);
    ++at;
    switch (unit) {
      case 'n': end_line(); break;
      case 'r': text_ += static_cast<Unit>('\r'); break;
      case 't': add('\t'); break;
      default: add(unit);  // also %., %!, %%, and a space that is kept
    }
    return true;
  }

  // %1 to %99, and a format between two `!`.
  bool insert(const Unit*& at) {
    const Unit* const begin = at;
    std::size_t number = static_cast<std::size_t>(*at++ - '0');
    if (*at >= '0' && *at <= '9') number = number * 10 + static_cast<std::size_t>(*at++ - '0');
    if (ignores_inserts_) {
      add('%');
      std::for_each(begin, at, [this](Unit unit) { add(unit); });
      return true;
    }
    if (!inserts_.are_there()) return false;
    Text format{static_cast<Unit>('s')};
    if (*at == '!') {
      const Unit* const first = at + 1;
      const Unit* last = first;
      while (*last != 0 && *last != '!') ++last;
      if (*last == 0) return false;
      format.assign(first, last);
      at = last + 1;
    }
    Text inserted;
    FromInsert arguments(inserts_, number - 1);
    const Unit* how = format.c_str();
    if (!convert<Unit, Wide>(how, arguments, inserted) || *how != 0) return false;
    for (const Unit unit : inserted) add(unit);
    return true;
  }

  void end_line() {
    text_ += static_cast<Unit>('\r');
    text_ += static_cast<Unit>('\n');
    line_ = text_.size();
  }

  // A line that gets longer than the width is broken at its last space.
  void add(int unit) {
    text_ += static_cast<Unit>(unit);
    if (width_ == 0 || width_ == FORMAT_MESSAGE_MAX_WIDTH_MASK || text_.size() - line_ <= width_) {
      return;
    }
    const auto space = text_.find_last_of(static_cast<Unit>(' '));
    if (space == Text::npos || space < line_) return;
    const Text rest = text_.substr(space + 1);
    text_.resize(space);
    end_line();
    text_ += rest;
  }

  bool ignores_inserts_;
  DWORD width_;
  Inserts inserts_;
  Text text_;
  std::size_t line_ = 0;  // where the last line begins
};

// What the flags name; empty, and why.
template <class Unit>
std::basic_string<Unit> find(DWORD flags, const void* source, DWORD id, DWORD language,
                             DWORD& error) {
  constexpr DWORD sources =
      FORMAT_MESSAGE_FROM_STRING | FORMAT_MESSAGE_FROM_HMODULE | FORMAT_MESSAGE_FROM_SYSTEM;
  const bool from_string = (flags & FORMAT_MESSAGE_FROM_STRING) != 0;
  error = ERROR_INVALID_PARAMETER;
  if ((flags & sources) == 0 || (from_string && source == nullptr)) return {};
  error = ERROR_SUCCESS;
  if (from_string) return static_cast<const Unit*>(source);
  const WORD primary = PRIMARYLANGID(language);
  error = ERROR_RESOURCE_LANG_NOT_FOUND;
  if (primary != LANG_NEUTRAL && primary != LANG_ENGLISH) return {};
  std::string_view text;
  if ((flags & FORMAT_MESSAGE_FROM_HMODULE) != 0 &&
      module_of(const_cast<HMODULE>(source)) == Module::winhttp) {
    text = winhttp_message(id);
  }
  if (text.empty() && (flags & FORMAT_MESSAGE_FROM_SYSTEM) != 0) text = system_message(id);
  error = text.empty() ? ERROR_MR_MID_NOT_FOUND : ERROR_SUCCESS;
  return text.empty() ? std::basic_string<Unit>()
                      : recode<Unit>(std::string_view(std::string(text) + "\r\n"));
}

template <class Unit>
DWORD deliver(DWORD flags, const std::basic_string<Unit>& text, Unit* buffer, DWORD size) {
  if ((flags & FORMAT_MESSAGE_ALLOCATE_BUFFER) != 0) {
    const std::size_t units = std::max<std::size_t>(size, text.size() + 1);
    auto* const memory = static_cast<Unit*>(LocalAlloc(LMEM_FIXED, units * sizeof(Unit)));
    if (memory == nullptr) return ERROR_NOT_ENOUGH_MEMORY;
    *reinterpret_cast<Unit**>(buffer) = memory;
    buffer = memory;
  } else if (text.size() >= size) {
    return ERROR_INSUFFICIENT_BUFFER;
  }
  std::copy_n(text.c_str(), text.size() + 1, buffer);
  return ERROR_SUCCESS;
}

template <class Unit, class Wide>
DWORD format_message(DWORD flags, const void* source, DWORD id, DWORD language, Unit* buffer,
                     DWORD size, va_list* arguments) {
  DWORD error = ERROR_INVALID_PARAMETER;
  try {
    if (buffer != nullptr) {
      if ((flags & FORMAT_MESSAGE_ALLOCATE_BUFFER) != 0) {
        *reinterpret_cast<Unit**>(buffer) = nullptr;
      }
      const std::basic_string<Unit> text = find<Unit>(flags, source, id, language, error);
      Message<Unit, Wide> message(flags, arguments);
      if (error == ERROR_SUCCESS && !message.take(text.c_str())) error = ERROR_INVALID_PARAMETER;
      if (error == ERROR_SUCCESS) error = deliver(flags, message.text(), buffer, size);
      if (error == ERROR_SUCCESS) return static_cast<DWORD>(message.text().size());
    }
  } catch (const std::bad_alloc&) {
    error = ERROR_NOT_ENOUGH_MEMORY;
  }
  SetLastError(error);
  return 0;
}

}  // namespace

DWORD FormatMessageA(DWORD flags, LPCVOID source, DWORD id, DWORD language, LPSTR buffer,
                     DWORD size, va_list* arguments) {
  return format_message<char, wchar_t>(flags, source, id, language, buffer, size, arguments);
}

DWORD FormatMessageW(DWORD flags, LPCVOID source, DWORD id, DWORD language, LPWSTR buffer,
                     DWORD size, va_list* arguments) {
  return format_message<wchar_t, wchar_t>(flags, source, id, language, buffer, size, arguments);
}

// --- of programs built with -fshort-wchar ---

extern "C" {

RINGDOWN_C_API DWORD ringdown_FormatMessageA_utf16(DWORD flags, LPCVOID source, DWORD id,
                                                   DWORD language, LPSTR buffer, DWORD size,
                                                   va_list* arguments) {
  return format_message<char, char16_t>(flags, source, id, language, buffer, size, arguments);
}

RINGDOWN_C_API DWORD ringdown_FormatMessageW_utf16(DWORD flags, LPCVOID source, DWORD id,
                                                   DWORD language, char16_t* buffer, DWORD size,
                                                   va_list* arguments) {
  return format_message<char16_t, char16_t>(flags, source, id, language, buffer, size, arguments);
}

}  // extern "C"
