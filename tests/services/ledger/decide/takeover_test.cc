// What is taken over of an upstream, and what is refused: nothing of it is in the log then, and
// what came before is. First whole logs as rows, then each fault that a record can have.
#include "services/ledger/decide/takeover.h"

#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "domain/reason.h"
#include "gtest/gtest.h"
#include "services/ledger/decide/intake.h"
#include "storage/local_log.h"
#include "storage/memory/memory_kv.h"
#include "tests/simulation/no_rules.h"
#include "tests/support/upstream_script.h"

namespace fiscal::services {
namespace {

// A province above two cities.
class TakeoverRowsTest : public ::testing::Test {
 protected:
  TakeoverRowsTest() {
    // department division/agency   the department that the catalog has for an agency
    script_.Add("department", [this](const testing::Words& words) -> std::string {
      const domain::BudgetKey key = testing::BudgetOf(words.at(1), words);
      const auto* agency = script_.intake().catalog()->FindAgency(key.division, 2024, key.agency);
      return agency == nullptr ? "none" : agency->department_code;
    });
    EXPECT_SCRIPT(script_, R"(
      divisions 140000 141100<140000 140200<140000   => revised @1, 3 added
    )");
  }
  testing::LedgerScript script_{CheckRules};
  testing::UpstreamScript upstreams_{script_};
};

TEST_F(TakeoverRowsTest, AnEventCountsOnce) {
  EXPECT_SCRIPT(script_, R"(
    from  city budget 141100/101001 r1 20502:1000.00   => taken to 1 @2
    from  city budget 141100/101001 r2 20502:-100.00   => taken to 2 @3
    again city 1                                       => taken to 2 @3
    again city 2                                       => taken to 2 @3
    total 140000                                       => 900.00 @3
    total 140000 at=2                                  => 1000.00 @2
  )");
}

TEST_F(TakeoverRowsTest, AnEventThatChangesNoTotalsIsNoEventHere) {
  EXPECT_SCRIPT(script_, R"(
    from  city nothing | nothing                   => taken to 2 @1
    from  city budget 141100/101001 r1 20502:5     => taken to 3 @2
    from  city nothing                             => taken to 4 @2
    total 140000                                   => 5.00 @2
  )");
}

TEST_F(TakeoverRowsTest, WhatDoesNotContinueTheLogIsAnotherHistory) {
  EXPECT_SCRIPT(script_, R"(
    from  city budget 141100/101001 r1 20502:5             => taken to 1 @2
    from  city skip budget 141100/101001 r2 20502:5        => HISTORY_DIFFERS, taken to 1 @2
    from  city forged budget 141100/101001 r2 20502:5      => HISTORY_DIFFERS, taken to 1 @2
    from  city log=other budget 141100/101001 r2 20502:5   => HISTORY_DIFFERS, taken to 1 @2
    from  city budget 141100/101001 r2 20502:5             => taken to 2 @3
    total 140000                                           => 10.00 @3
  )");
}

TEST_F(TakeoverRowsTest, RevisionsHaveNoGaps) {
  EXPECT_SCRIPT(script_, R"(
    from city budget 141100/101001 r2 20502:5   => UPSTREAM_EVENT_INVALID, taken to 0 @1
    from city budget 141100/101001 r1 20502:5   => taken to 1 @2
    from city budget 141100/101001 r1 20502:5   => UPSTREAM_EVENT_INVALID, taken to 1 @2
    from city budget 141100/101001 r3 20502:5   => UPSTREAM_EVENT_INVALID, taken to 1 @2
    from city budget 141100/101001 r2 20502:5   => taken to 2 @3
  )");
}

TEST_F(TakeoverRowsTest, WhatCameBeforeARefusedEventIsKept) {
  EXPECT_SCRIPT(script_, R"(
    from  city budget 141100/101001 r1 20502:5 | budget 141100/101001 r3 20502:7 | nothing   => UPSTREAM_EVENT_INVALID, taken to 1 @2
    total 140000                                                                             => 5.00 @2
  )");
}

TEST_F(TakeoverRowsTest, WhatWasCommittedAtOnceComesAtOnceOrNotAtAll) {
  EXPECT_SCRIPT(script_, R"(
    from  city budget 141100/101001 r1 20502:9 more | budget 141100/101002 r1 20502:-4   => taken to 2 @3
    from  city budget 141100/101001 r2 20502:1 more | budget 141100/101002 r7 20502:-1   => UPSTREAM_EVENT_INVALID, taken to 2 @3
    from  city budget 141100/101001 r2 20502:1 more                                      => UPSTREAM_EVENT_INVALID, taken to 2 @3
    total 140000                                                                         => 5.00 @3
    from  city budget 141100/101001 r2 20502:1                                           => taken to 3 @4
    total 140000                                                                         => 6.00 @4
  )");
}

TEST_F(TakeoverRowsTest, TheMoneyOfADivisionComesFromOneSystem) {
  EXPECT_SCRIPT(script_, R"(
    agencies 140200 201001/201                   => revised @2, 1 added
    codes    140000 205 20502                    => revised @3, 2 added
    submit r1 140200/201001 l1=20502:3           => created r1 @4, 1 line
    owners                                       => none
    from  city budget 141100/101001 r1 20502:5   => taken to 1 @5
    owners                                       => 141100 city
    from  city budget 140200/201001 r1 20502:5   => DIVISION_FROM_UPSTREAM, taken to 1 @5   # stated here
    from  other budget 141100/101001 r2 20502:5  => DIVISION_FROM_UPSTREAM, taken to 0 @5   # the city's
    from  city budget 149900/101001 r1 20502:5   => DIVISION_UNKNOWN, taken to 1 @5
    from  city agencies 141100 101001/101        => taken to 2 @6
    submit r2 141100/101001 l1=20502:3           => DIVISION_FROM_UPSTREAM
    total 140000                                 => 8.00 @6
  )");
}

TEST_F(TakeoverRowsTest, AnUpstreamSaysWhoItsOwnAgenciesAre) {
  EXPECT_SCRIPT(script_, R"(
    from city agencies 141100 101001/101                  => taken to 1 @2
    owners                                                => 141100 city
    from city agencies 141100 101001/102                  => taken to 2 @3
    department 141100/101001                              => 102
    from other agencies 141100 101001/103 101009/103      => taken to 1 @3   # another's: passed over
    department 141100/101001                              => 102
    department 141100/101009                              => none
  )");
}

TEST_F(TakeoverRowsTest, AnUpstreamChangesNothingThatIsSaidHere) {
  EXPECT_SCRIPT(script_, R"(
    agencies 140200 201001/201                       => revised @2, 1 added
    codes    140000 205 20502                        => revised @3, 2 added
    submit r1 140200/201001 l1=20502:3               => created r1 @4, 1 line
    from city agencies 140200 201001/202 201002/201  => taken to 1 @5
    department 140200/201001                         => 201
    department 140200/201002                         => 201
    owners                                           => none
    from city codes 140000 205 20502                 => taken to 2 @5   # nothing that is new
    from city codes 140000 205 20502 208             => taken to 3 @6
  )");
}

TEST_F(TakeoverRowsTest, DivisionsComeBelowThoseThatAreKnown) {
  EXPECT_SCRIPT(script_, R"(
    from  city divisions 141122<141121 141121<141100 990000<980000 141200   => taken to 1 @2
    total 141122                                                            => 0.00 @2
    total 990000                                                            => DIVISION_UNKNOWN
    total 141200                                                            => DIVISION_UNKNOWN
  )");
}

using domain::Posting;
using domain::Reason;
using domain::UpstreamRecords;
using Record = UpstreamRecords::Record;

constexpr int64_t kNowUs = 1704067200000000;

Posting SmallPosting(uint64_t revision = 1) {
  Posting p;
  p.key = {141100, 2024, domain::Stage::kApproved, "101001"};
  p.department = "101";
  p.revision = revision;
  domain::Attributes a;
  a.direction = domain::Direction::kExpenditure;
  domain::CellTable::Item item;
  item.key.attributes = a.Pack();
  item.key.functional = 2080505;
  item.value.amount_fen = 100;
  item.value.counts[0] = 1;
  p.cells.items = {item};
  return p;
}

std::string Divisions() {
  domain::CatalogEvent list{140000, 2024, domain::CatalogList::kDivision, {}};
  for (const auto& [code, parent] : std::vector<std::pair<std::string, std::string>>{
           {"140000", ""}, {"141100", "140000"}, {"140200", "140000"}}) {
    domain::CatalogEntry e;
    e.code = code;
    e.name = "区划" + code;
    e.parent_code = parent;
    list.entries.push_back(e);
  }
  return storage::EncodeCatalog(list);
}

class TakeoverTest : public ::testing::Test {
 protected:
  TakeoverTest() : clock_(absl::FromUnixMicros(kNowUs)) {
    kv_ = *storage::MemoryKv::Open(disk_, {true, nullptr});
    anchor_ = std::make_unique<storage::MemoryAnchor>(anchor_disk_);
    log_ = *storage::LocalLog::Open(*kv_, *anchor_, "0123456789abcdef");
    intake_ = *Intake::Open(*kv_, *log_, clock_, simulation::NoRules);
    domain::CatalogImport import;
    import.principal = "test";
    import.request_id = "divisions";
    import.event = *storage::DecodeCatalog(Divisions());
    Intake::Request request(std::move(import));
    Intake::Request* requests[] = {&request};
    EXPECT_TRUE(intake_->Commit(requests)[0].ok());
  }

