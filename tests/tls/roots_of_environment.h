// The environment's SSL_CERT_FILE and SSL_CERT_DIR, for a while.
#pragma once

#include <cstdlib>
#include <optional>
#include <string>

namespace ringdown {

class RootsOfEnvironment {
 public:
  // Without a value: not set.
  explicit RootsOfEnvironment(std::optional<std::string> file,
                              std::optional<std::string> directories = {}) {
    set("SSL_CERT_FILE", file);
    set("SSL_CERT_DIR", directories);
  }
  RootsOfEnvironment(const RootsOfEnvironment&) = delete;
  RootsOfEnvironment& operator=(const RootsOfEnvironment&) = delete;
  ~RootsOfEnvironment() {
    set("SSL_CERT_FILE", file_before_);
    set("SSL_CERT_DIR", directories_before_);
  }

 private:
  static std::optional<std::string> value_of(const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  }
  static void set(const char* name, const std::optional<std::string>& value) {
    if (value) {
      ::setenv(name, value->c_str(), 1);
    } else {
      ::unsetenv(name);
    }
  }

  const std::optional<std::string> file_before_ = value_of("SSL_CERT_FILE");
  const std::optional<std::string> directories_before_ = value_of("SSL_CERT_DIR");
};

}  // namespace ringdown
