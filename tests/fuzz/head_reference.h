// The lines of a head, split without a thought, to judge the reading and writing of heads by.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ringdown::fuzz {

struct PlainField {
  std::string name;
  std::string value;
};

struct PlainHead {
  std::string start_line;
  std::vector<PlainField> fields;

  // `name` is of small letters.
  std::vector<std::string> values(std::string_view name) const {
    std::vector<std::string> found;
    for (const PlainField& field : fields) {
      std::string small = field.name;
      for (char& c : small) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      if (small == name) found.push_back(field.value);
    }
    return found;
  }
};

// Neither a CR nor an LF but in line ends, and no other control character but a tab.
inline bool is_only_lines(std::string_view head) {
  for (std::size_t i = 0; i < head.size(); ++i) {
    const auto c = static_cast<unsigned char>(head[i]);
    const bool after_cr = i > 0 && head[i - 1] == '\r';
    if ((c == '\n') != after_cr) return false;
    if ((c < ' ' && c != '\t' && c != '\r' && c != '\n') || c == 0x7F) return false;
  }
  return head.ends_with('\n');
}

inline std::string without_spaces_around(std::string text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// `head` ends with its first empty line.
inline PlainHead split_plainly(std::string_view head) {
  PlainHead plain;
  std::string line;
  bool first = true;
  for (const char c : head) {
    line += c;
    if (!line.ends_with("\r\n")) continue;
    line.resize(line.size() - 2);
    if (first) {
      plain.start_line = line;
    } else if (!line.empty()) {
      const auto colon = line.find(':');
      plain.fields.push_back(
          {line.substr(0, colon), without_spaces_around(line.substr(colon + 1))});
    }
    first = false;
    line.clear();
  }
  return plain;
}

}  // namespace ringdown::fuzz
