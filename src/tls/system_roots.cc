#include "tls/system_roots.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <sys/stat.h>

namespace ringdown {
namespace {

constexpr const char* system_bundle = "/etc/ssl/certs/ca-certificates.crt";

// Where the roots are. Empty: nowhere.
struct Places {
  std::string file = system_bundle;
  std::string directories;  // with ':' between them
  bool operator==(const Places&) const = default;
};

// Not where the program has more rights than who runs it (secure_getenv(3)).
Places places() {
  const auto named = [](const char* variable) -> std::string {
    const char* const value = ::secure_getenv(variable);
    return value == nullptr ? std::string() : value;
  };
  Places instead{.file = named("SSL_CERT_FILE"), .directories = named("SSL_CERT_DIR")};
  return instead == Places{.file = {}, .directories = {}} ? Places() : instead;
}

class Reader {
 public:
  explicit Reader(X509_STORE* store) noexcept : store_(store) {}
  bool any() const noexcept { return any_; }

  void read(const Places& from) {
    if (!from.file.empty()) read_bundle(from.file);
    std::string_view rest = from.directories;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(':'), rest.size());
      if (end != 0) read_directory(std::string(rest.substr(0, end)));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }

 private:
  void read_bundle(const std::string& path) try {
    if (is_new(path)) take(path);
  } catch (const SetupError& error) {
    if (error.error() == Error(ENOENT) || error.error() == Error(ENOTDIR)) return;
    throw SetupError(std::string("whom this system trusts: ") + error.what() +
                         (path == system_bundle ? " (the package ca-certificates makes it)"
                                                : " (SSL_CERT_FILE names it)"),
                     error.error());
  }

  // A directory holds other things too: what has no certificates in PEM is passed over.
  void read_directory(const std::string& path) {
    std::error_code none;
    std::filesystem::directory_iterator entries(path, none);
    for (; !none && entries != std::filesystem::directory_iterator(); entries.increment(none)) {
      const std::string file = entries->path().string();
      std::error_code unknown;
      if (!std::filesystem::is_regular_file(file, unknown) || !is_new(file)) continue;
      try {
        take(file);
      } catch (const SetupError&) {
        continue;
      }
    }
  }

  void take(const std::string& path) {
    const std::string pem = read_file(path);
    if (pem.empty()) return;
    trust(store_, pem, path);
    any_ = true;
  }

  // Directories have each file under several names.
  bool is_new(const std::string& path) {
    struct stat found;
    return ::stat(path.c_str(), &found) != 0 || seen_.emplace(found.st_dev, found.st_ino).second;
  }

  X509_STORE* store_;
  std::set<std::pair<dev_t, ino_t>> seen_;
  bool any_ = false;
};

}  // namespace

bool add_system_roots(X509_STORE* store) {
  Reader reader(store);
  reader.read(places());
  return reader.any();
}

SystemRoots shared_system_roots() {
  static std::mutex mutex;
  static Owned<X509_STORE> shared;
  static Places shared_from;
  const std::lock_guard lock(mutex);
  Places from = places();
  if (!shared || shared_from != from) {
    Owned<X509_STORE> store(X509_STORE_new());
    Reader reader(store.get());
    reader.read(from);
    // They may be installed while this process runs.
    if (!reader.any()) return {.store = std::move(store), .any = false};
    shared = std::move(store);
    shared_from = std::move(from);
  }
  X509_STORE_up_ref(shared.get());
  return {.store = Owned<X509_STORE>(shared.get()), .any = true};
}

}  // namespace ringdown
