// What is put and what is removed, of each way to state something against what stands.
#include "services/ledger/decide/change.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/support/ledger_script.h"

namespace fiscal::testing {
namespace {

using services::Change;

// Rows beside those of the ledger; nothing of them is kept:
//
//   change statement   "puts l1 l3, removes l1": lines; then the projects, if any
//   after statement    of a patch: the lines of the whole statement then
class ChangeTest : public ::testing::Test {
 protected:
  ChangeTest() {
    script_.Add("change", [this](const Words& words) { return Say(words); });
    script_.Add("after", [this](const Words& words) { return After(words); });
    EXPECT_SCRIPT(script_, R"(
      divisions 141100                       => revised @1, 1 added
      agencies  141100 101001/101 101002/101 => revised @2, 2 added
      codes     141100 205 20502             => revised @3, 2 added
      submit r1 141100/101001 l1=20502:1 l2=20502:2 l3=20502:3@P1 project=P1 project=P2   => created r1 @4, 3 lines, 2 projects
    )");
  }

  // A row's submission, as if it were submitted.
  domain::Submission StatementOf(const Words& words) {
    Words row = words;
    row[0] = "submit";
    row.insert(row.begin() + 1, "r");
    return std::get<domain::Submission>(script_.Prepared(row));
  }

  absl::StatusOr<Change> Diff(domain::Submission& s, const services::Group& group) {
    const storage::Heads& heads = group.standing().ledger.heads();
    if (s.mode == domain::WriteMode::kPatch) return services::DiffPatch(heads, s);
    return services::DiffReplace(heads, s, s.key.agency == "101001");
  }

  static std::string Ids(const std::vector<domain::Line>& lines) {
    std::string out;
    for (const domain::Line& line : lines) absl::StrAppend(&out, " ", std::string(line.line_id));
    return out.empty() ? " nothing" : out;
  }
  static std::string Codes(const std::vector<domain::ProjectEntry>& projects) {
    std::string out;
    for (const domain::ProjectEntry& p : projects) absl::StrAppend(&out, " ", p.code);
    return out;
  }

  std::string Say(const Words& words) {
    const auto group = script_.NextGroup();
    domain::Submission s = StatementOf(words);
    const absl::StatusOr<Change> change = Diff(s, *group);
    if (!change.ok()) return SayRefusal(change.status());
    std::string out = absl::StrCat(change->fresh ? "fresh, " : "", "puts", Ids(change->put(s)),
                                   change->PutsAll(s) ? " (all sent)" : "", ", removes",
                                   Ids(change->event.removed.lines));
    const std::string put = Codes(change->event.projects_put);
    const std::string removed = Codes(change->event.projects_removed);
    if (!put.empty() || !removed.empty())
      absl::StrAppend(&out, ", projects put:", put, ", removed:", removed);
    return out;
  }

  std::string After(const Words& words) {
    const auto group = script_.NextGroup();
    domain::Submission s = StatementOf(words);
    const absl::StatusOr<Change> change = Diff(s, *group);
    if (!change.ok()) return SayRefusal(change.status());
    const auto before = group->standing().ledger.heads().Lines(s.key);
    if (!before.ok()) return before.status().ToString();
    return "stand" + Ids(LinesAfter(*before, *change));
  }

  LedgerScript script_{services::CheckRules};
};

TEST_F(ChangeTest, WhereNothingStandsAllIsPut) {
  EXPECT_SCRIPT(script_, R"(
    change 141100/101002 l2=20502:2 l1=20502:1   => fresh, puts l1 l2 (all sent), removes nothing
  )");
}

TEST_F(ChangeTest, AReplaceIsComparedLineByLine) {
  EXPECT_SCRIPT(script_, R"(
    change 141100/101001 l1=20502:1 l2=20502:2 l3=20502:3@P1 project=P1 project=P2   => puts nothing, removes nothing
    change 141100/101001 l1=20502:1 l2=20502:9 l4=20502:4                            => puts l2 l4, removes l2 l3, projects put:, removed: P1 P2
    change 141100/101001 l0=20502:1                                                  => puts l0 (all sent), removes l1 l2 l3, projects put:, removed: P1 P2
    change 141100/101001 l1=20502:1 l2=20502:2 l3=20502:3@P1 project=P1 project=P3   => puts nothing, removes nothing, projects put: P3, removed: P2
  )");
}

TEST_F(ChangeTest, APatchTouchesWhatItNames) {
  EXPECT_SCRIPT(script_, R"(
    change 141100/101001 patch l2=20502:2             => puts nothing, removes nothing
    change 141100/101001 patch l2=20502:9 l4=20502:4  => puts l2 l4 (all sent), removes l2
    change 141100/101001 patch -l1                    => puts nothing (all sent), removes l1
    change 141100/101001 patch -l9                    => LINE_UNKNOWN removed_line_ids
    change 141100/101001 patch -project=P1            => PROJECT_UNKNOWN removed_project_codes
    change 141100/101001 patch -project=P2            => puts nothing (all sent), removes nothing, projects put:, removed: P2
    change 141100/101001 patch l1=20502:1@P2          => puts l1 (all sent), removes l1
    change 141100/101001 patch l1=20502:1@P9          => PROJECT_UNKNOWN line_items[0].project_code
    change 141100/101001 patch -l3 -project=P1        => puts nothing (all sent), removes l3, projects put:, removed: P1
  )");
}

TEST_F(ChangeTest, TheWholeAfterAPatchIsInOrder) {
  EXPECT_SCRIPT(script_, R"(
    after 141100/101001 patch l4=20502:4 l0=20502:5 l2=20502:7 -l1   => stand l0 l2 l3 l4
    after 141100/101001 patch -l1 -l2 -l3                            => stand nothing
  )");
}

}  // namespace
}  // namespace fiscal::testing
