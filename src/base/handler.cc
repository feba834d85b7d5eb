#include "base/handler.h"

#include <exception>
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

// It may be memory that is short: nothing is allocated.
void handler_threw(const char* handler) noexcept {
  const std::string_view name = leaving == nullptr ? std::string_view(handler) : name_in(leaving);
  constexpr std::string_view cure = ": handlers must not, catch it there";
  try {
    throw;
  } catch (const std::exception& thrown) {
    die({name, " threw an exception (", thrown.what(), ")", cure});
  } catch (...) {
    die({name, " threw something that is no std::exception", cure});
  }
}

}  // namespace ringdown