  // The next event of the upstream's log, with hashes that continue it.
  static Record Next(storage::UpstreamState* at, std::string posting, std::string catalog = "") {
    Record r;
    r.position = ++at->position;
    r.commit_time_us = at->commit_time_us = at->commit_time_us + 1000;
    r.leaf_hash = Sha256({posting, catalog});
    r.chain_hash = at->chain_hash = storage::ChainHash(at->chain_hash, r.leaf_hash);
    r.posting = std::move(posting);
    r.catalog = std::move(catalog);
    return r;
  }
  absl::Status TakeOver(std::vector<Record> records, const std::string& upstream = "city") {
    UpstreamRecords u;
    u.upstream = upstream;
    u.log_id = "fedcba9876543210";
    u.records = std::move(records);
    Intake::Request request(std::move(u));
    Intake::Request* requests[] = {&request};
    return intake_->Commit(requests)[0].status();
  }
  // One good event, then `bad`: the first is kept, the second refused and nowhere.
  void ExpectRefused(const std::string& what,
                     const std::function<Record(storage::UpstreamState*)>& bad) {
    const std::string upstream = "u" + std::to_string(upstreams_++);
    storage::UpstreamState at;
    at.commit_time_us = kNowUs - 1000000;
    std::vector<Record> records = {Next(&at, "")};
    records.push_back(bad(&at));
    const domain::Position head = log_->head().position;
    const absl::Status status = TakeOver(records, upstream);
    const domain::Explained e = domain::Explain(status);
    EXPECT_TRUE(e.reason_known && e.refusal.reason == Reason::kUpstreamEventInvalid)
        << what << ": " << status;
    EXPECT_NE(status.message().find("event 2 of upstream "), absl::string_view::npos) << status;
    EXPECT_EQ(log_->head().position, head) << what;
    EXPECT_EQ(intake_->ReadUpstream(upstream)->position, domain::Position(1)) << what;
    EXPECT_TRUE(intake_->UpstreamDivisions().empty()) << what;
  }

