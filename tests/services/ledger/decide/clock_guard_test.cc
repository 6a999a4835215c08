// The clock as NTP, mistakes and operators set it.
#include "services/ledger/decide/clock_guard.h"

#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/support/ledger_script.h"

namespace fiscal::testing {
namespace {

using services::ClockBounds;
using services::ClockGuard;

constexpr absl::Duration kDay = absl::Hours(24);

class ClockGuardTest : public ::testing::Test {
 protected:
  ClockGuardTest() { Start(); }

  // A process that starts on the log as it is.
  void Start() { guard_ = std::make_unique<ClockGuard>(clock_, ClockBounds()); }
  // "right", or the state and the reason.
  std::string Look() {
    const ClockGuard::Reading reading = guard_->Look(head_);
    const std::string state(NameOf(reading.state));
    return reading.refusal.ok() ? state : absl::StrCat(state, " ", SayRefusal(reading.refusal));
  }

  ManualClock clock_{absl::FromUnixSeconds(1704067200)};
  // Its last event was an hour ago.
  storage::EventLog::Head head_{domain::Position(7), {}, 1704063600000000, 7, {}};
  std::unique_ptr<ClockGuard> guard_;
};

TEST_F(ClockGuardTest, AStepForwardIsRefusedUntilItIsTakenBack) {
  EXPECT_EQ(Look(), "right");
  clock_.Step(absl::Minutes(5));
  EXPECT_EQ(Look(), "right");
  clock_.Step(absl::Seconds(1));
  EXPECT_EQ(Look(), "stepped CLOCK_STEPPED");
  clock_.Step(73 * 365 * kDay);
  clock_.Advance(3 * kDay);
  EXPECT_EQ(Look(), "stepped CLOCK_STEPPED");
  clock_.Step(-73 * 365 * kDay);
  EXPECT_EQ(Look(), "stepped CLOCK_STEPPED");
  clock_.Step(-absl::Minutes(5));
  EXPECT_EQ(Look(), "right");
}

TEST_F(ClockGuardTest, TheRefusalSaysWhatTheClockSaysAndWhatToDo) {
  Look();
  clock_.Step(absl::Hours(2));
  const ClockGuard::Reading reading = guard_->Look(head_);
  EXPECT_EQ(reading.ahead, absl::Hours(2));
  for (const char* part : {"2024-01-01T02:00:00Z", "2h ahead of 2024-01-01T00:00:00Z",
                           "`fiscal admin clock accept`", "nothing was kept"}) {
    EXPECT_TRUE(absl::StrContains(reading.refusal.message(), part)) << reading.refusal;
  }
}

// Time that passes is no step, also while the machine sleeps.
TEST_F(ClockGuardTest, TimeThatPassesIsRight) {
  EXPECT_EQ(Look(), "right");
  clock_.Advance(1000 * kDay);
  EXPECT_EQ(Look(), "right");
}

// An oscillator that is wrong by 100 millionths is corrected by steps of 0.4 s for ten years.
TEST_F(ClockGuardTest, SmallCorrectionsNeverAddUp) {
  for (int i = 0; i < 80000; ++i) {
    clock_.Advance(absl::Seconds(4000));
    clock_.Step(absl::Milliseconds(400));
    ASSERT_EQ(Look(), "right") << i;
  }
}

// Steps of less than the bound, one after the other, are no way around it.
TEST_F(ClockGuardTest, StepsWithoutTimeAddUp) {
  EXPECT_EQ(Look(), "right");
  for (int i = 0; i < 5; ++i) {
    clock_.Step(absl::Minutes(1));
    clock_.Advance(absl::Minutes(1));
    EXPECT_EQ(Look(), "right") << i;
  }
  clock_.Step(absl::Minutes(1));
  clock_.Advance(absl::Minutes(1));
  EXPECT_EQ(Look(), "stepped CLOCK_STEPPED");
  // Nor does waiting make it right.
  clock_.Advance(1000 * kDay);
  EXPECT_EQ(Look(), "stepped CLOCK_STEPPED");
}

TEST_F(ClockGuardTest, AStepBackIsNoReasonToRefuseAndNeitherIsTheWayBack) {
  EXPECT_EQ(Look(), "right");
  clock_.Step(-50 * 365 * kDay);
  EXPECT_EQ(Look(), "right");
  clock_.Advance(100 * kDay);
  EXPECT_EQ(Look(), "right");
  clock_.Step(50 * 365 * kDay);
  EXPECT_EQ(Look(), "right");
  clock_.Step(absl::Minutes(6));
  EXPECT_EQ(Look(), "stepped CLOCK_STEPPED");
}

TEST_F(ClockGuardTest, WhatAnOperatorAcceptsIsRight) {
  Look();
  clock_.Step(absl::Hours(2));
  guard_->Accept(guard_->Look(head_));
  EXPECT_EQ(Look(), "right");
  clock_.Step(absl::Minutes(6));
  EXPECT_EQ(Look(), "stepped CLOCK_STEPPED");
  // What was accepted is what it is compared with from then on.
  clock_.Step(-absl::Minutes(6));
  EXPECT_EQ(Look(), "right");
}

TEST_F(ClockGuardTest, AtTheStartItIsComparedWithTheLog) {
  clock_.Step(400 * kDay - absl::Hours(1));
  EXPECT_EQ(Look(), "right");
  clock_.Step(absl::Seconds(1));
  Start();
  EXPECT_EQ(Look(), "not_accepted CLOCK_NOT_ACCEPTED");
  clock_.Step(-401 * kDay);
  EXPECT_EQ(Look(), "not_accepted CLOCK_NOT_ACCEPTED");
  clock_.Step(kDay - absl::Minutes(5) - absl::Seconds(1));
  Start();
  EXPECT_EQ(Look(), "right");
  clock_.Step(-absl::Minutes(1));
  Start();
  EXPECT_EQ(Look(), "not_accepted CLOCK_NOT_ACCEPTED");
  const absl::Status refusal = guard_->Look(head_).refusal;
  for (const char* part : {"the clock says 2023-12-31T", " before the log's last event of ",
                           "2023-12-31T23:00:00Z", "`fiscal admin clock accept`"}) {
    EXPECT_TRUE(absl::StrContains(refusal.message(), part)) << refusal;
  }
}

// A machine without a clock of its own begins at some time, and NTP sets it a minute later.
TEST_F(ClockGuardTest, AClockThatIsSetRightAfterTheStartIsRight) {
  clock_.Step(-10 * 365 * kDay);
  Start();
  EXPECT_EQ(Look(), "not_accepted CLOCK_NOT_ACCEPTED");
  clock_.Advance(absl::Minutes(1));
  clock_.Step(10 * 365 * kDay);
  EXPECT_EQ(Look(), "right");
  clock_.Step(absl::Minutes(6));
  EXPECT_EQ(Look(), "stepped CLOCK_STEPPED");
}

TEST_F(ClockGuardTest, ALogWithoutEventsHasNothingToCompareWith) {
  head_ = {};
  EXPECT_EQ(Look(), "right");
  clock_.Step(50 * 365 * kDay);
  EXPECT_EQ(Look(), "right");
  // From its first event on it has.
  head_ = {domain::Position(1), {}, absl::ToUnixMicros(clock_.Now()), 1, {}};
  EXPECT_EQ(Look(), "right");
  clock_.Step(absl::Minutes(6));
  EXPECT_EQ(Look(), "stepped CLOCK_STEPPED");
}

// Rows beside those of the ledger:
//
//   step hours          somebody sets the wall clock
//   clock [by=who]      an operator says that it is right
//   time position       what the event's record says, in hours since the start
//   asof hours          the last event at that time
class ClockOfIntakeTest : public ::testing::Test {
 protected:
  ClockOfIntakeTest() {
    script_.Add("step", [this](const Words& words) {
      script_.clock().Step(absl::Hours(std::stoi(words.at(1))));
      return std::string();
    });
    script_.Add("clock", [this](const Words&) {
      services::Intake::Request request(domain::ClockOrder{"operator", "NTP was off"});
      services::Intake::Request* group[] = {&request};
      return SayAnswer(script_.intake().Commit(group)[0]);
    });
    script_.Add("time", [this](const Words& words) {
      domain::EventHeader header;
      EXPECT_TRUE(
          script_.log().ReadRecordHead(domain::Position(std::stoull(words.at(1))), &header).ok());
      return absl::StrCat((header.commit_time_us - start_us_) / 3600000000);
    });
    script_.Add("asof", [this](const Words& words) {
      return At(*script_.log().AsOf(start_us_ + std::stoll(words.at(1)) * 3600000000));
    });
    EXPECT_SCRIPT(script_, R"(
      divisions 141100                         => revised @1, 1 added
      agencies  141100 101001/101 101002/101   => revised @2, 2 added
      codes     141100 205 20502               => revised @3, 2 added
    )");
  }

