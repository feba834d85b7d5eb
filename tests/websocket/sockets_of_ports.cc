#include "sockets_of_ports.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

#include "base/unique_fd.h"

namespace ringdown {
namespace {

using Ports = std::vector<std::uint16_t>;

// Up to a request for a connection (12). Behind it are sockets that are only bound, for which the
// kernel looks through a larger table.
constexpr std::uint32_t states = 0x1FFF & ~(1U << TCP_TIME_WAIT);

bool is_one_of(const Ports& ports, unsigned long port) {
  return std::ranges::find(ports, port) != ports.end();
}

// sock_diag(7): those in TIME_WAIT, ten thousands behind a storm, never leave the kernel. Without a
// value: it does not answer, a kernel without tcp_diag for instance.
std::optional<int> counted_by_netlink(int family, const Ports& ports) {
  const UniqueFd netlink(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!netlink) return std::nullopt;
  struct {
    nlmsghdr head;
    inet_diag_req_v2 wanted;
  } request{};
  request.head.nlmsg_len = sizeof request;
  request.head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.wanted.sdiag_family = static_cast<std::uint8_t>(family);
  request.wanted.sdiag_protocol = IPPROTO_TCP;
  request.wanted.idiag_states = states;
  if (::send(netlink.get(), &request, sizeof request, 0) != sizeof request) return std::nullopt;
  int count = 0;
  alignas(nlmsghdr) std::array<char, 32768> answers;
  for (;;) {
    const ssize_t size = ::recv(netlink.get(), answers.data(), answers.size(), 0);
    if (size <= 0) return std::nullopt;
    auto left = static_cast<unsigned>(size);
    for (const auto* head = reinterpret_cast<const nlmsghdr*>(answers.data()); NLMSG_OK(head, left);
         head = NLMSG_NEXT(head, left)) {
      if (head->nlmsg_type == NLMSG_DONE) return count;
      if (head->nlmsg_type == NLMSG_ERROR) return std::nullopt;
      const auto& id = static_cast<const inet_diag_msg*>(NLMSG_DATA(head))->id;
      if (is_one_of(ports, ntohs(id.idiag_sport)) || is_one_of(ports, ntohs(id.idiag_dport))) {
        ++count;
      }
    }
  }
}

// proc(5), /proc/net/tcp: hexadecimal; state 06 is TIME_WAIT.
int counted_in_table(int family, const Ports& ports) {
  std::ifstream table(family == AF_INET ? "/proc/net/tcp" : "/proc/net/tcp6");
  std::string line;
  int count = 0;
  while (std::getline(table, line)) {
    std::istringstream fields(line);
    std::string number, local, remote, state;
    fields >> number >> local >> remote >> state;
    const auto is_ours = [&ports](const std::string& end) {
      const std::size_t colon = end.rfind(':');
      return colon != std::string::npos &&
             is_one_of(ports, std::strtoul(end.c_str() + colon + 1, nullptr, 16));
    };
    if (state != "06" && (is_ours(local) || is_ours(remote))) ++count;
  }
  return count;
}

}  // namespace

int sockets_of_ports(int family, const std::vector<std::uint16_t>& ports) {
  const std::optional<int> counted = counted_by_netlink(family, ports);
  return counted ? *counted : counted_in_table(family, ports);
}

}  // namespace ringdown
