// What reading a statement costs, by what it reads of the log: a page what it has, an old revision
// no more events than lie between two marks. And that it is the statement that was made.
#include "storage/head_reader.h"

#include <deque>
#include <map>
#include <random>
#include <set>
#include <string>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "storage/heads.h"
#include "tests/support/ledger_script.h"

namespace fiscal::storage {
namespace {

using domain::Position;
using testing::LedgerScript;

// Hands reads on to a log, and counts them.
class CountedLog final : public EventLog {
 public:
  explicit CountedLog(const EventLog& log) : log_(log) {}

  const std::string& log_id() const override { return log_.log_id(); }
  Origin origin() const override { return log_.origin(); }
  Head head() const override { return log_.head(); }
  absl::Status Append(LogGroup) override { return absl::UnimplementedError("for readers"); }
  absl::StatusOr<LogEntry> Read(Position position) const override {
    ++events;
    return log_.Read(position);
  }
  absl::StatusOr<std::string> ReadBytes(Position position, uint64_t offset,
                                        uint64_t size) const override {
    bytes += size;
    return log_.ReadBytes(position, offset, size);
  }
  absl::StatusOr<std::string> ReadRecordHead(Position position,
                                             domain::EventHeader* header) const override {
    return log_.ReadRecordHead(position, header);
  }
  absl::StatusOr<Digest> ChainAt(Position position) const override {
    return log_.ChainAt(position);
  }
  absl::StatusOr<GroupRecord> ReadGroup(uint64_t group) const override {
    return log_.ReadGroup(group);
  }
  absl::StatusOr<Digest> GroupsHashAt(uint64_t group) const override {
    return log_.GroupsHashAt(group);
  }
  const MerkleTree& tree() const override { return log_.tree(); }
  absl::StatusOr<std::vector<Position>> CatalogEvents(Position last) const override {
    return log_.CatalogEvents(last);
  }
  std::shared_ptr<const OperatorEvents> operators() const override { return log_.operators(); }
  bool WaitPast(Position position, absl::Time deadline) const override {
    return log_.WaitPast(position, deadline);
  }
  bool stopped() const override { return log_.stopped(); }
  void StopWaiting() override {}
  absl::Status Settle() override { return absl::OkStatus(); }

  mutable int events = 0;
  mutable uint64_t bytes = 0;

 private:
  const EventLog& log_;
};

// A statement as text: "l1=5 l2=7 | P1".
using Items = std::map<std::string, std::string>;
std::string Say(const Items& lines, const Items& projects) {
  const auto pair = absl::PairFormatter("=");
  return absl::StrCat(absl::StrJoin(lines, " ", pair), " | ", absl::StrJoin(projects, " ", pair));
}

class HeadReaderTest : public ::testing::Test {
 protected:
  HeadReaderTest() {
    script_.Run(R"(
      divisions 140000 141100<140000
      agencies  141100 101001/101
      codes     140000 205
    )");
  }

  void Submit(const std::string& words) {
    const std::string row = absl::StrCat("submit r", ++requests_, " 141100/101001 ", words, "\n");
    ASSERT_EQ(script_.Run(row), LedgerScript::Plain(row));
  }

