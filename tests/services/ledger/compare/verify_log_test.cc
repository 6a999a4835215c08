// The log's own lists and hashes against its events.
#include "services/ledger/compare/verify_log.h"

#include <functional>
#include <string>

#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "services/ledger/compare/log_scan.h"
#include "storage/record_codec.h"
#include "storage/schema.h"
#include "tests/support/ledger_script.h"

namespace fiscal::testing {
namespace {

class VerifyLogTest : public ::testing::Test {
 protected:
  VerifyLogTest() {
    EXPECT_SCRIPT(script_, R"(
      divisions 141100                         => revised @1, 1 added
      agencies  141100 101001/101              => revised @2, 1 added
      codes     141100 205 20502               => revised @3, 2 added
      submit r1 141100/101001 l1=20502:10      => created r1 @4, 1 line
      codes     141100 208                     => revised @5, 1 added
    )");
  }

  std::string Found() {
    services::Differences differences;
    const domain::Position last = script_.log().head().position;
    services::LogCheck check(script_.log(), script_.log_kv(), last, differences);
    EXPECT_TRUE(check.Open().ok());
    services::LogScan scan(script_.log_kv());
    for (domain::Position p(1); p <= last; ++p) {
      const auto entry = scan.Read(p);
      EXPECT_TRUE(entry.ok()) << entry.status();
      if (!entry.ok()) break;
      absl::string_view payload;
      const auto header = storage::DecodeHeader(*entry->record, &payload);
      EXPECT_TRUE(check.See(*entry, *header).ok());
    }
    EXPECT_TRUE(check.Finish().ok());
    return absl::StrJoin(differences.list(), "; ");
  }
  void Change(const std::function<void(storage::Batch&)>& change) {
    storage::Batch batch;
    change(batch);
    ASSERT_TRUE(script_.log_kv().Write(batch, false).ok());
  }

  LedgerScript script_{services::CheckRules};
};

TEST_F(VerifyLogTest, AWholeLogHasNoDifference) { EXPECT_EQ(Found(), ""); }

TEST_F(VerifyLogTest, TheListOfCatalogsIsThatOfTheEvents) {
  const storage::Key key = storage::CatalogEventKey(domain::Position(5));
  const std::string value = *script_.log_kv().Get(key);
  Change([&](storage::Batch& batch) { batch.Delete(key); });
  EXPECT_EQ(Found(), "catalog at 5: missing");
  Change([&](storage::Batch& batch) { batch.Put(key, value); });
  Change([&](storage::Batch& batch) {
    batch.Put(storage::CatalogEventKey(domain::Position(4)), value);
  });
  EXPECT_EQ(Found(), "catalog at 4: surplus");
}

TEST_F(VerifyLogTest, TheChainOfHashesIsThatOfTheEvents) {
  std::string value = *script_.log_kv().Get(storage::EventKey(domain::Position(3)));
  // The chain's hash stands first.
  value[3] = static_cast<char>(value[3] ^ 1);
  Change([&](storage::Batch& batch) { batch.Put(storage::EventKey(domain::Position(3)), value); });
  EXPECT_NE(Found().find("event 3: the hash chain breaks"), std::string::npos) << Found();
}

}  // namespace
}  // namespace fiscal::testing
