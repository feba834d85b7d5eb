// Which TCP sockets the kernel still has.
#pragma once

#include <cstdint>
#include <vector>

namespace ringdown {

// Of AF_INET or AF_INET6, either end at one of these ports, but for those in TIME_WAIT.
int sockets_of_ports(int family, const std::vector<std::uint16_t>& ports);

}  // namespace ringdown
