#include "winhttp/field_list.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "protocol/http_head.h"

namespace ringdown::winhttp {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Empty: what is no field would end the head, or bring fields of its own (RFC 9110 5).
std::optional<Field> parse(std::string_view line) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  Field field{.name = std::string(line.substr(0, colon)),
              .value = std::string(trimmed(line.substr(colon + 1)))};
  if (!protocol::is_token(field.name) || !protocol::is_field_value(field.value)) {
    return std::nullopt;
  }
  return field;
}

}  // namespace

void FieldList::add(std::string_view name, std::string_view value) {
  fields_.push_back({std::string(name), std::string(value)});
}

void FieldList::set(std::string_view name, std::string_view value) {
  remove(name);
  add(name, value);
}

void FieldList::remove(std::string_view name) {
  std::erase_if(fields_,
                [name](const Field& f) { return protocol::equal_ignoring_case(f.name, name); });
}

const Field* FieldList::find(std::string_view name, std::size_t index) const noexcept {
  for (const Field& field : fields_) {
    if (protocol::equal_ignoring_case(field.name, name) && index-- == 0) return &field;
  }
  return nullptr;
}

Field* FieldList::find_first(std::string_view name) noexcept {
  return const_cast<Field*>(std::as_const(*this).find(name));
}

DWORD FieldList::change(std::string_view lines, DWORD modifiers) {
  FieldList changed = *this;
  while (!lines.empty()) {
    const auto end = lines.find('\n');
    std::string_view line = lines.substr(0, end);
    lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    const std::optional<Field> field = parse(line);
    if (!field) return ERROR_WINHTTP_INVALID_HEADER;
    if (const DWORD error = changed.change_one(*field, modifiers)) return error;
  }
  *this = std::move(changed);
  return ERROR_SUCCESS;
}

// MSDN, WinHttpAddRequestHeaders: what each of the modifiers does.
DWORD FieldList::change_one(const Field& field, DWORD modifiers) {
  Field* const found = find_first(field.name);
  if ((modifiers & WINHTTP_ADDREQ_FLAG_ADD_IF_NEW) != 0 && found != nullptr) {
    return ERROR_WINHTTP_HEADER_ALREADY_EXISTS;
  }
  if ((modifiers & WINHTTP_ADDREQ_FLAG_REPLACE) != 0) {
    if (found == nullptr && (modifiers & WINHTTP_ADDREQ_FLAG_ADD) == 0) {
      return ERROR_WINHTTP_HEADER_NOT_FOUND;
    }
    remove(field.name);
    if (!field.value.empty()) fields_.push_back(field);
    return ERROR_SUCCESS;
  }
  const bool comma = (modifiers & WINHTTP_ADDREQ_FLAG_COALESCE_WITH_COMMA) != 0;
  const bool semicolon = (modifiers & WINHTTP_ADDREQ_FLAG_COALESCE_WITH_SEMICOLON) != 0;
  if (found != nullptr && (comma || semicolon)) {
    found->value += (comma ? ", " : "; ") + field.value;
  } else {
    fields_.push_back(field);
  }
  return ERROR_SUCCESS;
}

}  // namespace ringdown::winhttp
