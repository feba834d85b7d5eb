// An address of this machine where nobody answers.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <string_view>

#include <gtest/gtest.h>

#include "base/unique_fd.h"
#include "ringdown/socket_address.h"

namespace ringdown {

// A listener whose queue is full drops what comes (listen(2)).
class BlackHole {
 public:
  BlackHole(std::string_view ip, std::uint16_t port)
      : at_(*SocketAddress::from_ip(ip, port)), listener_(open()) {
    const bool bound = ::bind(listener_.get(), at_.native(), at_.size()) == 0;
    const bool has_family = listener_ && (bound || errno != EADDRNOTAVAIL);
    if (!has_family) return;  // without IPv6 its addresses fail at once
    EXPECT_TRUE(bound);
    EXPECT_EQ(::listen(listener_.get(), 0), 0);
    for (UniqueFd& filler : fillers_) {
      filler = open();
      static_cast<void>(::connect(filler.get(), at_.native(), at_.size()));
    }
  }

 private:
  UniqueFd open() const {
    return UniqueFd(::socket(at_.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  }
  SocketAddress at_;
  UniqueFd listener_;
  std::array<UniqueFd, 4> fillers_;
};

}  // namespace ringdown
