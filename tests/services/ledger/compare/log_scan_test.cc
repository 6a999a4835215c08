// Every event is read as the log reads it, those too that were written since the scan began.
#include "services/ledger/compare/log_scan.h"

#include "gtest/gtest.h"
#include "tests/support/ledger_script.h"

namespace fiscal::testing {
namespace {

TEST(LogScanTest, ReadsWhatTheLogReads) {
  LedgerScript script(services::CheckRules);
  EXPECT_SCRIPT(script, R"(
    divisions 141100                   => revised @1, 1 added
    agencies  141100 101001/101        => revised @2, 1 added
  )");
  services::LogScan scan(script.log_kv());
  const auto same = [&](domain::Position position) {
    const auto scanned = scan.Read(position), read = script.log().Read(position);
    ASSERT_TRUE(scanned.ok() && read.ok()) << scanned.status();
    EXPECT_EQ(scanned->position, position);
    EXPECT_EQ(*scanned->record, *read->record);
    EXPECT_EQ(scanned->chain_hash, read->chain_hash);
  };
  same(domain::Position(1));
  same(domain::Position(2));
  EXPECT_EQ(scan.Read(domain::Position(3)).status().code(), absl::StatusCode::kNotFound);
  EXPECT_SCRIPT(script, "codes 141100 205 20502   => revised @3, 2 added");
  same(domain::Position(3));
  // Backwards too.
  same(domain::Position(1));
}

}  // namespace
}  // namespace fiscal::testing
