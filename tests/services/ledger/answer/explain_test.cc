// What a total is made of, level by level down to the lines, and why two totals differ.
#include "services/ledger/answer/explain.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "storage/head_reader.h"
#include "tests/support/upstream_script.h"

namespace fiscal::testing {
namespace {

// Rows beside those of the ledger:
//
//   parts division filter [lines] [skip=n] [limit=n]   what it is made of, and "..." where more
//       follows; the total
//   why division filter at=n to=n   the parts of the change between two positions, and the change
class ExplainTest : public ::testing::Test {
 protected:
  ExplainTest() {
    script_.Add("parts", [this](const Words& words) { return Parts(words); });
    script_.Add("why", [this](const Words& words) { return Why(words); });
    EXPECT_SCRIPT(script_, R"(
      divisions 140000 141100<140000 141121<141100 140200<140000   => revised @1, 4 added
      agencies  141100 101001/101 101002/101 102001/102            => revised @2, 3 added
      agencies  141121 201001/201                                  => revised @3, 1 added
      codes     140000 205 20502 208                               => revised @4, 3 added
      submit r1 141100/101001 l1=20502:10 l2=208:5                 => created r1 @5, 2 lines
      submit r2 141100/102001 l1=20502:20                          => created r1 @6, 1 line
      submit r3 141121/201001 l1=20502:40                          => created r1 @7, 1 line
      submit r4 141100/101002 l1=208:3                             => created r1 @8, 1 line
    )");
  }

  std::string Parts(const Words& words) {
    static constexpr absl::string_view kKinds[] = {"none",       "division",  "own level",
                                                   "department", "statement", "line"};
    const storage::HeadReader statements(script_.log_kv(), script_.log());
    services::Work work;
    const domain::Position position = script_.Fold(words);
    const auto e = ExplainTotal(script_.projector(), script_.reader(), statements, FilterOf(words),
                                Has(words, "lines"), Number(words, "skip", 0),
                                Number(words, "limit", 100), position, work);
    if (!e.ok()) return SayRefusal(e.status());
    std::vector<std::string> out;
    for (const domain::Contribution& c : e->contributions) {
      const std::string who = c.kind == domain::ContributionKind::kLineItem
                                  ? absl::StrCat(c.budget.agency, " ", std::string(c.line.line_id))
                              : c.kind == domain::ContributionKind::kStatement ? c.budget.agency
                              : c.kind == domain::ContributionKind::kDepartment
                                  ? c.filter.department
                                  : domain::FormatCode(c.filter.division);
      out.push_back(
          absl::StrCat(kKinds[static_cast<size_t>(c.kind)], " ", who, " ", Yuan(c.amount_fen)));
    }
    if (e->more) out.push_back("...");
    out.push_back(Yuan(e->total.amount_fen));
    return absl::StrJoin(out, " | ");
  }

  std::string Why(const Words& words) {
    static constexpr absl::string_view kReasons[] = {
        "none", "new", "amended", "withdrawn", "moved in", "moved out", "reclassified"};
    services::Work work;
    services::Side left{FilterOf(words), script_.Fold(words)};
    services::Side right{left.filter, script_.Fold({"to", absl::StrCat("at=", Get(words, "to"))})};
    const auto e = ExplainChange(script_.projector(), script_.reader(), left, right, work);
    if (!e.ok()) return SayRefusal(e.status());
    std::vector<std::string> out;
    for (const domain::ChangePart& part : e->parts)
      out.push_back(absl::StrCat(kReasons[static_cast<size_t>(part.reason)], " ", part.agency, " ",
                                 Yuan(part.change_fen)));
    out.push_back(Yuan(e->right_fen - e->left_fen));
    return absl::StrJoin(out, " | ");
  }

  LedgerScript script_{services::CheckRules};
  UpstreamScript upstreams_{script_};
};

TEST_F(ExplainTest, LevelByLevel) {
  EXPECT_SCRIPT(script_, R"(
    parts 140000                                  => division 141100 78.00 | 78.00
    parts 141100                                  => own level 141100 38.00 | division 141121 40.00 | 78.00
    parts 141100 own                              => department 101 18.00 | department 102 20.00 | 38.00
    parts 141100 department=101                   => statement 101001 15.00 | statement 101002 3.00 | 18.00
    parts 141100 agency=101001                    => line 101001 l1 10.00 | line 101001 l2 5.00 | 15.00
    parts 141100 functional=208 department=101    => statement 101001 5.00 | statement 101002 3.00 | 8.00
    parts 141121                                  => department 201 40.00 | 40.00
  )");
}

TEST_F(ExplainTest, LinesAtOnceAndInPages) {
  EXPECT_SCRIPT(script_, R"(
    parts 141100 lines                            => line 101001 l1 10.00 | line 101001 l2 5.00 | line 101002 l1 3.00 | line 102001 l1 20.00 | line 201001 l1 40.00 | 78.00
    parts 141100 lines functional=208             => line 101001 l2 5.00 | line 101002 l1 3.00 | 8.00
    parts 141100 lines limit=2                    => line 101001 l1 10.00 | line 101001 l2 5.00 | ... | 78.00
    parts 141100 lines skip=2 limit=2             => line 101002 l1 3.00 | line 102001 l1 20.00 | ... | 78.00
    parts 141100 lines skip=4 limit=2             => line 201001 l1 40.00 | 78.00
    parts 141100 lines at=5                       => line 101001 l1 10.00 | line 101001 l2 5.00 | 15.00
  )");
}

// Its lines are not in this log.
TEST_F(ExplainTest, AnUpstreamsStatementStandsForItsLines) {
  EXPECT_SCRIPT(script_, R"(
    from  city agencies 140200 301001/301 | budget 140200/301001 r1 20502:7 208:1   => taken to 2 @10
    parts 140200 lines                                                              => statement 301001 8.00 | 8.00
  )");
}

TEST_F(ExplainTest, PartsOfAChangeAddUpToIt) {
  EXPECT_SCRIPT(script_, R"(
    submit r5 141100/101001 l1=20502:12            => revised r2 @9, 1 line
    withdraw w1 141100/102001                      => revised r2 @10, 0 lines
    why 141100 at=7 to=10                          => withdrawn 102001 -20.00 | amended 101001 -3.00 | new 101002 3.00 | -20.00
    why 141100 functional=208 at=8 to=10           => amended 101001 -5.00 | -5.00
    why 141121 at=7 to=10                          => 0.00
  )");
}

}  // namespace
}  // namespace fiscal::testing
