// Making a ring: the ladder of set-up flags, the table of direct descriptors, provided buffers.
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "base/check.h"
#include "base/shortage.h"
#include "ring/locked_memory.h"
#include "ring/ring_native.h"

namespace ringdown {
namespace {

[[noreturn]] void fail(const std::string& what, int result, const std::string& cure) {
  const Error error(-result);
  throw SetupError(what + ": " + std::string(error.name()) + ": " + cure, error);
}

// Flags cannot be probed, only tried: the kernel says EINVAL to one it does not know.
unsigned setup_flags(Features features) {
  unsigned flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
  if (has(features, Feature::submit_all)) flags |= IORING_SETUP_SUBMIT_ALL;
  if (has(features, Feature::start_disabled)) flags |= IORING_SETUP_R_DISABLED;
  if (has(features, Feature::single_issuer)) flags |= IORING_SETUP_SINGLE_ISSUER;
  if (has(features, Feature::defer_taskrun)) {
    flags |= IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
  } else if (has(features, Feature::coop_taskrun)) {
    flags |= IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
  }
  return flags;
}

// The newest first: what an older kernel lacks is left out first.
constexpr Feature rungs[] = {Feature::defer_taskrun, Feature::single_issuer, Feature::coop_taskrun,
                             Feature::submit_all, Feature::start_disabled};

constexpr Features without(Features features, Feature feature) {
  return features & ~static_cast<Features>(feature);
}

bool knows_fixed_fd_install(io_uring& ring) {
  io_uring_probe* const probe = io_uring_get_probe_ring(&ring);
  if (probe == nullptr) return false;
  const bool known = io_uring_opcode_supported(probe, fixed_fd_install_opcode) != 0;
  io_uring_free_probe(probe);
  return known;
}

bool is_forbidden(int result) { return result == -EPERM || result == -EACCES || result == -ENOSYS; }

// A filter for io_uring_setup alone is found when that is called; these are found behind it.
constexpr char filter_cure[] =
    "a seccomp filter forbids it: allow io_uring_setup, io_uring_enter and io_uring_register "
    "(container runtimes: a profile that allows io_uring)";

std::string cure_for(int result) {
  switch (-result) {
    case EPERM:
    case EACCES:
      return "io_uring is forbidden here: sysctl kernel.io_uring_disabled must be 0 (or this user "
             "in "
             "kernel.io_uring_group), and a container needs a seccomp profile that allows io_uring";
    case ENOSYS: return "this kernel or sandbox has no io_uring: ringdown needs Linux 6.1 or later";
    case EMFILE: return "no descriptor is left: " + descriptor_cure();
    case ENOMEM: return "no memory for the ring: free memory";
    case ENFILE: return "the system's table of files is full: raise sysctl fs.file-max";
    case EINVAL: return "this kernel refuses the ring's options: ringdown needs Linux 6.1 or later";
    default: return "unexpected";
  }
}

// Of a ring that is being made.
std::string cure_for(int result, const RingOptions& options) {
  return result == -ENOMEM ? locked_memory_cure(locked_bytes(options)) : cure_for(result);
}

}  // namespace

ProvidedBuffers::~ProvidedBuffers() {
  if (memory_ != nullptr) munmap(memory_, count_ * buffer_size_);
  if (ring_ != nullptr) munmap(ring_, count_ * sizeof(io_uring_buf));
}

int ProvidedBuffers::create(io_uring& ring, std::uint16_t group, unsigned count,
                            std::size_t buffer_size, bool resident) {
  constexpr int protection = PROT_READ | PROT_WRITE;
  constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS;
  void* entries = mmap(nullptr, count * sizeof(io_uring_buf), protection, flags, -1, 0);
  if (entries == MAP_FAILED) return -ENOMEM;
  ring_ = static_cast<io_uring_buf_ring*>(entries);
  count_ = count;
  void* memory =
      mmap(nullptr, count * buffer_size, protection, flags | (resident ? MAP_POPULATE : 0), -1, 0);
  if (memory == MAP_FAILED) return -ENOMEM;
  memory_ = static_cast<std::byte*>(memory);
  buffer_size_ = buffer_size;
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uintptr_t>(ring_);
  registration.ring_entries = count;
  registration.bgid = group;
  if (const int result = io_uring_register_buf_ring(&ring, &registration, 0); result < 0) {
    return result;
  }
  io_uring_buf_ring_init(ring_);
  constexpr unsigned at_first_min = 4;
  in_use_ = std::max(count / 8, std::min(count, at_first_min));
  for (unsigned id = 0; id < in_use_; ++id) recycle(static_cast<std::uint16_t>(id));
  publish();
  return 0;
}

Ring::Native::~Native() {
  // The provided buffers are unmapped after the ring has gone: the kernel may not write to them any
  // more.
  if (!created) return;
  // io_uring_queue_exit(3) empties the ring's place in the table of the thread that calls it, where
  // another thread may have a ring of its own; a thread that ends gives its places up by itself.
  if (registered_by != 0 && registered_by != ::gettid()) ring.int_flags = flags_unregistered;
  io_uring_queue_exit(&ring);
}

// io_uring_enable_rings(3) is declared by liburing 2.3 and missing in Debian 12's shared library.
void Ring::Native::enable() {
  if (enabled) return;
  const long result =
      ::syscall(SYS_io_uring_register, ring.ring_fd, IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
  if (result != 0) die_refused("io_uring_register", -errno);
  enabled = true;
}

void Ring::enable() {
  Native& native = *native_;
  native.enable();
  // Both are optimisations: a kernel that refuses them runs on without.
  unsigned workers[2] = {native.worker_threads, native.worker_threads};
  io_uring_register_iowq_max_workers(&native.ring, workers);
  // A thread can register sixteen rings; only the one that is waited on is worth a place.
  if (index_ == 0 && has(native.features, Feature::registered_ring)) native.register_ring();
  native.submit_early();
}

void Ring::Native::register_ring() {
  flags_unregistered = ring.int_flags;
  if (io_uring_register_ring_fd(&ring) == 1) {
    registered_by = ::gettid();
  } else {
    features = without(features, Feature::registered_ring);
  }
}

// Enters for nothing, so that who may not is told now. EBADFD: the ring starts disabled.
void Ring::Native::try_enter() const {
  const long result = ::syscall(SYS_io_uring_enter, ring.ring_fd, 0, 0, 0, nullptr, 0);
  if (result < 0 && is_forbidden(-errno)) fail("io_uring_enter", -errno, filter_cure);
}

void Ring::Native::check_entered(int result) noexcept {
  if (result >= 0 || result == -EINTR || result == -ETIME || result == -EBUSY ||
      result == -EAGAIN) {
    return;
  }
  die_refused("io_uring_enter", result);
}

// A ring that was made is refused: a filter that came later, or the kernel saw another thread.
void Ring::Native::die_refused(const char* call, int result) noexcept {
  const std::string_view error = Error(-result).name();
  if (is_forbidden(result)) die({call, ": ", error, ": ", filter_cure});
  if (result == -EEXIST) {
    die({call, ": ", error,
         ": the ring belongs to another thread: a reactor runs on the thread that ran it first"});
  }
  die({call, ": ", error, ": ", cure_for(result)});
}

void Ring::Native::create(const RingOptions& options) {
  features = options.allowed_features;
  if (!has(features, Feature::single_issuer)) features = without(features, Feature::defer_taskrun);
  worker_threads = options.worker_threads;
  int result = -EINVAL;
  std::size_t rung = 0;
  while (true) {
    io_uring_params parameters{};
    parameters.flags = setup_flags(features);
    parameters.cq_entries = options.completion_entries;
    result = io_uring_queue_init_params(options.submission_entries, &ring, &parameters);
    if (result != -EINVAL || rung == std::size(rungs)) break;
    features = without(features, rungs[rung++]);
  }
  lacks_memory = result == -ENOMEM;
  if (result < 0) fail("io_uring_setup", result, cure_for(result, options));
  created = true;
  // Completions must not be lost for want of memory.
  spilled.reserve(ring.cq.ring_entries);
  refused.reserve(installs_max);
  try_enter();
  if (has(features, Feature::defer_taskrun)) features = without(features, Feature::coop_taskrun);
  enabled = !has(features, Feature::start_disabled);

  if (has(features, Feature::direct_descriptors)) {
    result = io_uring_register_files_sparse(&ring, options.sockets);
    if (result == -EINVAL) {
      features = without(features, Feature::direct_descriptors);
    } else if (is_forbidden(result)) {
      fail("io_uring_register", result, filter_cure);
    } else if (result < 0) {
      fail("a table of " + std::to_string(options.sockets) + " direct descriptors", result,
           descriptor_cure() + "; or lower ReactorOptions::sockets_per_ring");
    }
  }
  if (!has(features, Feature::direct_descriptors) || !knows_fixed_fd_install(ring)) {
    features = without(features, Feature::fixed_fd_install);
  }
  sockets_max = options.sockets;
  const struct {
    BufferGroup group;
    unsigned count;
    std::size_t size;
  } groups[] = {{BufferGroup::small, options.small_buffers, small_buffer_size},
                {BufferGroup::large, options.large_buffers, large_buffer_size}};
  for (const auto& [group, count, size] : groups) {
    const auto id = static_cast<std::uint16_t>(group);
    // The pool that every receive goes through is there from the start: no page fault on the way,
    // and what a burst touches is not taken for what a connection costs.
    const bool resident = options.index == 0 && group == BufferGroup::small;
    result = buffers[id].create(ring, id, count, size, resident);
    if (is_forbidden(result)) fail("io_uring_register", result, filter_cure);
    lacks_memory = result == -ENOMEM;
    if (result < 0) fail("provided buffers", result, cure_for(result, options));
  }
  if (options.signal_descriptor >= 0) {
    result = io_uring_register_eventfd(&ring, options.signal_descriptor);
    if (result < 0) fail("io_uring_register_eventfd", result, cure_for(result));
  }
}

std::string to_string(Features features) {
  static constexpr struct {
    Feature feature;
    const char* name;
  } names[] = {{Feature::single_issuer, "single_issuer"},
               {Feature::defer_taskrun, "defer_taskrun"},
               {Feature::coop_taskrun, "coop_taskrun"},
               {Feature::submit_all, "submit_all"},
               {Feature::start_disabled, "start_disabled"},
               {Feature::registered_ring, "registered_ring"},
               {Feature::direct_descriptors, "direct_descriptors"},
               {Feature::multishot_receive, "multishot_receive"},
               {Feature::fixed_fd_install, "fixed_fd_install"}};
  std::string text;
  for (const auto& [feature, name] : names) {
    if (!has(features, feature)) continue;
    if (!text.empty()) text += ' ';
    text += name;
  }
  return text;
}

void Ring::signal_completions_to(int descriptor) {
  const int result = io_uring_register_eventfd(&native_->ring, descriptor);
  if (result < 0) throw SetupError("io_uring_register_eventfd", Error(-result));
}

}  // namespace ringdown