  // By windows of that many, from `after` on.
  std::string ReadBy(const HeadReader& reader, uint64_t revision, size_t count,
                     const std::string& after = "") {
    Items lines, projects;
    uint64_t spent = 0;
    const auto spend = [&spent](uint64_t units) {
      spent += units;
      return absl::OkStatus();
    };
    const auto read = reader.VisitLines(
        kBudget, {revision, after, count},
        [&](const std::vector<domain::Line>& found) -> absl::StatusOr<bool> {
          for (const domain::Line& line : found) {
            const std::string id(line.line_id);
            EXPECT_TRUE(lines.empty() || lines.rbegin()->first < id);
            lines[id] = absl::StrCat(line.amount_fen);
          }
          return true;
        },
        spend);
    EXPECT_TRUE(read.ok()) << read.status();
    EXPECT_TRUE(
        reader
            .VisitProjects(
                kBudget, {revision, after, count},
                [&](const std::vector<domain::ProjectEntry>& found) -> absl::StatusOr<bool> {
                  for (const domain::ProjectEntry& p : found) projects[p.code] = p.bytes;
                  return true;
                },
                spend)
            .ok());
    EXPECT_GE(spent, lines.size() + projects.size());
    return Say(lines, projects);
  }
  std::string ReadWhole(const HeadReader& reader, uint64_t revision) {
    const auto statement = reader.Read(kBudget, revision);
    if (!statement.ok()) return statement.status().ToString();
    EXPECT_EQ(statement->meta.revision, revision);
    Items lines, projects;
    for (const domain::Line& line : statement->lines.lines)
      lines[std::string(line.line_id)] = absl::StrCat(line.amount_fen);
    for (const domain::ProjectEntry& p : statement->projects) projects[p.code] = p.bytes;
    return Say(lines, projects);
  }

