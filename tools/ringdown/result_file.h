// Where --json writes. Nobody wants to run for an hour and then have no result, nor to lose the
// last one to a run that never began.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "output.h"
#include "ringdown/operation.h"

namespace ringdown::program {

// A file of our own is written beside and then renamed: until the new one is whole there is the
// old one, or none. Written in place, and at the end: what is no regular file (a pipe,
// /dev/stdout), a file of somebody else's or with several names, and one whose directory takes no
// new files. "-" is standard output.
class ResultFile : Immovable {
 public:
  // An empty path: no result is asked for. Throws UsageError where it could not be written.
  explicit ResultFile(std::string path);
  ~ResultFile();

  // Standard output, or what is open as it, has the JSON and nothing else: words are for standard
  // error then.
  Output& words() const { return how_ == How::as_output ? standard_error() : standard_output(); }
  // True where none is wanted. False: it is not written, and standard error says why, in the name
  // of `command`.
  bool write(std::string_view command, const nlohmann::ordered_json& json);

 private:
  enum class How : std::uint8_t { not_at_all, renamed, in_place, as_output, as_error };

  void open();
  bool is_replaceable() const;
  // A new file in the target's directory, its name in `name`; -1 and errno.
  int open_beside(std::string& name) const;
  // The errno of what failed, or 0.
  int write_beside(const std::string& text);
  int write_in_place(const std::string& text);

  std::string path_;    // as given
  std::string target_;  // without symbolic links
  How how_ = How::not_at_all;
  int descriptor_ = -1;  // in_place
};

}  // namespace ringdown::program
