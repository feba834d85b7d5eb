// OpenSSL 3, libcurl and ringdown's TLS in one process, all doing real handshakes; each family with
// itself and with the other, halves closed one after the other. Prints what failed; exit status 1.
#include <arpa/inet.h>
#include <curl/curl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <functional>
#include <string>
#include <thread>

#include "party_of_openssl.h"

namespace coexistence {
namespace {

int failures = 0;

void expect(bool condition, const char* what, const std::string& where) {
  if (condition) return;
  std::printf("FAILED: %s: %s\n", where.c_str(), what);
  ++failures;
}

void carry(Party& a, Party& b) {
  for (bool moved = true; moved;) {
    const std::string there = a.take_output();
    if (!there.empty()) b.receive(there);
    const std::string back = b.take_output();
    if (!back.empty()) a.receive(back);
    moved = !there.empty() || !back.empty();
  }
}

using Maker = std::unique_ptr<Party> (*)(const Credentials&, bool is_client, bool tls13);

// `first` shuts its half down, and receives until `second` does.
void half_close(Party& first, Party& second, const std::string& where) {
  first.received.clear();
  first.write("last words");
  first.shutdown();
  carry(first, second);
  expect(second.ended, "close_notify did not arrive", where);
  expect(second.received.ends_with("last words"), "data before close_notify was lost", where);
  second.write("late data");
  carry(first, second);
  expect(first.received == "late data", "data behind the own close_notify was lost", where);
  expect(!first.ended, "an end that was not sent", where);
  second.shutdown();
  carry(first, second);
  expect(first.ended, "the second close_notify did not arrive", where);
}

void converse(const Credentials& credentials, Maker client_maker, Maker server_maker, bool tls13,
              bool client_first, const std::string& where) {
  const auto client = client_maker(credentials, true, tls13);
  const auto server = server_maker(credentials, false, tls13);
  carry(*client, *server);
  expect(client->done && server->done, "the handshake is not done", where);
  client->write("question");
  server->write("answer");
  carry(*client, *server);
  expect(server->received == "question", "the client's data was lost", where);
  expect(client->received == "answer", "the server's data was lost", where);
  if (client_first) {
    half_close(*client, *server, where);
  } else {
    half_close(*server, *client, where);
  }
  expect(client->error.empty(), client->error.c_str(), where);
  expect(server->error.empty(), server->error.c_str(), where);
}

// Serves one HTTPS request on a connected socket.
void serve_one(Party& server, int fd) {
  const auto send_output = [&] {
    const std::string output = server.take_output();
    std::size_t sent = 0;
    while (sent < output.size()) {
      const ssize_t part = send(fd, output.data() + sent, output.size() - sent, MSG_NOSIGNAL);
      if (part <= 0) return;
      sent += static_cast<std::size_t>(part);
    }
  };
  char buffer[4096];
  for (bool answered = false; !server.ended;) {
    const ssize_t size = recv(fd, buffer, sizeof(buffer), 0);
    if (size <= 0) break;
    server.receive({buffer, static_cast<std::size_t>(size)});
    if (!answered && server.received.find("\r\n\r\n") != std::string::npos) {
      server.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
      server.shutdown();
      answered = true;
    }
    send_output();
  }
}

std::size_t on_body(char* data, std::size_t, std::size_t size, void* body) {
  static_cast<std::string*>(body)->append(data, size);
  return size;
}

std::string fetch(const Credentials& credentials, int port) {
  CURL* const curl = curl_easy_init();
  const std::string url = "https://server.test:" + std::to_string(port) + "/";
  const std::string at = "server.test:" + std::to_string(port) + ":127.0.0.1";
  curl_slist* const hosts = curl_slist_append(nullptr, at.c_str());
  curl_blob authority{const_cast<char*>(credentials.authority.data()), credentials.authority.size(),
                      CURL_BLOB_COPY};
  std::string body;
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_RESOLVE, hosts);
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, 20L);
  curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &authority);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
  const CURLcode code = curl_easy_perform(curl);
  if (code != CURLE_OK) body = curl_easy_strerror(code);
  curl_easy_cleanup(curl);
  curl_slist_free_all(hosts);
  return body;
}

void converse_with_curl(const Credentials& credentials, Maker server_maker, bool tls13,
                        const std::string& where) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  const bool listening =
      bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0 && listen(listener, 1) == 0;
  expect(listening, "cannot listen", where);
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  std::string error;
  std::thread thread([&] {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    const auto server = server_maker(credentials, false, tls13);
    serve_one(*server, fd);
    error = server->error;
    close(fd);
  });
  const std::string body = fetch(credentials, ntohs(address.sin_port));
  thread.join();
  close(listener);
  expect(body == "hello", body.c_str(), where);
  expect(error.empty(), error.c_str(), where);
}

int run() {
  curl_global_init(CURL_GLOBAL_DEFAULT);
  const Credentials credentials = make_credentials();
  const struct {
    const char* name;
    Maker make;
  } families[] = {{"OpenSSL", make_openssl_party}, {"ringdown", make_ringdown_party}};
  for (const bool tls13 : {false, true}) {
    const std::string version = tls13 ? "TLS 1.3, " : "TLS 1.2, ";
    for (const auto& server : families) {
      const std::string to_server = std::string(" to ") + server.name;
      for (const auto& client : families) {
        for (const bool client_first : {true, false}) {
          converse(credentials, client.make, server.make, tls13, client_first,
                   version + client.name + to_server +
                       (client_first ? ", client first" : ", server first"));
        }
      }
      converse_with_curl(credentials, server.make, tls13, version + "curl" + to_server);
    }
  }
  curl_global_cleanup();
  if (failures == 0) std::printf("20 conversations\n");
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace coexistence

int main() { return coexistence::run(); }
