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
  std::string Found() {
    services::Differences differences;
    services::TotalsCheck check(script_.projector(), GetParam(), differences);
    services::LogScan scan(script_.log_kv());
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

INSTANTIATE_TEST_SUITE_P(Memory, VerifyTotalsTest, ::testing::Values(size_t{1} << 30, size_t{1}));

}  // namespace
}  // namespace fiscal::testing
