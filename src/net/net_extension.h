// What the net floor keeps once for each reactor; destroyed with it.
#pragma once

#include "base/slab.h"
#include "net/connect_race.h"
#include "net/resolver.h"
#include "ring/reactor_core.h"

namespace ringdown {

class NetExtension final : public ReactorExtension {
 public:
  explicit NetExtension(ReactorCore& reactor) : resolver_(reactor) {}

  // The reactor's own; made at the first call. On the reactor's thread.
  static NetExtension& of(ReactorCore& reactor);

  Resolver& resolver() noexcept { return resolver_; }
  std::size_t pool_bytes() const noexcept override { return attempts.bytes(); }

  Slab<ConnectRace::Attempt> attempts;  // of races that have more than one

 private:
  Resolver resolver_;
};

}  // namespace ringdown