  const domain::BudgetKey kBudget = {141100, 2024, domain::Stage::kApproved, "101001"};
  LedgerScript script_{services::CheckRules};
  int requests_ = 0;
};

std::string Id(uint64_t n) { return absl::StrCat("l", 10000 + n); }

// Patches, replacements, withdrawals and new beginnings, past many marks.
TEST_F(HeadReaderTest, EveryRevisionIsWhatWasMade) {
  std::mt19937_64 random(17);
  std::vector<std::pair<Items, Items>> history;
  for (int revision = 1; revision <= 450; ++revision) {
    Items lines, projects;
    if (!history.empty()) std::tie(lines, projects) = history.back();
    std::string words;
    const bool fresh = lines.empty();
    const bool replace = fresh || revision % 97 == 0;
    if (!fresh && revision % 131 == 0) {
      const std::string row = absl::StrCat("withdraw r", ++requests_, " 141100/101001\n");
      ASSERT_EQ(script_.Run(row), LedgerScript::Plain(row));
      history.emplace_back();
      continue;
    }
    const auto put = [&](uint64_t n) {
      const uint64_t yuan = static_cast<uint64_t>(revision) * 1000 + random() % 1000;
      lines[Id(n)] = absl::StrCat(yuan * 100);
      absl::StrAppend(&words, " ", Id(n), "=205:", yuan);
    };
    const auto put_project = [&](uint64_t n) {
      const std::string code = absl::StrCat("p", 100 + n);
      projects[code] = absl::StrCat("project ", code);
      absl::StrAppend(&words, " project=", code);
    };
    if (replace) {
      lines.clear();
      projects.clear();
      for (uint64_t n = 0; n < 1200; ++n) {
        if (random() % 3 > 0) put(n);
      }
      for (uint64_t n = 0; n < 40; ++n) {
        if (random() % 3 > 0) put_project(n);
      }
    } else {
      words = " patch";
      std::set<uint64_t> changed;
      // Now and then many at once, so that blocks split and vanish.
      const size_t count = revision % 23 == 0 ? 300 : 3;
      while (changed.size() < count) changed.insert(random() % 1200);
      for (const uint64_t n : changed) {
        if (lines.count(Id(n)) == 1 && random() % 2 == 0) {
          lines.erase(Id(n));
          absl::StrAppend(&words, " -", Id(n));
        } else {
          put(n);
        }
      }
      const uint64_t n = random() % 60;
      const std::string code = absl::StrCat("p", 100 + n);
      if (projects.erase(code) == 1) {
        absl::StrAppend(&words, " -project=", code);
      } else {
        put_project(n);
      }
    }
    Submit(words);
    history.emplace_back(lines, projects);
  }
  const CountedLog log(script_.log());
  const HeadReader reader(script_.log_kv(), log);
  for (size_t i = 0; i < history.size(); ++i) {
    const uint64_t revision = i + 1;
    const auto& [lines, projects] = history[i];
    log.events = 0;
    ASSERT_EQ(ReadWhole(reader, revision), Say(lines, projects)) << revision;
    // Lines and projects.
    ASSERT_LT(log.events, 2 * static_cast<int>(kMarkRevisions)) << revision;
    if (i % 7 != 0) continue;
    ASSERT_EQ(ReadBy(reader, revision, 1 + i % 50), Say(lines, projects)) << revision;
    const std::string after = Id(random() % 1300);
    ASSERT_EQ(ReadBy(reader, revision, 1 + i % 50, after),
              Say(Items(lines.upper_bound(after), lines.end()),
                  Items(projects.upper_bound(after), projects.end())))
        << revision << " after " << after;
  }
  EXPECT_NE(ReadWhole(reader, history.size() + 1).find("NOT_FOUND"), std::string::npos);
}

TEST_F(HeadReaderTest, APageCostsWhatItHas) {
  constexpr int kLines = 20000;
  std::string words;
  for (int n = 0; n < kLines; ++n) absl::StrAppend(&words, " l", 100000 + n, "=205:1");
  Submit(words);
  // Behind it in the log, so that it is read from the store and not from memory.
  for (int i = 0; i < 3; ++i) Submit(absl::StrCat("patch l100000=205:", i + 2));
  const CountedLog log(script_.log());
  const HeadReader reader(script_.log_kv(), log);
  for (const int from : {0, 137, 10000, 19980}) {
    log.bytes = 0;
    std::vector<std::string> ids;
    uint64_t spent = 0;
    const std::string after = absl::StrCat("l", 100000 + from);
    ASSERT_TRUE(reader
                    .VisitLines(
                        kBudget, {0, after, 11},
                        [&](const std::vector<domain::Line>& lines) -> absl::StatusOr<bool> {
                          for (const domain::Line& line : lines) {
                            ids.emplace_back(line.line_id);
                            if (ids.size() == 11) return false;
                          }
                          return true;
                        },
                        [&spent](uint64_t units) {
                          spent += units;
                          return absl::OkStatus();
                        })
                    .ok());
    ASSERT_EQ(ids.size(), 11u) << from;
    EXPECT_EQ(ids.front(), absl::StrCat("l", 100001 + from));
    // Two blocks at most, of 256 lines.
    EXPECT_LT(log.bytes, 16u << 10) << from;
    EXPECT_LT(spent, 700u) << from;
  }
  EXPECT_EQ(log.events, 0);
}

TEST_F(HeadReaderTest, TheFirstOfManyRevisionsIsNear) {
  constexpr uint64_t kRevisions = 10000;
  Submit("l1=205:1 l2=205:1");
  for (uint64_t r = 2; r <= kRevisions; ++r) Submit(absl::StrCat("patch l1=205:", r));
  const CountedLog log(script_.log());
  const HeadReader reader(script_.log_kv(), log);
  for (const uint64_t revision : {uint64_t{1}, uint64_t{64}, uint64_t{5000}, kRevisions - 1}) {
    log.events = 0;
    EXPECT_EQ(ReadWhole(reader, revision), absl::StrCat("l1=", revision * 100, " l2=100 | "));
    EXPECT_LT(log.events, 2 * static_cast<int>(kMarkRevisions)) << revision;
  }
}

TEST_F(HeadReaderTest, WhoLeavesEndsIt) {
  Submit("l1=205:1");
  for (int i = 0; i < 60; ++i) Submit(absl::StrCat("patch l1=205:", i + 2));
  const HeadReader reader(script_.log_kv(), script_.log());
  int asked = 0;
  const auto read = reader.Read(kBudget, 2, [&asked](uint64_t) -> absl::Status {
    return ++asked < 10 ? absl::OkStatus() : absl::CancelledError("he left");
  });
  EXPECT_EQ(read.status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(asked, 10);
}

}  // namespace
}  // namespace fiscal::storage