  LedgerScript script_{services::CheckRules};
  const int64_t start_us_ = absl::ToUnixMicros(script_.clock().Now());
};

TEST_F(ClockOfIntakeTest, WhileTheClockIsAheadNothingIsKept) {
  EXPECT_SCRIPT(script_, R"(
    submit   r1 141100/101001 l1=20502:10   => created r1 @4, 1 line
    step     640000
    submit   r2 141100/101001 l1=20502:20   => CLOCK_STEPPED
    submit   r1 141100/101001 l1=20502:10   => created r1 @4, 1 line     # it was kept: so it is said
    submit   r3 141100/101001 l1=20502:10   => unchanged r1 @4, 1 line   # no event
    submit   r4 141100/101001 expect=9 l1=20502:1   => REVISION_MISMATCH
    divisions 141100 141121<141100          => CLOCK_STEPPED
    grant    cn:a@ca reader 141100          => CLOCK_STEPPED
    validate v1 141100/101001 l1=20502:20   => revised r2, 1 line, expenditure 10.00, income 0.00   # keeps nothing
    total    141100                         => 10.00 @4
    step     -640000
    submit   r2 141100/101001 l1=20502:20   => revised r2 @5, 1 line
    time     5                              => 0
    clock                                   => unchanged @5   # nothing to accept
  )");
}

TEST_F(ClockOfIntakeTest, AnOperatorsWordIsAnEventAndGoesOnFromThere) {
  EXPECT_SCRIPT(script_, R"(
    step     2
    submit   r1 141100/101001 l1=20502:10   => CLOCK_STEPPED
    clock                                   => created @4
    clock                                   => unchanged @4
    submit   r1 141100/101001 l1=20502:10   => created r1 @5, 1 line
    time     4                              => 2
    time     5                              => 2
    asof     1                              => @3
    asof     2                              => @5
  )");
}

TEST_F(ClockOfIntakeTest, ALogThatIsAheadIsCorrected) {
  EXPECT_SCRIPT(script_, R"(
    submit   r1 141100/101001 l1=20502:10   => created r1 @4, 1 line
    step     640000
    clock                                   => created @5   # by mistake
    submit   r2 141100/101001 l1=20502:20   => revised r2 @6, 1 line
    step     -639999
    submit   r3 141100/101001 l1=20502:30   => revised r3 @7, 1 line
    time     7                              => 640000   # times do not go back by themselves
    asof     639999                         => @4
    clock                                   => created @8
    time     8                              => 1
    submit   r4 141100/101001 l1=20502:40   => revised r4 @9, 1 line
    time     9                              => 1
    asof     0                              => @4
    asof     1                              => @9
    asof     639999                         => @9
    total    141100                         => 40.00 @9
    total    141100 at=6                    => 20.00 @6
  )");
}

// What waits in one group with an operator's word is decided before or after it.
TEST_F(ClockOfIntakeTest, TheWordIsAGroupOfItsOwn) {
  EXPECT_SCRIPT(script_, "step 2");
  services::Intake::Request before =
                                script_.Prepared({"submit", "r1", "141100/101001", "l1=20502:1"}),
                            word(domain::ClockOrder{"operator", ""}),
                            after =
                                script_.Prepared({"submit", "r2", "141100/101002", "l1=20502:1"});
  services::Intake::Request* group[] = {&before, &word, &after};
  const auto answers = script_.intake().Commit(group);
  EXPECT_EQ(SayAnswer(answers[0]), "CLOCK_STEPPED");
  EXPECT_EQ(SayAnswer(answers[1]), "created @4");
  EXPECT_EQ(SayAnswer(answers[2]), "created r1 @5, 1 line");
}

}  // namespace
}  // namespace fiscal::testing
