// Addresses to listen on: see the header.
#include "listen_address.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "arguments.h"

namespace ringdown::program {

namespace {

// bind(2) says the same of whatever is there.
std::string_view cure_in_use(const SocketAddress& address) noexcept {
  const auto* native = reinterpret_cast<const sockaddr_un*>(address.native());
  // unix(7): an abstract name begins with NUL, and is no file.
  if (native->sun_path[0] == '\0')
    return ": another program listens there: end it, or take another name";
  struct stat file {};
  if (::lstat(native->sun_path, &file) != 0) return "";
  switch (file.st_mode & S_IFMT) {
    case S_IFSOCK:
      return ": a program listens there, or one that was killed has left the file: remove it";
    case S_IFDIR: return ": it is a directory: add the name of a file in it";
    case S_IFLNK: return ": it is a symbolic link: take another path";
    case S_IFREG: return ": it is a file, and no socket: take another path";
    default: return ": it is no socket: take another path";
  }
}

}  // namespace

std::string_view cure(Error error, const SocketAddress& address) noexcept {
  switch (error.errno_value()) {
    case EADDRINUSE:
      if (address.family() == AF_UNIX) return cure_in_use(address);
      return ": another program listens there: end it, or take another port";
    case EADDRNOTAVAIL: return ": an address of this machine, or 0.0.0.0 or [::] for all of them";
    case EACCES: return ": not for this user: ports below 1024 are root's, or a directory's rights";
    case EMFILE: return ": no descriptor is left: raise RLIMIT_NOFILE (ulimit -n)";
    default: return "";
  }
}

void require_unused(const SocketAddress& address) {
  if (address.port() == 0) return;
  const int probe = ::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (probe < 0) return;  // listening says why
  // socket(7): without it what lingers of earlier connections is in the way.
  const int on = 1;
  ::setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const bool is_bound =
      ::bind(probe, address.native(), address.size()) == 0 && ::listen(probe, 1) == 0;
  const Error error(is_bound ? 0 : errno);
  ::close(probe);
  if (!error) return;
  const std::string text = address.to_string();
  throw UsageError("--listen: " + text + ": " + std::string(error.message()) +
                   std::string(cure(error, address)));
}

UnixName::UnixName(const SocketAddress& address) {
  if (address.family() != AF_UNIX) return;
  const auto* native = reinterpret_cast<const sockaddr_un*>(address.native());
  // unix(7): an abstract name begins with NUL, and is no file.
  struct stat file {};
  if (native->sun_path[0] == '\0' || ::lstat(native->sun_path, &file) != 0) return;
  path_ = native->sun_path;
  device_ = file.st_dev;
  file_ = file.st_ino;
}

void UnixName::remove() noexcept {
  const std::string path = std::exchange(path_, {});
  struct stat file {};
  if (path.empty() || ::lstat(path.c_str(), &file) != 0) return;
  if (file.st_dev == device_ && file.st_ino == file_) ::unlink(path.c_str());
}

}  // namespace ringdown::program
