// What a city's log gives to a province: taken over there, it is the same money.
#include "services/ledger/compare/postings.h"

#include <vector>

#include "gtest/gtest.h"
#include "services/ledger/compare/log_scan.h"
#include "tests/support/ledger_script.h"

namespace fiscal::testing {
namespace {

using Record = domain::UpstreamRecords::Record;

class PostingsTest : public ::testing::Test {
 protected:
  PostingsTest() {
    EXPECT_SCRIPT(city_, R"(
      divisions 140000 141100<140000                        => revised @1, 2 added
      agencies  141100 101001/101 102001/102                => revised @2, 2 added
      codes     141100 205 20502                            => revised @3, 2 added
      submit r1 141100/101001 l1=20502:10                   => created r1 @4, 1 line
      reallocate a 141100/101001 l1=20502:-3 | 141100/102001 l1=20502:3   => created r1 @6, 1 line | created r1 @5, 1 line | created r1 @6, 1 line
      submit r2 141100/101001 l1=20502:12                   => revised r2 @7, 1 line
    )");
    EXPECT_SCRIPT(province_, "divisions 140000 141100<140000   => revised @1, 2 added");
  }

  // Everything in the city's log, as the province gets it.
  std::vector<Record> Records(std::vector<bool>* more) {
    std::vector<Record> records;
    services::LogScan scan(city_.log_kv());
    for (domain::Position p(1); p <= city_.log().head().position; ++p) {
      bool with_next = false;
      const auto record =
          services::ToUpstreamRecord(*scan.Read(p), *city_.log().operators(), &with_next);
      EXPECT_TRUE(record.ok()) << record.status();
      records.push_back(*record);
      more->push_back(with_next);
    }
    return records;
  }

  std::string TakeOver(std::vector<Record> records) {
    domain::UpstreamRecords u;
    u.upstream = "city";
    u.log_id = city_.log().log_id();
    u.records = std::move(records);
    services::Intake::Request request(std::move(u));
    services::Intake::Request* group[] = {&request};
    const auto outcome = province_.intake().Commit(group)[0];
    return outcome.ok() ? "taken" : SayRefusal(outcome.status());
  }

  LedgerScript city_{services::CheckRules}, province_{services::CheckRules};
};

TEST_F(PostingsTest, TheProvinceTakesThemOver) {
  std::vector<bool> more;
  EXPECT_EQ(TakeOver(Records(&more)), "taken");
  // Only the first part of the reallocation was committed with the next.
  EXPECT_EQ(more, (std::vector<bool>{false, false, false, false, true, false, false}));
  EXPECT_SCRIPT(province_, R"(
    total 140000                                  => 12.00 @7
    total 141100                                  => 12.00 @7
    rows  141100 stage=reallocation by=agency     => 101001 -3.00 | 102001 3.00 | 0.00
  )");
}

TEST_F(PostingsTest, ARecordIsACatalogOrAPostingOrNeither) {
  std::vector<bool> more;
  const std::vector<Record> records = Records(&more);
  for (size_t i = 0; i < records.size(); ++i) {
    EXPECT_EQ(records[i].catalog.empty(), i >= 3) << i;
    EXPECT_EQ(records[i].posting.empty(), i < 3) << i;
  }
}

// What the city had committed at a time that its operator corrected is no later there either.
TEST_F(PostingsTest, TimesAreAsCorrected) {
  const auto accept = [this] {
    services::Intake::Request request(domain::ClockOrder{"operator", ""});
    services::Intake::Request* group[] = {&request};
    return SayAnswer(city_.intake().Commit(group)[0]);
  };
  city_.clock().Step(absl::Hours(1000));
  EXPECT_EQ(accept(), "created @8");
  std::vector<bool> more;
  // As long as nobody has said that it is wrong.
  EXPECT_EQ(TakeOver(Records(&more)), "UPSTREAM_EVENT_INVALID");
  city_.clock().Step(-absl::Hours(1000));
  EXPECT_EQ(accept(), "created @9");
  EXPECT_EQ(TakeOver(Records(&more)), "taken");
}

// What an operator had left out here is left out there.
TEST_F(PostingsTest, WhatIsQuarantinedIsNotPosted) {
  domain::QuarantineOrder order;
  order.position = order.stopped_at = domain::Position(7);
  services::Intake::Request request(order);
  services::Intake::Request* group[] = {&request};
  ASSERT_TRUE(city_.intake().Commit(group)[0].ok());
  std::vector<bool> more;
  const std::vector<Record> records = Records(&more);
  EXPECT_TRUE(records[6].posting.empty());
  EXPECT_EQ(TakeOver(records), "taken");
  EXPECT_SCRIPT(province_, "total 140000   => 10.00 @6");
}

}  // namespace
}  // namespace fiscal::testing
