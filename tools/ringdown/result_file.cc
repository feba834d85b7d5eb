// Writes results: see the header.
#include "result_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <sstream>
#include <system_error>
#include <utility>

#include "arguments.h"
#include "output.h"
#include "report.h"
#include "ringdown/result.h"

namespace ringdown::program {

namespace {

std::string text_of(const nlohmann::ordered_json& json) {
  std::ostringstream text;
  write_json(text, json);
  return std::move(text).str();
}

// Of two that are the same file, one opened again would write over the other.
bool is_open_as(int descriptor, const struct stat& file) {
  struct stat opened {};
  return fstat(descriptor, &opened) == 0 && opened.st_dev == file.st_dev &&
         opened.st_ino == file.st_ino;
}

int write_to(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t size = ::write(descriptor, text.data(), text.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return size < 0 ? errno : EIO;
    text.remove_prefix(static_cast<std::size_t>(size));
  }
  return 0;
}

}  // namespace

ResultFile::ResultFile(std::string path) : path_(std::move(path)) {
  if (path_ == "-") {
    how_ = How::as_output;
  } else if (!path_.empty()) {
    open();
  }
}

ResultFile::~ResultFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void ResultFile::open() {
  const auto refuse = [&](const std::string& why) {
    throw UsageError("--json: " + path_ + " cannot be written: " + why);
  };
  const auto refuse_errno = [&] { refuse(std::string(Error(errno).message())); };
  struct stat file {};
  const bool exists = ::stat(path_.c_str(), &file) == 0;
  if (!exists && errno != ENOENT) refuse_errno();
  if (exists && S_ISDIR(file.st_mode)) refuse("it is a directory");
  if (exists && !S_ISCHR(file.st_mode)) {
    if (is_open_as(STDOUT_FILENO, file)) how_ = How::as_output;
    if (is_open_as(STDERR_FILENO, file)) how_ = How::as_error;
    if (how_ != How::not_at_all) return;
  }
  std::error_code ignored;
  const auto resolved = std::filesystem::weakly_canonical(path_, ignored);
  target_ = ignored ? path_ : resolved.string();
  const bool is_own = !exists || (S_ISREG(file.st_mode) && file.st_nlink == 1 &&
                                  file.st_uid == geteuid() && access(path_.c_str(), W_OK) == 0);
  if (is_own && is_replaceable()) {
    how_ = How::renamed;
    return;
  }
  if (!exists) refuse_errno();
  // A FIFO waits here for its reader (fifo(7)).
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY);
  if (descriptor_ < 0) refuse_errno();
  how_ = How::in_place;
}

int ResultFile::open_beside(std::string& name) const {
  const auto directory = std::filesystem::path(target_).parent_path();
  // Short, however long the target's name is. One is there where a run was killed as it wrote.
  constexpr int names_max = 100;
  for (int number = 0; number < names_max; ++number) {
    name =
        directory / (".ringdown-json-" + std::to_string(getpid()) + '-' + std::to_string(number));
    const int descriptor = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor >= 0 || errno != EEXIST) return descriptor;
  }
  return -1;
}

// Leaves errno as open(2) set it.
bool ResultFile::is_replaceable() const {
  std::string name;
  const int trial = open_beside(name);
  if (trial < 0) return false;
  ::close(trial);
  ::unlink(name.c_str());
  return true;
}

int ResultFile::write_beside(const std::string& text) {
  std::string name;
  const int descriptor = open_beside(name);
  if (descriptor < 0) return errno;
  struct stat old {};
  if (::stat(target_.c_str(), &old) == 0) (void)!::fchmod(descriptor, old.st_mode & 07777);
  int error = write_to(descriptor, text);
  if (::close(descriptor) != 0 && error == 0) error = errno;
  if (error == 0 && ::rename(name.c_str(), target_.c_str()) == 0) return 0;
  if (error == 0) {
    // EBUSY, of a mount point.
    error = errno;
    descriptor_ = ::open(target_.c_str(), O_WRONLY | O_CLOEXEC);
    if (descriptor_ >= 0) error = write_in_place(text);
  }
  ::unlink(name.c_str());
  return error;
}

int ResultFile::write_in_place(const std::string& text) {
  struct stat file {};
  const bool is_file = fstat(descriptor_, &file) == 0 && S_ISREG(file.st_mode);
  if (is_file) return ::ftruncate(descriptor_, 0) == 0 ? write_to(descriptor_, text) : errno;
  // Its reader may stand still, and the thread in the write then.
  Output output(descriptor_);
  output.put(text);
  const Error error = output.finish(report_patience);
  if (error == Error(ETIMEDOUT)) descriptor_ = -1;  // it is the thread's
  return error.errno_value();
}

bool ResultFile::write(std::string_view command, const nlohmann::ordered_json& json) {
  int error = 0;
  switch (how_) {
    case How::not_at_all: return true;
    case How::as_output: return print(text_of(json));
    case How::as_error: standard_error().put(text_of(json)); return true;
    case How::renamed: error = write_beside(text_of(json)); break;
    case How::in_place: error = write_in_place(text_of(json)); break;
  }
  if (error == 0) return true;
  standard_error().put("ringdown " + std::string(command) + ": --json: " + path_ +
                       ": writing failed: " + std::string(Error(error).message()) + '\n');
  return false;
}

}  // namespace ringdown::program
