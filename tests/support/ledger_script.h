// Runs rows of a script over a ledger in memory and says what comes of each: a case is a line.
//
//   EXPECT_SCRIPT(R"(
//     divisions 140000 141100<140000                  => revised @1, 2 added
//     agencies  141100 101001/101 102001/102          => revised @2, 2 added
//     codes     140000 205 20502                      => revised @3, 2 added
//     submit    r1 141100/101001 l1=20502:1000.00     => created r1 @4, 1 line
//     total     140000 functional=205                 => 1000.00 @4
//   )");
//
// A row is a verb and its words, and behind `=>` the result; without `=>` it must succeed. `#`
// starts a comment. Verbs:
//
//   divisions code[<parent]...
//   agencies division code/department[!]...   !: must report
//   codes division functional...
//   revenues division revenue...
//   crosswalk division code/successor...      of codes of the year before
//     import lists of 2024, or of year=; `id=name` gives the request_id, else each has its own
//   grant principal role division|* [department= agency= year= stage= own]
//   approve position | revoke position        by= says who, as in requests
//   submit id statement
//   validate id statement            the same as a preview
//   withdraw id budget [expect=n]
//   reallocate id statement | statement ...
//   prepare name id statement        what the caller's thread does
//   commit name                      what the writer does with it later
//   total division filter
//   rows division by=dimension[,dimension] [depth=n] filter
//   reads division filter [by=...]   which cells the question reads, of how many nodes
//   and those that a test adds
//
//   statement := budget word...
//   budget    := division/agency     of 2024, APPROVED unless year=, stage= say otherwise
//   word      := id=code:yuan[@project][~economic][>receiver]   a line
//              | -id                                 a line removed
//              | project=code | -project=code        put, removed
//              | patch | certify | control | department=code | expect=n | by=principal
//                code is functional; in/code is income, in.code is income by its revenue code
//   filter    := department= agency= functional= economic= revenue= project= year= stage=
//                own income at=position
#ifndef FISCAL_TESTS_SUPPORT_LEDGER_SCRIPT_H_
#define FISCAL_TESTS_SUPPORT_LEDGER_SCRIPT_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/clock.h"
#include "domain/submission.h"
#include "domain/totals.h"
#include "services/ledger/answer/totals_reader.h"
#include "services/ledger/authority.h"
#include "services/ledger/decide/group.h"
#include "services/ledger/decide/intake.h"
#include "services/ledger/fold/projector.h"
#include "storage/anchor.h"
#include "storage/event_log.h"
#include "storage/memory/memory_kv.h"
#include "storage/totals_store.h"
#include "tests/support/script_words.h"

namespace fiscal::testing {

// What the words of rows mean.
domain::Stage StageOf(absl::string_view name);
// Of "division/agency"; year and stage stand among `words`.
domain::BudgetKey BudgetOf(const std::string& word, const Words& words);
// The division is the second word.
domain::TotalFilter FilterOf(const Words& words);
std::vector<domain::GroupBy> GroupByOf(const Words& words);
// Entries of an import, from the words after the first `first`.
std::vector<domain::CatalogEntry> EntriesOf(domain::CatalogList list, const Words& words,
                                            size_t first);

// How results are said.
std::string At(domain::Position position);
// "205 141100* ", with a blank behind each code; "- " for what has none.
std::string SayGroup(const std::vector<domain::GroupValue>& group);
std::string SayReceipt(const domain::Receipt& receipt);
std::string SayAnswer(const absl::StatusOr<domain::RequestReceipt>& answer);

// Totals are written every so many events; with few, whole states come soon, so that what is read
// from the store is of every form.
services::Projector::Options WrittenEvery(uint64_t events);

class LedgerScript {
 public:
  // `check` as of Intake::Open. With `admins` nothing is permitted but by grants.
  explicit LedgerScript(services::RulesCheck check, services::Projector::Options projector = {},
                        std::vector<std::string> admins = {});
  ~LedgerScript();

  // The script with the results that its rows had in place of those it names.
  std::string Run(absl::string_view script);
  // The script as Run would give it if every result were as named.
  static std::string Plain(absl::string_view script);

  // Has rows that begin with `verb` run by `run`, which gives their result.
  using Verb = std::function<std::string(const Words&)>;
  void Add(const std::string& verb, Verb run);

  // The request of a row that begins with submit, validate or withdraw, as the intake gets it.
  services::Intake::Request Prepared(const Words& words) const;
  // The submission of such a row, as text.
  domain::Submission PreparedStatement(absl::string_view row) const;
  // The group that the next requests would be in: what is decided in it is kept nowhere until it is
  // written.
  std::unique_ptr<services::Group> NextGroup();
  // Folds all that is in the log. Returns the position that a row stands at: behind at=, else the
  // head.
  domain::Position Fold(const Words& words);
  // The next write of the log's store fails with `status`, and nothing of it was written.
  void FailNextWrite(absl::Status status);
  // Opens the totals anew: what was written is read from the store from now on.
  void Restart();

  services::Intake& intake() { return *intake_; }
  const services::Authority& authority() const { return *authority_; }
  storage::EventLog& log() { return *log_; }
  storage::Kv& log_kv() { return *log_kv_; }
  ManualClock& clock() { return clock_; }
  storage::TotalsStore& totals() { return *totals_; }
  storage::Kv& totals_kv() { return *totals_kv_; }
  const services::Projector& projector() const { return *projector_; }
  const services::TotalsReader& reader() const { return *reader_; }

 private:
  std::string RunRow(const Words& words);
  std::string Import(domain::CatalogList list, const Words& words);
  std::string Submit(const Words& words);
  std::string Reallocate(const Words& words);
  std::string MakeGrant(const Words& words);
  std::string OrderGrant(const Words& words);
  std::string PrepareOne(const Words& words);
  std::string Total(const Words& words);
  std::string Rows(const Words& words);
  std::string Reads(const Words& words);
  // From the words after the first `skip`.
  domain::Submission Statement(const Words& words, size_t skip) const;
  std::string Commit(services::Intake::Request request);
  std::string SayPrepared(const domain::Submission& s);

  ManualClock clock_;
  storage::NthFaults faults_;
  storage::MemoryDisk log_disk_, totals_disk_;
  storage::MemoryAnchorDisk anchor_disk_;
  std::unique_ptr<storage::MemoryKv> log_kv_, totals_kv_;
  std::unique_ptr<storage::MemoryAnchor> anchor_;
  std::unique_ptr<storage::EventLog> log_;
  const services::RulesCheck check_;
  std::unique_ptr<services::Authority> authority_;
  std::unique_ptr<services::Intake> intake_;
  std::unique_ptr<storage::TotalsStore> totals_;
  services::Projector::Options projector_options_;
  std::unique_ptr<services::Projector> projector_;
  std::unique_ptr<services::TotalsReader> reader_;
  std::map<std::string, Verb> verbs_;
  std::map<std::string, domain::Submission> prepared_;
  // Bodies in the order they were first seen.
  std::vector<Digest> bodies_;
  int imports_ = 0;
};

#define EXPECT_SCRIPT(ledger, script) \
  EXPECT_EQ((ledger).Run(script), ::fiscal::testing::LedgerScript::Plain(script))

}  // namespace fiscal::testing

#endif  // FISCAL_TESTS_SUPPORT_LEDGER_SCRIPT_H_
