// Damage of every kind of derived data is found by Verify, and named; how it keeps to its memory,
// and stops.
#include "services/ledger/compare/verify.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/clock.h"
#include "domain/validation.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/ledger/decide/intake.h"
#include "storage/anchor.h"
#include "storage/local_log.h"
#include "storage/memory/memory_kv.h"
#include "storage/schema.h"
#include "tests/simulation/no_rules.h"
#include "tests/simulation/scratch.h"

namespace fiscal::simulation {
namespace {

using domain::Code;
using services::Intake;
using services::Projector;
using services::Verify;
using services::VerifyOptions;
using services::VerifyResult;

constexpr Code kCity = 141100, kCounty = 141121;

// A ledger of a city and its county: a few hundred events, the last of them not written.
class Ledger {
 public:
  Ledger() : clock_(absl::FromUnixSeconds(1704067200)) {
    log_kv_ = *storage::MemoryKv::Open(log_disk_, {true, nullptr});
    anchor_ = std::make_unique<storage::MemoryAnchor>(anchor_disk_);
    log_ = *storage::LocalLog::Open(*log_kv_, *anchor_, "0123456789abcdef");
    intake_ = *Intake::Open(*log_kv_, *log_, clock_, NoRules);
    Import(domain::CatalogList::kDivision, kCity,
           {{"141100", "city", "", "", {}, "", "", false, {}},
            {"141121", "county", "141100", "", {}, "", "", false, {}}});
    Import(domain::CatalogList::kFunctional, kCity, {{"208", "类", "", "", {}, "", "", false, {}}});
    for (Code division : {kCity, kCounty}) {
      Import(
          domain::CatalogList::kAgency, division,
          {{"101001", "agency", "", "101", domain::AgencyKind::kAdministrative, "", "", true, {}},
           {"102001", "agency", "", "102", domain::AgencyKind::kAdministrative, "", "", true, {}}});
    }
    Reallocate();
    for (int i = 0; i < 300; ++i)
      Submit(i % 3 == 0 ? kCity : kCounty, i % 2 == 0 ? "101001" : "102001", i);
    totals_kv_ = *storage::MemoryKv::Open(totals_disk_, {false, nullptr});
    Fold(1500000);
  }

  void Submit(Code division, const std::string& agency, int i) {
    auto texts = std::make_shared<std::vector<std::string>>(
        std::vector<std::string>{absl::StrCat("line-", i % 40), "P1"});
    domain::Submission s;
    s.request_id = absl::StrCat("r", ++request_);
    s.key = {division, 2024, domain::Stage::kApproved, agency};
    s.mode = i < 6 ? domain::WriteMode::kReplace : domain::WriteMode::kPatch;
    domain::Line line = Spending(100 + i, (*texts)[0]);
    if (i % 5 == 0) {
      line.project_code = (*texts)[1];
      s.projects.push_back({"P1", absl::StrCat("name ", i), absl::StrCat("P1=", i)});
    }
    Finish({line}, texts, &s);
    Commit(Intake::Request(std::move(s)));
  }

  // Folds what is there with another projector over the same store.
  void Fold(size_t live_cells_max) {
    projector_.reset();
    totals_ = std::make_unique<storage::TotalsStore>(*totals_kv_);
    Projector::Options options;
    options.live_cells_max = live_cells_max;
    options.write_events = 1000;
    options.rule = {2, 3, 4};
    projector_ = *Projector::Open(*log_, *totals_, options);
    // But for the last two events all is written.
    const int left = static_cast<int>(log_->head().position - projector_->folded());
    ASSERT_TRUE(projector_->Step(std::max(left - 2, 0)).ok());
    ASSERT_TRUE(projector_->Write().ok());
    Step();
  }
  void Step() {
    while (projector_->folded() < log_->head().position) ASSERT_TRUE(projector_->Step(1000).ok());
  }

  const Projector& projector() const { return *projector_; }
  storage::Kv& log_kv() { return *log_kv_; }
  storage::Kv& totals_kv() { return *totals_kv_; }