  ManualClock clock_;
  storage::MemoryDisk disk_;
  storage::MemoryAnchorDisk anchor_disk_;
  std::unique_ptr<storage::MemoryKv> kv_;
  std::unique_ptr<storage::MemoryAnchor> anchor_;
  std::unique_ptr<storage::EventLog> log_;
  std::unique_ptr<Intake> intake_;
  int upstreams_ = 0;
};

TEST_F(TakeoverTest, EachFieldOfAPostingThatIsWrongIsRefused) {
  const std::vector<std::function<void(Posting*)>> rows = {
      [](Posting* p) { p->cells.items[0].key.functional = 5000; },
      [](Posting* p) { p->cells.items[0].key.revenue = 101; },
      [](Posting* p) { p->cells.items[0].key.dept_economic = 30; },
      [](Posting* p) { p->cells.items[0].key.gov_economic = 3000000000; },
      [](Posting* p) { p->cells.items[0].key.receiving_division = 1; },
      [](Posting* p) { p->cells.items[0].key.attributes = 0; },
      [](Posting* p) { p->cells.items[0].value.amount_fen = int64_t{1} << 62; },
      [](Posting* p) { p->cells.items[0].value.counts[1] = INT32_MAX; },
      [](Posting* p) { p->cells.items[0].value = {}; },
      [](Posting* p) { p->cells.items.push_back(p->cells.items[0]); },
      [](Posting* p) {
        p->cells.projects = {{"\x01", {}, domain::CellProject::kMentioned}};
      },
      [](Posting* p) { p->key.year = 1000; },
      [](Posting* p) { p->key.division = 99; },
      [](Posting* p) { p->key.agency = ""; },
      [](Posting* p) { p->department = std::string(40, 'd'); },
      [](Posting* p) { p->revision = 2; },
      [](Posting* p) { p->revision = 0; },
      [](Posting* p) { p->control = true; },
      // Committed with something that does not come.
      [](Posting* p) { p->more = true; },
  };
  for (size_t i = 0; i < rows.size(); ++i) {
    ExpectRefused("row " + std::to_string(i), [&](storage::UpstreamState* at) {
      Posting p = SmallPosting();
      rows[i](&p);
      return Next(at, storage::EncodePosting(p));
    });
  }
}

// Whatever bit of a posting is turned: what is taken is a sound posting, and says the same in the
// bytes kept.
TEST_F(TakeoverTest, EachBitOfAPostingThatIsTurnedIsRefusedOrAnotherSoundPosting) {
  const std::string good = storage::EncodePosting(SmallPosting());
  int refused = 0;
  for (size_t bit = 0; bit < 8 * good.size(); ++bit) {
    std::string bytes = good;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ 1 << bit % 8);
    const std::string upstream = "bit" + std::to_string(bit);
    storage::UpstreamState at;
    at.commit_time_us = kNowUs - 1000000;
    const domain::Position head = log_->head().position;
    const absl::Status status = TakeOver({Next(&at, bytes)}, upstream);
    if (!status.ok()) {
      ++refused;
      EXPECT_EQ(log_->head().position, head);
      continue;
    }
    absl::string_view payload;
    const auto entry = log_->Read(log_->head().position);
    const auto header = storage::DecodeHeader(*entry->record, &payload);
    const auto posting = storage::ReadPosting(*header, payload, entry->record);
    ASSERT_TRUE(posting.ok()) << posting.status();
    EXPECT_EQ(storage::EncodePosting(*posting), bytes);
  }
  EXPECT_GT(refused, 100);
}

TEST_F(TakeoverTest, BytesThatSayTheSameInAnotherWayAreRefused) {
  ExpectRefused("cut", [](storage::UpstreamState* at) {
    std::string bytes = storage::EncodePosting(SmallPosting());
    bytes.pop_back();
    return Next(at, bytes);
  });
  ExpectRefused("more", [](storage::UpstreamState* at) {
    return Next(at, storage::EncodePosting(SmallPosting()) + "x");
  });
  ExpectRefused("a varint of two bytes", [](storage::UpstreamState* at) {
    // revision 1 as 0x81 0x00.
    std::string bytes = storage::EncodePosting(SmallPosting());
    const size_t revision = 4 + 2 + 1 + 7 + 4;
    bytes.replace(revision, 1, std::string("\x81\x00", 2));
    return Next(at, bytes);
  });
  ExpectRefused("a list that is cut",
                [](storage::UpstreamState* at) { return Next(at, "", Divisions().substr(0, 30)); });
  ExpectRefused("a list of the year 0", [](storage::UpstreamState* at) {
    std::string bytes = Divisions();
    bytes[4] = bytes[5] = 0;
    return Next(at, "", bytes);
  });
}

// An upstream whose clock was ahead, and whose operator has said so since.
TEST_F(TakeoverTest, ATimeThatGoesBackIsTheUpstreamsCorrection) {
  storage::UpstreamState at;
  at.commit_time_us = kNowUs - 1000000;
  const Record ahead = Next(&at, "");
  at.commit_time_us -= 500000;
  const Record corrected = Next(&at, "");
  ASSERT_LT(corrected.commit_time_us, ahead.commit_time_us);
  EXPECT_TRUE(TakeOver({ahead}).ok());
  EXPECT_TRUE(TakeOver({corrected}).ok());
  EXPECT_EQ(intake_->ReadUpstream("city")->commit_time_us, corrected.commit_time_us);
}

TEST_F(TakeoverTest, TimesThatAreFarAheadAreRefused) {
  ExpectRefused("ahead", [](storage::UpstreamState* at) {
    Record r = Next(at, "");
    r.commit_time_us = kNowUs + int64_t{24} * 3600 * 1000000 + 1;
    return r;
  });
}

TEST_F(TakeoverTest, OneUpstreamThatIsRefusedHoldsUpNobody) {
  storage::UpstreamState bad, good;
  bad.commit_time_us = good.commit_time_us = kNowUs - 1000000;
  Posting poison = SmallPosting();
  poison.cells.items[0].key.functional = 5000;
  EXPECT_FALSE(TakeOver({Next(&bad, storage::EncodePosting(poison))}, "bad").ok());
  Posting sound = SmallPosting();
  sound.key.division = 140200;
  EXPECT_TRUE(TakeOver({Next(&good, storage::EncodePosting(sound))}, "good").ok());
  EXPECT_EQ(intake_->UpstreamDivisions().at(140200), "good");
  EXPECT_EQ(intake_->UpstreamDivisions().count(141100), 0u);
}

// A posting that was quarantined below comes without cells: the group before it ends.
TEST_F(TakeoverTest, AGroupWhoseNextEventChangesNoCellsEnds) {
  storage::UpstreamState at;
  at.commit_time_us = kNowUs - 1000000;
  Posting p = SmallPosting();
  p.more = true;
  const Record first = Next(&at, storage::EncodePosting(p));
  ASSERT_TRUE(TakeOver({first, Next(&at, "")}).ok());
  const auto entry = log_->Read(log_->head().position);
  absl::string_view payload;
  const auto header = storage::DecodeHeader(*entry->record, &payload);
  EXPECT_FALSE(*storage::IsContinued(*header, payload));
}

}  // namespace
}  // namespace fiscal::services
