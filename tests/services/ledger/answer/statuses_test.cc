// Which statements stand at a position, and who has reported by then.
#include "services/ledger/answer/statuses.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "tests/support/ledger_script.h"

namespace fiscal::testing {
namespace {

using services::RowCoverages;
using services::StatusesAt;

std::string Say(const domain::Coverage& c) {
  return absl::StrCat(c.received, " of ", c.expected, c.certified > 0 ? ", certified " : "",
                      c.certified > 0 ? absl::StrCat(c.certified) : "");
}

// Rows beside those of the ledger:
//
//   coverage division filter   the agencies that must report, or did: "101001 received"; then how
//       many did of those that must
//   standing division          the budgets ever stated there and their revisions
class StatusesTest : public ::testing::TestWithParam<uint64_t> {
 protected:
  StatusesTest() {
    script_.Add("coverage", [this](const Words& words) { return Coverage(words); });
    script_.Add("standing", [this](const Words& words) {
      services::Work work;
      const auto all = StatusesAt(script_.projector(), 2024, domain::Stage::kApproved,
                                  {domain::ParseCode(words.at(1))}, script_.Fold(words), work);
      if (!all.ok()) return SayRefusal(all.status());
      std::vector<std::string> out;
      for (const auto& [key, status] : *all)
        out.push_back(absl::StrCat(key.agency, " r", status.revision,
                                   status.withdrawn ? " withdrawn" : "",
                                   status.certified ? " certified" : ""));
      return absl::StrJoin(out, " | ");
    });
    EXPECT_SCRIPT(script_, R"(
      divisions 141100 141121<141100                             => revised @1, 2 added
      agencies  141100 101001/101! 101002/101! 102001/102        => revised @2, 3 added
      agencies  141121 201001/201! 202001/202!                   => revised @3, 2 added
      codes     141100 205 20502                                 => revised @4, 2 added
      submit r1 141100/101001 l1=20502:1                         => created r1 @5, 1 line
      submit r2 141100/102001 certify l1=20502:1                 => created r1 @6, 1 line
      submit r3 141100/101001 certify l1=20502:2                 => revised r2 @7, 1 line
      submit r4 141121/201 department=201 l1=20502:3             => created r1 @8, 1 line
      withdraw w1 141100/101001                                  => revised r3 @9, 0 lines
    )");
  }

  std::string Coverage(const Words& words) {
    static constexpr absl::string_view kStates[] = {"none", "missing", "received", "certified"};
    services::Work work;
    const auto agencies =
        CoverageAt(script_.projector(), FilterOf(words), script_.Fold(words), work);
    if (!agencies.ok()) return SayRefusal(agencies.status());
    std::vector<std::string> out;
    for (const domain::AgencyCoverage& a : *agencies)
      out.push_back(absl::StrCat(a.agency, " ", kStates[static_cast<size_t>(a.state)],
                                 a.by_department ? " by its department" : ""));
    out.push_back(Say(services::Sum(*agencies)));
    return absl::StrJoin(out, " | ");
  }

  LedgerScript script_{services::CheckRules, WrittenEvery(GetParam())};
};

TEST_P(StatusesTest, WhoMustReportAndWhoDid) {
  EXPECT_SCRIPT(script_, R"(
    coverage 141100 own at=4                => 101001 missing | 101002 missing | 0 of 2
    coverage 141100 own at=5                => 101001 received | 101002 missing | 1 of 2
    coverage 141100 own at=7                => 101001 certified | 101002 missing | 102001 certified | 1 of 2, certified 1
    coverage 141100 own at=9                => 101001 missing | 101002 missing | 102001 certified | 0 of 2
    coverage 141100 at=9                    => 101001 missing | 101002 missing | 102001 certified | 201 received | 201001 received by its department | 202001 missing | 1 of 4
    coverage 141100 department=102 at=9     => 102001 certified | 0 of 0
    coverage 141100 stage=current own at=7  => 101001 certified | 101002 missing | 102001 certified | 1 of 2, certified 1
    coverage 149900                         => DIVISION_UNKNOWN
  )");
}

TEST_P(StatusesTest, EveryBudgetEverStatedHasAStatus) {
  EXPECT_SCRIPT(script_, R"(
    standing 141100 at=5   => 101001 r1
    standing 141100 at=7   => 101001 r2 certified | 102001 r1 certified
    standing 141100 at=9   => 101001 r3 withdrawn | 102001 r1 certified
    standing 141121 at=7   =>
  )");
}

TEST_P(StatusesTest, EachRowHasItsCoverage) {
  services::Work work;
  const domain::TotalFilter filter = FilterOf({"coverage", "141100"});
  const auto agencies =
      CoverageAt(script_.projector(), filter, script_.Fold({"fold", "at=8"}), work);
  ASSERT_TRUE(agencies.ok()) << agencies.status();
  const RowCoverages rows(*script_.projector().catalog(), filter, *agencies);
  EXPECT_EQ(Say(rows.OfDivision(141100, false)), "2 of 4, certified 1");
  EXPECT_EQ(Say(rows.OfDivision(141100, true)), "1 of 2, certified 1");
  EXPECT_EQ(Say(rows.OfDivision(141121, false)), "1 of 2");
  EXPECT_EQ(Say(rows.OfDepartment(141100, "101")), "1 of 2, certified 1");
  EXPECT_EQ(Say(rows.OfDepartment(141121, "202")), "0 of 1");
  EXPECT_EQ(Say(rows.OfDepartment(141100, "109")), "0 of 0");
}

INSTANTIATE_TEST_SUITE_P(Writes, StatusesTest, ::testing::Values(1, 3, 1000));

}  // namespace
}  // namespace fiscal::testing
