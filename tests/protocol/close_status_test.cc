// Close statuses, outcomes and violations: their rules and their names.
#include "ringdown/close_status.h"

#include <gtest/gtest.h>

#include <set>

namespace ringdown {
namespace {

constexpr auto violation_end = static_cast<unsigned>(Violation::message_not_stored) + 1;

TEST(Violation, HasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (unsigned i = 0; i < violation_end; ++i) names.insert(name(static_cast<Violation>(i)));
  EXPECT_EQ(names.size(), violation_end);
  EXPECT_FALSE(names.contains("?"));
  EXPECT_EQ(name(Violation::data_after_close), "data_after_close");
  EXPECT_EQ(name(static_cast<Violation>(violation_end)), "?");
}

TEST(Violation, FailsTheConnectionWithItsStatus) {
  for (unsigned i = 1; i < violation_end; ++i) {
    const auto violation = static_cast<Violation>(i);
    CloseStatus expected = CloseStatus::protocol_error;
    if (violation == Violation::message_too_big) expected = CloseStatus::message_too_big;
    if (violation == Violation::too_many_fragments) expected = CloseStatus::policy_violation;
    if (violation == Violation::message_not_stored) expected = CloseStatus::internal_error;
    if (violation == Violation::invalid_utf8 || violation == Violation::close_reason_invalid_utf8) {
      expected = CloseStatus::invalid_payload;
    }
    EXPECT_EQ(status_for(violation), expected) << name(violation);
  }
}

TEST(TransportEnd, HasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < transport_end_count; ++i) {
    names.insert(name(static_cast<TransportEnd>(i)));
  }
  EXPECT_EQ(names.size(), transport_end_count);
  EXPECT_FALSE(names.contains("?"));
  EXPECT_EQ(name(static_cast<TransportEnd>(transport_end_count)), "?");
}

TEST(CloseOutcome, HasANameOfItsOwn) {
  const std::set<std::string_view> names{
      name(CloseOutcome::clean), name(CloseOutcome::aborted), name(CloseOutcome::timed_out),
      name(CloseOutcome::violation), name(CloseOutcome::dropped)};
  EXPECT_EQ(names,
            (std::set<std::string_view>{"clean", "aborted", "timed_out", "violation", "dropped"}));
}

TEST(CloseStatus, MayBeSentIfTheRegistryOrTheApplicationHasIt) {
  for (const unsigned status : {1000U, 1003U, 1007U, 1014U, 3000U, 3999U, 4000U, 4999U}) {
    EXPECT_TRUE(may_be_sent(static_cast<CloseStatus>(status))) << status;
  }
  for (const unsigned status :
       {0U, 999U, 1004U, 1005U, 1006U, 1015U, 1016U, 2000U, 2999U, 5000U, 65535U}) {
    EXPECT_FALSE(may_be_sent(static_cast<CloseStatus>(status))) << status;
  }
}

}  // namespace
}  // namespace ringdown
