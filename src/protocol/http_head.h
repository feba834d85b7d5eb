// The head of an HTTP/1.1 message (RFC 9112 2 to 5): where it ends, and its fields. Strict and
// bounded.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace ringdown::protocol {

// How much of a head is looked at.
struct HeadLimits {
  std::uint32_t size_max = 32U << 10;  // with the empty line
  std::uint32_t fields_max = 100;
};
// Of a head that was found within its limits before.
inline constexpr HeadLimits no_head_limits{.size_max = ~0U, .fields_max = ~0U};

struct HeaderField {
  std::string_view name;
  std::string_view value;  // without the white space around it
};

// ASCII letters match in either case (RFC 9110 5.1).
bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;
// RFC 9110 5.6.2: one or more of its tchar.
bool is_token(std::string_view text) noexcept;
// RFC 9110 5.5: visible, space, tab, or beyond ASCII; neither CR, LF, NUL nor another control
// character.
bool is_field_value(std::string_view text) noexcept;

// The elements of a comma-separated list, empty ones left out (RFC 9110 5.6.1.2).
class ListElements {
 public:
  explicit ListElements(std::string_view list) noexcept : rest_(list) {}
  // Empty at the end.
  std::string_view next() noexcept;

 private:
  std::string_view rest_;
};

// The fields of a head, as views into it, in its order.
class HeadFields {
 public:
  std::span<const HeaderField> all() const noexcept {
    return all_.empty() ? std::span(fields_).first(size_) : std::span(all_);
  }
  // The value of the first field of that name; null if there is none.
  const std::string_view* find(std::string_view name) const noexcept;
  std::size_t count(std::string_view name) const noexcept;
  // Whether a list over all fields of that name has `token`, in any case (RFC 9110 5.3).
  bool has_token(std::string_view name, std::string_view token) const noexcept;

  void clear() noexcept;
  // False: there is no memory for it, which more than the usual limit of fields may need.
  bool add(HeaderField field) noexcept;

 private:
  std::array<HeaderField, HeadLimits().fields_max> fields_;
  std::size_t size_ = 0;
  std::vector<HeaderField> all_;  // where they are more
};

// Finds the end of a head that comes in pieces, and refuses what cannot become one at the first
// byte that shows it.
class HeadScanner {
 public:
  enum class Kind : std::uint8_t { request, response };
  enum class Verdict : std::uint8_t {
    incomplete,
    complete,   // size() tells where
    malformed,  // also: a bare LF, a folded line (RFC 9112 5.2), white space before a colon (5.1)
    too_large,  // over HeadLimits::size_max
    too_many_fields,  // over HeadLimits::fields_max
  };

  explicit HeadScanner(Kind kind, HeadLimits limits = {}) noexcept : limits_(limits), kind_(kind) {}

  // `received` is everything since the beginning of the head; what was scanned before is not looked
  // at again. Any answer but `incomplete` is the last.
  Verdict scan(std::string_view received) noexcept;
  // As it was made: for the head that follows.
  void restart() noexcept { *this = HeadScanner(kind_, limits_); }
  // Of the head, with the empty line. What follows is not part of it.
  std::size_t size() const noexcept { return scanned_; }

 private:
  enum class State : std::uint8_t {
    start_line,
    line_end,  // the LF after the CR of a line
    name_first,
    name,
    value,
    head_end,  // the LF after the CR of the empty line
  };

  enum class Part : std::uint8_t { method, target, version };  // of the start line of a request

  Verdict step(char c) noexcept;
  bool start_line_may_go_on(char c) noexcept;
  bool start_line_may_end() const noexcept;

  HeadLimits limits_;
  std::uint32_t scanned_ = 0;
  std::uint32_t part_begin_ = 0;
  std::uint32_t fields_ = 0;
  Kind kind_;
  State state_ = State::start_line;
  Part part_ = Part::method;
  Verdict verdict_ = Verdict::incomplete;
};

// Splits a head that a HeadScanner found complete: the start line, and the fields. Also scans it
// again, so that no head can get here unchecked; anything else than `complete` leaves the outputs
// undefined.
HeadScanner::Verdict split_head(std::string_view head, HeadScanner::Kind kind,
                                std::string_view& start_line, HeadFields& fields,
                                HeadLimits limits = {}) noexcept;

}  // namespace ringdown::protocol
