// The ledger at a position as sums for the tables: by code, by unit, by project, and analyses that
// some statements make themselves.
#include "services/ledger/answer/ledger_source.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "storage/head_reader.h"
#include "tests/support/ledger_script.h"

namespace fiscal::testing {
namespace {

using disclosure::GroupKind;
using services::LedgerSource;

class LedgerSourceTest : public ::testing::Test {
 protected:
  LedgerSourceTest() {
    EXPECT_SCRIPT(script_, R"(
      divisions 141100 141121<141100                                            => revised @1, 2 added
      agencies  141100 101001/101 101002/101 102001/102                         => revised @2, 3 added
      agencies  141121 201001/201                                               => revised @3, 1 added
      codes     141100 205 20502 208                                            => revised @4, 3 added
      submit r1 141100/101001 l1=20502:10 l2=208:5@P1 project=P1                => created r1 @5, 2 lines, 1 project
      submit r2 141100/102001 l1=20502:20                                       => created r1 @6, 1 line
      submit r3 141121/201001 l1=208:40                                         => created r1 @7, 1 line
      submit r4 141100/101001 l1=20502:11 l2=208:5@P1 project=P1                => revised r2 @8, 2 lines, 1 project
    )");
  }

  // The groups of what a scope asks at a position: "code amount".
  std::string Ask(const Words& scope, GroupKind by, domain::Code functional = 0) {
    const storage::HeadReader statements(script_.log_kv(), script_.log());
    const domain::Position position = script_.Fold(scope);
    services::Work work;
    LedgerSource source(
        script_.projector(), script_.reader(), statements,
        [](const domain::ProjectEntry&) { return std::string(); }, FilterOf(scope), position, work);
    disclosure::Query query;
    query.direction = domain::Direction::kExpenditure;
    query.functional = functional;
    const auto groups = source.Ask(query, by);
    if (!groups.ok()) return SayRefusal(groups.status());
    return absl::StrJoin(*groups, " | ", [](std::string* out, const disclosure::Group& g) {
      absl::StrAppend(out, g.code, g.code.empty() ? "" : " ", Yuan(g.sum.fen));
    });
  }

  LedgerScript script_{services::CheckRules};
};

TEST_F(LedgerSourceTest, AScopeIsASubtreeALevelADepartmentOrAnAgency) {
  EXPECT_EQ(Ask({"t", "141100"}, GroupKind::kNone), "76.00");
  EXPECT_EQ(Ask({"t", "141100", "own"}, GroupKind::kNone), "36.00");
  EXPECT_EQ(Ask({"t", "141100", "department=101"}, GroupKind::kNone), "16.00");
  EXPECT_EQ(Ask({"t", "141100", "agency=102001"}, GroupKind::kNone), "20.00");
  EXPECT_EQ(Ask({"t", "141100", "at=7"}, GroupKind::kNone), "75.00");
}

TEST_F(LedgerSourceTest, GroupsHaveEveryLevelOfACode) {
  EXPECT_EQ(Ask({"t", "141100", "own"}, GroupKind::kFunctional),
            "205 31.00 | 20502 31.00 | 208 5.00");
  EXPECT_EQ(Ask({"t", "141100"}, GroupKind::kNone, 208), "45.00");
}

TEST_F(LedgerSourceTest, CodesAndUnitsHaveTheirNames) {
  const storage::HeadReader statements(script_.log_kv(), script_.log());
  services::Work work;
  LedgerSource source(
      script_.projector(), script_.reader(), statements,
      [](const domain::ProjectEntry&) { return std::string(); }, FilterOf({"t", "141100"}),
      script_.Fold({"fold"}), work);
  EXPECT_EQ(source.NameOf(domain::CatalogList::kFunctional, "20502"), "name of 20502");
  EXPECT_EQ(source.NameOf(domain::CatalogList::kFunctional, "999"), "");
}

TEST_F(LedgerSourceTest, WhatIsInNoCatalogIsNotFound) {
  EXPECT_EQ(Ask({"t", "149900"}, GroupKind::kNone), "DIVISION_UNKNOWN");
  EXPECT_EQ(Ask({"t", "141100", "department=109"}, GroupKind::kNone), "DEPARTMENT_UNKNOWN");
}

}  // namespace
}  // namespace fiscal::testing