 private:
  static domain::Line Spending(int64_t amount, const std::string& id) {
    domain::Line line;
    line.line_id = id;
    line.attributes.direction = domain::Direction::kExpenditure;
    line.attributes.fund = domain::Fund::kGeneral;
    line.functional = 2080505;
    line.amount_fen = amount;
    return line;
  }
  void Finish(std::vector<domain::Line> lines, std::shared_ptr<const void> owner,
              domain::Submission* s) {
    s->lines.lines = std::move(lines);
    s->lines.owners.push_back(std::move(owner));
    domain::CheckMessage(s);
    domain::CheckCatalog(*intake_->catalog(), s);
    s->encoded = storage::EncodeBlocks(s->lines);
    s->encoded_digest = Sha256({s->encoded.bytes});
    s->body = Sha256({s->request_id});
  }
  void Commit(Intake::Request request) {
    std::vector<Intake::Request*> group = {&request};
    const auto outcome = intake_->Commit(group)[0];
    ASSERT_TRUE(outcome.ok()) << outcome.status();
  }
  void Import(domain::CatalogList list, Code division, std::vector<domain::CatalogEntry> entries) {
    domain::CatalogImport import;
    import.request_id = absl::StrCat("c", ++request_);
    import.event = {division, 2024, list, std::move(entries)};
    Commit(Intake::Request(std::move(import)));
  }
  void Reallocate() {
    domain::Reallocation r;
    r.request_id = "reallocation";
    for (int i = 0; i < 2; ++i) {
      auto texts = std::make_shared<std::vector<std::string>>(std::vector<std::string>{"line"});
      domain::Submission s;
      s.request_id = "part";
      s.key = {kCity, 2024, domain::Stage::kReallocation, i == 0 ? "101001" : "102001"};
      s.mode = domain::WriteMode::kReplace;
      Finish({Spending(i == 0 ? -50 : 50, (*texts)[0])}, texts, &s);
      // As the service names it: no caller's id has a control character.
      s.request_id = absl::StrCat("reallocation\x01", i);
      r.parts.push_back(std::move(s));
    }
    r.body = Sha256({"reallocation"});
    Commit(Intake::Request(std::move(r)));
  }

