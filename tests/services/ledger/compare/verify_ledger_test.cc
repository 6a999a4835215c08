// The writer's derived state against the one that the log makes anew.
#include "services/ledger/compare/verify_ledger.h"

#include <string>

#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "storage/memory/memory_kv.h"
#include "storage/schema.h"
#include "tests/support/ledger_script.h"

namespace fiscal::testing {
namespace {

class VerifyLedgerTest : public ::testing::Test {
 protected:
  VerifyLedgerTest() {
    EXPECT_SCRIPT(script_, R"(
      divisions 141100                          => revised @1, 1 added
      agencies  141100 101001/101 102001/102    => revised @2, 2 added
      codes     141100 205 20502                => revised @3, 2 added
      submit r1 141100/101001 l1=20502:10       => created r1 @4, 1 line
      submit r2 141100/101001 l1=20502:10       => unchanged r1 @4, 1 line
      submit r3 141100/101001 l1=20502:11       => revised r2 @5, 1 line
    )");
  }

  std::string Found() {
    services::Differences differences;
    services::LedgerCheck check(script_.log(), script_.log_kv(), script_.log_kv(), differences);
    const auto groups = check.Open();
    EXPECT_TRUE(groups.ok()) << groups.status();
    storage::MemoryDisk disk;
    const auto scratch = *storage::MemoryKv::Open(disk, {false, nullptr});
    const auto never = [] { return absl::OkStatus(); };
    uint64_t events = 0;
    for (uint64_t group = 1; group <= *groups; ++group) {
      const auto seen = check.See(group, *scratch, never);
      EXPECT_TRUE(seen.ok()) << seen.status();
      events += seen.value_or(0);
    }
    EXPECT_EQ(events, script_.log().head().position.value());
    EXPECT_TRUE(check.Finish(*scratch, never).ok());
    return absl::StrJoin(differences.list(), "; ");
  }
  void Change(storage::Key key, const std::string* value) {
    storage::Batch batch;
    value == nullptr ? batch.Delete(std::move(key)) : batch.Put(std::move(key), *value);
    ASSERT_TRUE(script_.log_kv().Write(batch, false).ok());
  }

  LedgerScript script_{services::CheckRules};
  const domain::BudgetKey budget_{141100, 2024, domain::Stage::kApproved, "101001"};
};

TEST_F(VerifyLedgerTest, AWholeLedgerHasNoDifference) { EXPECT_EQ(Found(), ""); }

TEST_F(VerifyLedgerTest, AnAnswerThatIsGoneIsNamed) {
  Change(storage::RequestKey("test", "r2"), nullptr);
  EXPECT_EQ(Found(), "answer to test r2: missing");
}

TEST_F(VerifyLedgerTest, ARevisionThatNeverWasIsNamed) {
  const std::string value = *script_.log_kv().Get(storage::RevisionKey(budget_, 2));
  Change(storage::RevisionKey(budget_, 3), &value);
  EXPECT_EQ(Found(),
            "revision of year 2024 stage 3 division 141100 agency 101001 number 3: surplus");
}

TEST_F(VerifyLedgerTest, ASumThatIsAnotherIsNamed) {
  const storage::Key key = storage::GrossKey(141100, 2024, domain::Stage::kApproved);
  std::string value = *script_.log_kv().Get(key);
  value.back() = static_cast<char>(value.back() ^ 1);
  Change(key, &value);
  EXPECT_EQ(Found(), "gross of year 2024 stage 3 division 141100: not the same");
}

}  // namespace
}  // namespace fiscal::testing
