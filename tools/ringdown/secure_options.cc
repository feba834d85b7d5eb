// Makes contexts: see the header.
#include "secure_options.h"

#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "arguments.h"

namespace ringdown::program {

TlsVersion parse_tls_version(std::string_view option, std::string_view text) {
  if (text == "1.2") return TlsVersion::tls12;
  if (text == "1.3") return TlsVersion::tls13;
  throw UsageError(std::string(option) + ": 1.2 or 1.3, not '" + std::string(text) + "'");
}

#ifdef RINGDOWN_PROGRAM_HAS_TLS

namespace {

void check(const ServeTls& tls) {
  if (tls.certificate_file.empty() != tls.key_file.empty()) {
    throw UsageError("--tls-cert and --tls-key: both, or neither");
  }
  if (tls.self_signed && !tls.certificate_file.empty()) {
    throw UsageError("--tls-self-signed: not with --tls-cert, which has a certificate already");
  }
  if (!tls.self_signed && tls.written_file) {
    throw UsageError("--tls-write-cert: only with --tls-self-signed, whose certificate it writes");
  }
  if (tls.written_file && tls.written_file->empty()) {
    throw UsageError("--tls-write-cert: the name of a file, not ''");
  }
  if (tls.has_certificate()) return;
  const char* const alone = !tls.client_ca_file.empty() ? "--tls-client-ca"
                            : tls.version_min           ? "--tls-min-version"
                                                        : nullptr;
  if (alone != nullptr) {
    throw UsageError(
        std::string(alone) +
        ": this server has no TLS: add --tls-cert and --tls-key, or --tls-self-signed");
  }
}

std::string host_of(const SocketAddress& address) {
  const std::string text = address.to_string();
  const std::string host = text.substr(0, text.rfind(':'));
  return host.starts_with('[') ? host.substr(1, host.size() - 2) : host;
}

// Addresses with a zone (fe80::1%eth0) are left out: a certificate cannot have one.
std::vector<std::string> addresses_of_this_machine() {
  std::vector<std::string> hosts;
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return hosts;
  for (const ifaddrs* entry = first; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr) continue;
    const int family = entry->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    const socklen_t size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    const std::string host = host_of(SocketAddress::from_native(entry->ifa_addr, size));
    if (!host.contains('%')) hosts.push_back(host);
  }
  ::freeifaddrs(first);
  return hosts;
}

// What clients may call a server that listens on `address`.
std::vector<std::string> names_for(const SocketAddress& address) {
  std::vector<std::string> names{"localhost", "127.0.0.1", "::1"};
  if (address.family() == AF_UNIX) return names;
  const std::string host = host_of(address);
  const bool every = host == "0.0.0.0" || host == "::";
  for (const std::string& more : every ? addresses_of_this_machine() : std::vector{host}) {
    if (std::ranges::find(names, more) == names.end()) names.push_back(more);
  }
  return names;
}

// Whatever is there and is no certificate, a key or a device, was not meant.
void refuse_to_replace(const std::string& path) {
  std::error_code none;
  const char* what = ": no ordinary file";
  if (std::filesystem::is_regular_file(path, none)) {
    std::ifstream file(path);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const bool is_certificate = text.starts_with("-----BEGIN CERTIFICATE-----") &&
                                text.find("PRIVATE KEY") == std::string::npos;
    if (text.empty() || is_certificate) return;
    what = ": it has something else in it than a certificate";
  }
  throw UsageError("--tls-write-cert: " + path + what + ", and is left as it is: name another");
}

TlsClientOptions client_options(const StormTls& tls) {
  TlsClientOptions options;
  if (tls.version) options.version_min = options.version_max = *tls.version;
  options.resume_sessions = tls.resume;
  return options;
}

}  // namespace

bool has_tls() noexcept { return true; }

