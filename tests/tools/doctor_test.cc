// The doctor names what is wanting and its cure, on machines that are not this one.
#include "doctor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "arguments.h"
#include "serve.h"

namespace ringdown::program {
namespace {

SystemLimits healthy() {
  SystemLimits limits;
  limits.kernel = "6.18.0";
  limits.memory_available = 8ULL << 30;
  limits.descriptors_soft = 1'024;
  limits.descriptors_hard = 20'000;
  limits.files_max = 1'000'000;
  limits.port_low = 32'768;
  limits.port_high = 60'999;
  limits.listen_backlog_max = 4'096;
  limits.time_wait_max = 65'536;
  limits.orphans_max = 65'536;
  limits.softnet_backlog_max = 1'000;
  return limits;
}

RingTrial full_ring() {
  RingTrial trial;
  trial.features = all_features;
  return trial;
}

Health worst(const std::vector<Finding>& findings) {
  return std::max_element(findings.begin(), findings.end(),
                          [](const Finding& a, const Finding& b) { return a.health < b.health; })
      ->health;
}

Finding finding(const std::vector<Finding>& findings, const std::string& subject) {
  for (const Finding& found : findings) {
    if (found.subject == subject) return found;
  }
  ADD_FAILURE() << subject;
  return {};
}

TEST(Doctor, FindsAHealthyMachineGood) {
  const auto findings = examine({}, healthy(), full_ring());
  for (const Finding& found : findings) {
    EXPECT_EQ(found.health, Health::good) << found.subject << ": " << found.seen;
    EXPECT_EQ(found.cure, "");
  }
}

TEST(Doctor, SaysWhatForbidsIoUring) {
  SystemLimits limits = healthy();
  limits.io_uring_disabled = 2;
  RingTrial trial;
  trial.error = EPERM;
  const auto findings = examine({}, limits, trial);
  EXPECT_EQ(worst(findings), Health::impossible);
  EXPECT_NE(finding(findings, "io_uring policy").cure.find("kernel.io_uring_disabled=0"),
            std::string::npos);
  EXPECT_NE(finding(findings, "a NOP through a ring").cure.find("seccomp"), std::string::npos);
}

// One cause, and one cure: none of the others' figures is made up meanwhile.
TEST(Doctor, NamesLockedMemoryAloneWhereItIsUsedUp) {
  SystemLimits limits = healthy();
  limits.locked_memory_max = 8 << 20;
  limits.rings_are_locked = true;
  RingTrial trial;
  trial.reactor = "io_uring_setup: ENOMEM";
  trial.reactor_error = ENOMEM;
  const auto findings = examine({}, limits, trial);
  const Finding locked = finding(findings, "locked memory");
  EXPECT_EQ(locked.health, Health::wanting);
  EXPECT_NE(locked.seen.find("some has now"), std::string::npos) << locked.seen;
  for (const Finding& found : findings) {
    if (found.subject == "a reactor" || found.subject == "locked memory") continue;
    EXPECT_EQ(found.health, Health::good) << found.subject << ": " << found.seen;
  }
  trial = {};
  trial.error = ENOMEM;
  const std::string cure = finding(examine({}, limits, trial), "a NOP through a ring").cure;
  EXPECT_EQ(cure.find("seccomp"), std::string::npos) << cure;
}

TEST(Doctor, NamesEachMissingFeatureAndItsKernel) {
  RingTrial trial = full_ring();
  trial.features &= ~static_cast<Features>(Feature::multishot_receive);
  const auto findings = examine({}, healthy(), trial);
  EXPECT_EQ(worst(findings), Health::wanting);
  EXPECT_NE(finding(findings, "multishot_receive").cure.find("6.0"), std::string::npos);
}

TEST(Doctor, HoldsTheLimitsAgainstTheNumberAsked) {
  DoctorOptions options;
  options.connections = 1'000'000;
  SystemLimits limits = healthy();
  limits.descriptors_hard = 64;
  const auto findings = examine(options, limits, full_ring());
  for (const char* subject : {"descriptors", "memory", "open files", "TIME_WAIT", "orphans"}) {
    EXPECT_EQ(finding(findings, subject).health, Health::wanting) << subject;
    EXPECT_NE(finding(findings, subject).cure, "") << subject;
  }
}

TEST(Doctor, SaysWhetherRingsCountAsLockedMemory) {
  SystemLimits limits = healthy();
  limits.locked_memory_max = 64 << 10;
  const Finding free = finding(examine({}, limits, full_ring()), "locked memory");
  EXPECT_EQ(free.health, Health::good);
  EXPECT_NE(free.seen.find("rings do not count against it"), std::string::npos) << free.seen;
  limits.rings_are_locked = true;
  const Finding locked = finding(examine({}, limits, full_ring()), "locked memory");
  EXPECT_EQ(locked.health, Health::wanting);
  EXPECT_EQ(locked.seen,
            "64 KiB, about 848 KiB needed: rings count against it here (Linux 6.14 and later), "
            "424 KiB a reactor, those of this user's other programs too; serve has room for no "
            "thread");
  EXPECT_NE(locked.cure.find("LimitMEMLOCK"), std::string::npos);
  const struct {
    std::uint64_t mebibytes;
    const char* room;
  } cases[] = {{1, "--threads 2"}, {8, "--threads 19"}, {64, "--threads 154"}};
  for (const auto& [mebibytes, room] : cases) {
    limits.locked_memory_max = mebibytes << 20;
    const Finding enough = finding(examine({}, limits, full_ring()), "locked memory");
    EXPECT_EQ(enough.health, Health::good);
    EXPECT_TRUE(enough.seen.ends_with(std::string("serve has room for ") + room)) << enough.seen;
  }
}

TEST(Doctor, NamesWhatServesThreadsNeedTogether) {
  SystemLimits limits = healthy();
  limits.locked_memory_max = 8 << 20;
  ServeOptions options;
  const auto problem = [&](unsigned threads) {
    options.threads = threads;
    try {
      check_locked_memory(options, limits);
    } catch (const UsageError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(problem(64), "");
  limits.rings_are_locked = true;
  EXPECT_EQ(problem(19), "");
  EXPECT_EQ(problem(20),
            "--threads: 20 need 8,480 KiB of locked memory for their rings, 424 KiB each, and the "
            "limit is 8,192 KiB: raise it (ulimit -l, or LimitMEMLOCK= of the service), or take "
            "19");
  limits.locked_memory_max = 64 << 10;
  EXPECT_NE(problem(1).find("of the service)"), std::string::npos);
  EXPECT_EQ(problem(1).find("or take"), std::string::npos) << problem(1);
}

TEST(Doctor, SendsANopForReal) {
  const RingTrial trial = try_ring();
  EXPECT_EQ(trial.error, 0);
  EXPECT_EQ(trial.reactor, "");
  EXPECT_NE(trial.features, 0U);
}

}  // namespace
}  // namespace ringdown::program
