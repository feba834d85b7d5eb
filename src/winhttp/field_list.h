// The header fields of a request, as WinHttpAddRequestHeaders changes them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ringdown/winhttp.h"

namespace ringdown::winhttp {

struct Field {
  std::string name;
  std::string value;
};

class FieldList {
 public:
  // Lines of "Name: value", separated by CRLF or LF, with WINHTTP_ADDREQ_FLAG_*. Answers an error,
  // or 0; then nothing was changed.
  DWORD change(std::string_view lines, DWORD modifiers);

  void add(std::string_view name, std::string_view value);
  void set(std::string_view name, std::string_view value);
  void remove(std::string_view name);
  const Field* find(std::string_view name, std::size_t index = 0) const noexcept;
  const std::vector<Field>& all() const noexcept { return fields_; }

 private:
  DWORD change_one(const Field& field, DWORD modifiers);
  Field* find_first(std::string_view name) noexcept;

  std::vector<Field> fields_;
};

}  // namespace ringdown::winhttp
