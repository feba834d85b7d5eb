#include "base/handler.h"

#include <exception>
#include <string>
#include <string_view>

#include "base/check.h"
#include "ringdown/operation.h"

namespace ringdown {
namespace {

// The innermost handler that an exception is leaving.
thread_local const char* leaving = nullptr;

// Of "... [with Owner = A; void (Owner::* Handler)() = &A::f]", or clang's, what is behind the last
// "= &".
std::string_view name_in(std::string_view function) {
  constexpr std::string_view is = "= &";
  if (const std::size_t begin = function.rfind(is); begin != function.npos) {
    function.remove_prefix(begin + is.size());
    return function.substr(0, function.find_first_of("];,"));
  }
  return function;
}

}  // namespace

void HandlerName::note(const char* function) noexcept {
  if (leaving == nullptr) leaving = function;
}

void handler_threw(const char* handler) noexcept {
  std::string message(leaving == nullptr ? std::string_view(handler) : name_in(leaving));
  try {
    throw;
  } catch (const std::exception& thrown) {
    message += " threw an exception (";
    message += thrown.what();
    message += ')';
  } catch (...) {
    message += " threw something that is no std::exception";
  }
  die(message + ": handlers must not, catch it there");
}

}  // namespace ringdown
