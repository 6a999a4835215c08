// The totals' store against what the events of the log add up to.
#include "services/ledger/compare/verify_totals.h"

#include <string>

#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "services/ledger/compare/log_scan.h"
#include "storage/record_codec.h"
#include "storage/schema.h"
#include "tests/support/ledger_script.h"

namespace fiscal::testing {
namespace {

class VerifyTotalsTest : public ::testing::TestWithParam<size_t> {
 protected:
  VerifyTotalsTest() {
    EXPECT_SCRIPT(script_, R"(
      divisions 141100 141121<141100               => revised @1, 2 added
      agencies  141100 101001/101                  => revised @2, 1 added
      agencies  141121 201001/201                  => revised @3, 1 added
      codes     141100 205 20502                   => revised @4, 2 added
      submit r1 141100/101001 l1=20502:10          => created r1 @5, 1 line
      submit r2 141121/201001 l1=20502:20          => created r1 @6, 1 line
      submit r3 141100/101001 l1=20502:11          => revised r2 @7, 1 line
      total 141100                                 => 31.00 @7
      submit r4 141121/201001 l1=20502:21          => revised r2 @8, 1 line
      total 141100                                 => 32.00 @8
    )");
  }

  // Passes until no unit is left.
  std::string Found() { return Found(script_); }
  std::string Found(LedgerScript& script) {
    services::Differences differences;
    services::TotalsCheck check(script.projector(), GetParam(), differences);
    services::LogScan scan(script.log_kv());
    const auto see = [&](domain::Position p) {
      const auto entry = scan.Read(p);
      absl::string_view payload;
      const auto header = storage::DecodeHeader(*entry->record, &payload);
      EXPECT_TRUE(check.See(*entry, *header, payload).ok());
    };
    passes_ = 1;
    for (domain::Position p(1); p <= check.to(); ++p) see(p);
    EXPECT_TRUE(check.EndPass([] { return absl::OkStatus(); }).ok());
    for (; check.StartPass(); ++passes_) {
      for (const domain::Position p : check.next_positions()) see(p);
      EXPECT_TRUE(check.EndPass([] { return absl::OkStatus(); }).ok());
    }
    return absl::StrJoin(differences.list(), "; ");
  }
  void Delete(storage::Key key) {
    storage::Batch batch;
    ASSERT_TRUE(script_.totals_kv().Get(key).ok()) << "it is there";
    batch.Delete(std::move(key));
    ASSERT_TRUE(script_.totals_kv().Write(batch, false).ok());
  }

  // The last event is not written.
  LedgerScript script_{services::CheckRules, WrittenEvery(7)};
  int passes_ = 0;
};

TEST_P(VerifyTotalsTest, WholeTotalsHaveNoDifference) {
  EXPECT_EQ(Found(), "");
  // With room for nothing each unit has a pass of its own.
  EXPECT_EQ(passes_ > 1, GetParam() == 1);
}

TEST_P(VerifyTotalsTest, APostingThatIsGoneIsNamed) {
  Delete(storage::PostingKey(domain::Position(6)));
  EXPECT_EQ(Found(), "posting 6: missing");
}

TEST_P(VerifyTotalsTest, AStatusThatIsGoneIsNamed) {
  const domain::BudgetKey budget{141121, 2024, domain::Stage::kApproved, "201001"};
  Delete(storage::StatusKey(budget, domain::Position(6)));
  EXPECT_EQ(Found(), "status of year 2024 stage 3 division 141121 agency 201001: missing");
}

// Of what was committed at once an operator had a part left out: the end, the middle and the end.
TEST_P(VerifyTotalsTest, AGroupWithoutItsEndIsNoDifference) {
  for (const uint64_t every : {1, 1000}) {
    for (const std::vector<uint64_t>& left_out :
         {std::vector<uint64_t>{7}, std::vector<uint64_t>{6}, std::vector<uint64_t>{6, 7}}) {
      LedgerScript script(services::CheckRules, WrittenEvery(every));
      EXPECT_SCRIPT(script, R"(
        divisions  141100                                  => revised @1, 1 added
        agencies   141100 101001/101 102001/102 103001/103 => revised @2, 3 added
        codes      141100 205 20502                        => revised @3, 2 added
        submit     r1 141100/101001 l1=20502:10            => created r1 @4, 1 line
      )");
      script.Run(R"(
        reallocate b 141100/101001 l1=20502:-3 | 141100/102001 l1=20502:1 | 141100/103001 l1=20502:2
      )");
      for (const uint64_t position : left_out) {
        domain::QuarantineOrder order;
        order.position = order.stopped_at = domain::Position(position);
        services::Intake::Request request(order);
        services::Intake::Request* group[] = {&request};
        ASSERT_TRUE(script.intake().Commit(group)[0].ok());
      }
      script.Fold({"fold"});
      EXPECT_EQ(Found(script), "") << every << ", " << left_out.size() << " left out";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Memory, VerifyTotalsTest, ::testing::Values(size_t{1} << 30, size_t{1}));

}  // namespace
}  // namespace fiscal::testing