  ManualClock clock_;
  storage::MemoryDisk log_disk_, totals_disk_;
  storage::MemoryAnchorDisk anchor_disk_;
  std::unique_ptr<storage::MemoryKv> log_kv_, totals_kv_;
  std::unique_ptr<storage::MemoryAnchor> anchor_;
  std::unique_ptr<storage::EventLog> log_;
  std::unique_ptr<Intake> intake_;
  std::unique_ptr<storage::TotalsStore> totals_;
  std::unique_ptr<Projector> projector_;
  int request_ = 0;
};

std::string Found(Ledger& ledger, VerifyOptions options = {}) {
  options.ledger = &ledger.log_kv();
  options.new_store = ScratchKv::Make;
  const auto result = Verify(ledger.projector(), ledger.log_kv(), options);
  if (!result.ok()) return result.status().ToString();
  return absl::StrJoin(result->differences, "; ");
}

// The first key from `lower` on.
storage::Key FirstKey(const storage::Kv& kv, const storage::Key& lower) {
  auto it = kv.NewIterator(lower, storage::KeysOf(lower.kind()).upper);
  it->Seek(lower);
  return it->Valid() ? storage::Key(it->key()) : storage::Key();
}

struct Planted {
  const char* what;
  // What the differences say.
  std::string name;
  storage::Kv& kv;
  // There for "missing" and "not the same", not there for "surplus".
  storage::Key key;
};

// Changes, removes or adds the key, and puts it back.
void ExpectFound(Ledger& ledger, const Planted& planted) {
  SCOPED_TRACE(planted.what);
  const auto before = planted.kv.Get(planted.key);
  auto expect = [&](const std::function<void(storage::Batch*)>& change,
                    const testing::Matcher<std::string>& says) {
    storage::Batch batch, back;
    change(&batch);
    ASSERT_TRUE(planted.kv.Write(batch, false).ok());
    for (size_t memory : {size_t{1} << 30, size_t{1}}) {
      VerifyOptions options;
      options.memory_bytes_max = memory;
      const std::string found = Found(ledger, options);
      EXPECT_THAT(found, testing::HasSubstr(planted.name)) << "with " << memory;
      EXPECT_THAT(found, says);
    }
    before.ok() ? back.Put(planted.key, *before) : back.Delete(planted.key);
    ASSERT_TRUE(planted.kv.Write(back, false).ok());
  };
  if (before.ok()) {
    std::string other = *before;
    if (other.empty()) {
      other = "x";
    } else {
      other.back() = static_cast<char>(other.back() ^ 1);
    }
    expect([&](auto* batch) { batch->Put(planted.key, other); },
           testing::HasSubstr("not the same"));
    // One of many states is gone.
    expect([&](auto* batch) { batch->Delete(planted.key); },
           testing::ContainsRegex("missing|not the same"));
  } else {
    expect([&](auto* batch) { batch->Put(planted.key, "surplus"); }, testing::HasSubstr("surplus"));
  }
  EXPECT_EQ(Found(ledger), "") << "it was put back";
}

TEST(VerifyTest, DamageOfEveryKindIsFoundAndNamed) {
  Ledger ledger;
  ASSERT_EQ(Found(ledger), "");
  storage::Kv& totals = ledger.totals_kv();
  storage::Kv& log = ledger.log_kv();
  ASSERT_GT(ledger.projector().written(), domain::Position(250));
  ASSERT_LT(ledger.projector().written(), ledger.projector().folded());
  const domain::BudgetKey budget{kCounty, 2024, domain::Stage::kApproved, "101001"};
  auto node = [](domain::OrgType type, Code division, const std::string& code) {
    return domain::NodeId{{type, division, code}, 2024, domain::Stage::kApproved};
  };
  auto cells = [&](domain::OrgType type, Code division, const std::string& code) {
    return FirstKey(totals, storage::CellsKey(node(type, division, code), domain::Position::Max()));
  };
  // States of a department: the newest that is told by its posting, and one that is whole.
  const storage::Key department = cells(domain::OrgType::kDepartment, kCounty, "101");
  storage::Key told, whole;
  {
    auto it =
        totals.NewIterator(department, storage::AfterStates(storage::SplitState(department)->of));
    for (it->Seek(department); it->Valid(); it->Next())
      (it->value().empty() ? told : whole) = storage::Key(it->key());
  }
  ASSERT_FALSE(told.empty());
  ASSERT_FALSE(whole.empty());
  // Whole states of an agency stand with its status.
  storage::Key leaves;
  {
    const storage::Key first = storage::StatusKey(budget, domain::Position::Max());
    auto it = totals.NewIterator(first, storage::AfterStates(storage::SplitState(first)->of));
    size_t longest = 0, shortest = SIZE_MAX;
    for (it->Seek(first); it->Valid(); it->Next()) {
      shortest = std::min(shortest, it->value().size());
      if (it->value().size() <= longest) continue;
      longest = it->value().size();
      leaves = storage::Key(it->key());
    }
    ASSERT_GT(longest, shortest + 10);
  }
  const storage::Key surplus_cells =
      storage::CellsKey(node(domain::OrgType::kDepartment, kCounty, "109"), domain::Position(9));
  const storage::Key surplus_status =
      storage::StatusKey({kCounty, 2024, domain::Stage::kApproved, "101009"}, domain::Position(7));
  const storage::Key group = FirstKey(totals, storage::GroupKey(domain::Position()));
  const storage::Key after_group = storage::GroupKey(domain::Position(7));
  const Planted kinds[] = {
      {"an agency's cells", "status of year 2024 stage 3 division 141121 agency 101001", totals,
       leaves},
      {"a department's", "division 141121 node 3 101", totals, told},
      {"a department's that are whole", "division 141121 node 3 101", totals, whole},
      {"an own level's", "division 141121 node 2", totals,
       cells(domain::OrgType::kOwnLevel, kCounty, "")},
      {"a division's", "division 141100 node 1", totals,
       cells(domain::OrgType::kDivision, kCity, "")},
      {"cells of nobody", "division 141121 node 3 109", totals, surplus_cells},
      {"a status", "status of year 2024 stage 3 division 141121 agency 101001", totals,
       FirstKey(totals, storage::StatusKey(budget, domain::Position::Max()))},
      {"a status of nobody", "status of year 2024 stage 3 division 141121 agency 101009", totals,
       surplus_status},
      {"a posting", "posting 200", totals, storage::PostingKey(domain::Position(200))},
      {"a posting of a catalog", "posting 2", totals, storage::PostingKey(domain::Position(2))},
      {"a group", "group 5", totals, group},
      {"a group of one", "group 7", totals, after_group},
      {"a tile", "tile 0/0", log, storage::TileKey(0, 0)},
      {"a list of catalogs", "catalog at 2", log, storage::CatalogEventKey(domain::Position(2))},
      {"a catalog that is none", "catalog at 100", log,
       storage::CatalogEventKey(domain::Position(100))},
  };
  for (const Planted& planted : kinds) ExpectFound(ledger, planted);

  // Log and ledger share a store here.
  const std::string of = " of year 2024 stage 3 division 141121 agency 101001";
  const Planted ledgers[] = {
      {"a head", "head" + of, log, storage::HeadKey(budget)},
      {"its lines", "head's lines" + of, log,
       FirstKey(log, storage::BlockKeys::OfLines(budget).all().lower)},
      {"its projects", "head's projects" + of, log,
       FirstKey(log, storage::BlockKeys::OfProjects(budget).all().lower)},
      {"a revision", absl::StrCat("revision", of, " number 3"), log,
       storage::RevisionKey(budget, 3)},
      {"a revision that never was", absl::StrCat("revision", of, " number 999"), log,
       storage::RevisionKey(budget, 999)},
      {"an answer", "answer to  r100", log, storage::RequestKey("", "r100")},
      {"an answer nobody got", "answer to  r9999", log, storage::RequestKey("", "r9999")},
      {"gross", "gross of year 2024 stage 3 division 141121", log,
       storage::GrossKey(kCounty, 2024, domain::Stage::kApproved)},
      {"scopes", "scopes of year 2024 stage 3 division 141121 101", log,
       storage::ScopeKey(kCounty, 2024, domain::Stage::kApproved, "101")},
      {"an upstream", "upstream city", log, storage::UpstreamKey("city")},
      {"an owner", "owner of division 141121", log, storage::OwnerKey(kCounty)},
  };
  for (const Planted& planted : ledgers) ExpectFound(ledger, planted);
}

TEST(VerifyTest, AnotherWatermarkIsFound) {
  Ledger ledger;
  storage::Kv& totals = ledger.totals_kv();
  std::string watermark = *totals.Get(storage::WatermarkKey());
  watermark[10] = static_cast<char>(watermark[10] ^ 1);
  storage::Batch batch;
  batch.Put(storage::WatermarkKey(), watermark);
  ASSERT_TRUE(totals.Write(batch, false).ok());
  EXPECT_THAT(Found(ledger), testing::HasSubstr("watermark"));
}

TEST(VerifyTest, ALedgerOfAnotherHistoryIsFound) {
  Ledger ledger;
  storage::Kv& log = ledger.log_kv();
  ASSERT_EQ(Found(ledger), "");
  storage::Batch batch;
  batch.Delete(storage::LedgerMarkKey());
  ASSERT_TRUE(log.Write(batch, false).ok());
  EXPECT_THAT(Found(ledger), testing::HasSubstr("the ledger's mark"));
}

TEST(VerifyTest, AnotherHashOfTheChainIsFound) {
  Ledger ledger;
  storage::Kv& log = ledger.log_kv();
  std::string value = *log.Get(storage::EventKey(domain::Position(100)));
  // The chain's hash stands first.
  value[3] = static_cast<char>(value[3] ^ 1);
  storage::Batch batch;
  batch.Put(storage::EventKey(domain::Position(100)), value);
  ASSERT_TRUE(log.Write(batch, false).ok());
  EXPECT_THAT(Found(ledger), testing::HasSubstr("event 100: the hash chain breaks"));
}

// What is served comes from memory; it was loaded from a store that is whole again.
TEST(VerifyTest, LiveCellsThatDifferAreFound) {
  Ledger ledger;
  storage::Kv& totals = ledger.totals_kv();
  const storage::Key key = FirstKey(
      totals, storage::CellsKey(
                  {{domain::OrgType::kDepartment, kCounty, "101"}, 2024, domain::Stage::kApproved},
                  domain::Position::Max()));
  const std::string right = *totals.Get(key);
  // As if a posting had been lost.
  storage::Batch lose, back;
  lose.Delete(key);
  back.Put(key, right);
  ASSERT_TRUE(totals.Write(lose, false).ok());
  ledger.Fold(1500000);
  ledger.Submit(kCounty, "101001", 12);
  ledger.Step();
  ASSERT_TRUE(totals.Write(back, false).ok());
  const std::string found = Found(ledger);
  EXPECT_THAT(found, testing::HasSubstr("live cells of year 2024 stage 3 division 141121 node 3"));
}

TEST(VerifyTest, LittleMemoryMeansMorePassesOverTheirOwnEvents) {
  Ledger ledger;
  const auto once = Verify(ledger.projector(), ledger.log_kv());
  ASSERT_TRUE(once.ok());
  EXPECT_EQ(once->pass_count, 1);
  EXPECT_EQ(once->events_read, once->event_count);
  VerifyOptions options;
  options.memory_bytes_max = 1;
  const auto often = Verify(ledger.projector(), ledger.log_kv(), options);
  ASSERT_TRUE(often.ok());
  EXPECT_EQ(often->differences, once->differences);
  // Units: the city and the county, the city's reallocation.
  EXPECT_GT(often->pass_count, 1);
  EXPECT_LE(often->pass_count, 3);
  EXPECT_LT(often->events_read, 2 * once->event_count + 20);
  EXPECT_EQ(often->line_count, once->line_count);
  EXPECT_EQ(often->cell_count, once->cell_count);
  EXPECT_EQ(often->event_count, once->event_count);
  EXPECT_GT(once->line_count, 50);
}

TEST(VerifyTest, StopsWhenNobodyWaits) {
  Ledger ledger;
  int asked = 0;
  uint64_t done = 0;
  VerifyOptions options;
  options.cancelled = [&] { return ++asked == 3; };
  options.progress = [&](const services::VerifyProgress& p) { done = p.events_done; };
  const auto result = Verify(ledger.projector(), ledger.log_kv(), options);
  EXPECT_TRUE(absl::IsCancelled(result.status())) << result.status();
  EXPECT_EQ(asked, 3);
  EXPECT_LT(done, 100u);
}

}  // namespace
}  // namespace fiscal::simulation
