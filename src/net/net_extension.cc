#include "net/net_extension.h"

#include <memory>

namespace ringdown {

NetExtension& NetExtension::of(ReactorCore& reactor) {
  std::unique_ptr<ReactorExtension>& extension = reactor.extension(ReactorCore::Floor::net);
  if (!extension) extension = std::make_unique<NetExtension>(reactor);
  return static_cast<NetExtension&>(*extension);
}

}  // namespace ringdown
