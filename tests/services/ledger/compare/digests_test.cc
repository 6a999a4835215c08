// Digests of what stands: the same for the same cells and revisions, whatever the logs.
#include "services/ledger/compare/digests.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "tests/support/ledger_script.h"

namespace fiscal::testing {
namespace {

using services::DigestEntry;
using services::DigestPlace;

constexpr absl::string_view kCatalog = R"(
  divisions 141100 141121<141100                       => revised @1, 2 added
  agencies  141100 101001/101 102001/102               => revised @2, 2 added
  agencies  141121 201001/201                          => revised @3, 1 added
  codes     141100 205 20502 208                       => revised @4, 3 added
)";

std::vector<DigestEntry> Below(LedgerScript& script, const DigestPlace& place,
                               const std::vector<domain::Code>& divisions = {}) {
  services::Work work;
  const auto entries =
      services::DigestsAt(script.projector(), place, divisions, script.Fold({"fold"}), work);
  EXPECT_TRUE(entries.ok()) << entries.status();
  return entries.ok() ? *entries : std::vector<DigestEntry>();
}
Digest Root(LedgerScript& script, const std::vector<domain::Code>& divisions = {}) {
  return services::RootOf(Below(script, {}, divisions));
}
std::string Keys(const std::vector<DigestEntry>& entries) {
  return absl::StrJoin(entries, " | ",
                       [](std::string* out, const DigestEntry& e) { out->append(e.key); });
}

TEST(DigestsTest, GoDownLevelByLevel) {
  LedgerScript script(services::CheckRules);
  EXPECT_SCRIPT(script, kCatalog);
  EXPECT_SCRIPT(script, R"(
    submit r1 141100/102001 l1=20502:1                 => created r1 @5, 1 line
    submit r2 141100/101001 l1=20502:2 l2=208:3        => created r1 @6, 2 lines
    submit r3 141121/201001 stage=final l1=208:4       => created r1 @7, 1 line
  )");
  EXPECT_EQ(Keys(Below(script, {})), "2024 APPROVED | 2024 FINAL");
  DigestPlace place{2024, domain::Stage::kApproved, 0, ""};
  EXPECT_EQ(Keys(Below(script, place)), "141100");
  place.division = 141100;
  EXPECT_EQ(Keys(Below(script, place)), "101001 | 102001");
  place.agency = "101001";
  const std::vector<DigestEntry> cells = Below(script, place);
  EXPECT_EQ(Keys(cells), "functional=20502 direction=1 fund=1 | functional=208 direction=1 fund=1");
  EXPECT_EQ(Yuan(cells[1].value.amount_fen), "3.00");
  // Only what is in these divisions.
  EXPECT_EQ(Keys(Below(script, {}, {141121})), "2024 FINAL");
  EXPECT_EQ(Keys(Below(script, {2024, domain::Stage::kApproved, 141100, ""}, {141121})), "");
}

// The history is another one, and totals were stored elsewhere: what stands is the same.
TEST(DigestsTest, DoNotDependOnTheLog) {
  LedgerScript one(services::CheckRules, {1, 1}), other(services::CheckRules);
  for (LedgerScript* script : {&one, &other}) EXPECT_SCRIPT(*script, kCatalog);
  EXPECT_SCRIPT(one, R"(
    submit r1 141100/101001 l1=20502:1   => created r1 @5, 1 line
    submit r2 141100/102001 l1=20502:9   => created r1 @6, 1 line
    submit r3 141100/101001 l1=20502:2   => revised r2 @7, 1 line
  )");
  EXPECT_SCRIPT(other, R"(
    codes  141100 210                    => revised @5, 1 added
    submit r4 141100/102001 l7=20502:9   => created r1 @6, 1 line
    submit r5 141100/101001 l1=20502:5   => created r1 @7, 1 line
    submit r6 141100/101001 l1=20502:2   => revised r2 @8, 1 line
  )");
  EXPECT_EQ(Root(one), Root(other));
}

TEST(DigestsTest, DifferByAmountRevisionCertificationAndWithdrawal) {
  const std::vector<std::string> endings = {
      "submit r2 141100/101001 l1=20502:2", "submit r2 141100/101001 l1=20502:3",
      "submit r2 141100/101001 certify l1=20502:2", "withdraw r2 141100/101001",
      "submit r2 141100/102001 l1=20502:2"};
  std::vector<Digest> roots;
  for (const std::string& ending : endings) {
    LedgerScript script(services::CheckRules);
    EXPECT_SCRIPT(script, kCatalog);
    script.Run(absl::StrCat("submit r1 141100/101001 l1=20502:1\n", ending));
    for (const Digest& root : roots) EXPECT_NE(Root(script), root) << ending;
    roots.push_back(Root(script));
  }
}

}  // namespace
}  // namespace fiscal::testing