std::shared_ptr<SecureContext> secure_context(const ServeTls& tls, const SocketAddress& address) {
  check(tls);
  if (!tls.has_certificate()) return nullptr;
  TlsServerOptions options;
  if (tls.self_signed) {
    options.self_signed_for = names_for(address);
  } else {
    options.certificates = {{tls.certificate_file, tls.key_file}};
  }
  if (tls.version_min) options.version_min = *tls.version_min;
  if (!tls.client_ca_file.empty()) {
    options.client_ca_file = tls.client_ca_file;
    options.client_certificates = TlsClientCertificates::required;
  }
  return std::make_shared<TlsServerContext>(options);
}

std::shared_ptr<SecureContext> secure_context(const StormTls& tls) {
  TlsClientOptions options = client_options(tls);
  options.verify = !tls.insecure;
  options.ca_file = tls.ca_file;
  options.certificate = {tls.certificate_file, tls.key_file};
  return std::make_shared<TlsClientContext>(options);
}

void write_certificate(const SecureContext& server, const ServeTls& tls) {
  if (!tls.written_file) return;
  std::error_code none;
  // A link stays, and what it leads to is replaced.
  const std::filesystem::path resolved = std::filesystem::weakly_canonical(*tls.written_file, none);
  const std::string path = resolved.empty() ? *tls.written_file : resolved.string();
  if (std::filesystem::exists(path, none)) refuse_to_replace(path);
  const std::string part = path + ".part";
  errno = 0;
  std::ofstream file(part, std::ios::trunc);
  const bool was_opened = file.is_open();
  file << static_cast<const TlsServerContext&>(server).certificate();
  file.close();
  if (file && std::rename(part.c_str(), path.c_str()) == 0) return;
  const Error error(errno != 0 ? errno : EIO);
  if (was_opened) std::remove(part.c_str());
  throw UsageError("--tls-write-cert: " + *tls.written_file + ": cannot be written (" +
                   std::string(error.name()) +
                   "): is the path right, and may this user write there?");
}

void reload(SecureContext& server) { static_cast<TlsServerContext&>(server).reload(); }

std::string untimely(const SecureContext& server, const ServeTls& tls) {
  const auto [begins, ends] = static_cast<const TlsServerContext&>(server).validity();
  const auto now = std::chrono::system_clock::now();
  if (begins <= now && now < ends) return {};
  const bool early = now < begins;
  const std::time_t when = std::chrono::system_clock::to_time_t(early ? begins : ends);
  std::tm date{};
  gmtime_r(&when, &date);
  char text[sizeof "2026-12-31 23:59:59 UTC"];
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &date);
  return tls.certificate_file + (early ? ": not good before " : ": expired ") +
         std::string(text, size) + ": clients that verify will refuse it";
}

SecurePair secure_pair(const StormTls& tls) {
  TlsServerOptions server;
  server.self_signed_for = {"127.0.0.1"};
  const auto made = std::make_shared<TlsServerContext>(server);
  TlsClientOptions client = client_options(tls);
  client.system_roots = false;
  client.ca_certificates = made->certificate();
  return {made, std::make_shared<TlsClientContext>(client)};
}

#else

bool has_tls() noexcept { return false; }

std::shared_ptr<SecureContext> secure_context(const ServeTls& tls, const SocketAddress&) {
  const bool wants_nothing =
      !tls.has_certificate() && !tls.written_file && tls.client_ca_file.empty() && !tls.version_min;
  if (wants_nothing) return nullptr;
  throw UsageError(
      "--tls-...: there is no TLS in this build: install android-libboringssl-dev and "
      "build it with -Dtls=enabled");
}

std::shared_ptr<SecureContext> secure_context(const StormTls&) {
  throw UsageError("URL: wss:// is not possible, there is no TLS in this build: use ws://");
}

void write_certificate(const SecureContext&, const ServeTls&) {}
void reload(SecureContext&) {}
std::string untimely(const SecureContext&, const ServeTls&) { return {}; }

SecurePair secure_pair(const StormTls&) {
  throw UsageError("--tls: there is no TLS in this build");
}

#endif

}  // namespace ringdown::program
