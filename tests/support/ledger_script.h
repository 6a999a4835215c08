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
//   agencies division code/department...
//   codes division functional...
//   revenues division revenue...
//     import lists; `id=name` gives the request_id, else each has its own
//   submit id statement
//   validate id statement            the same as a preview
//   withdraw id budget [expect=n]
//   reallocate id statement | statement ...
//   prepare name id statement        what the caller's thread does
//   commit name                      what the writer does with it later
//   total division filter
//   rows division by=dimension[,dimension] [depth=n] filter
//   reads division filter [by=...]   which chunks the question reads, of how many nodes
//
//   statement := budget word...
//   budget    := division/agency     of 2024, APPROVED unless year=, stage= say otherwise
//   word      := id=code:yuan[@project][~economic]   a line
//              | -id                                 a line removed
//              | project=code | -project=code        put, removed
//              | patch | certify | control | department=code | expect=n
//                code is functional; in/code is income, in.code is income by its revenue code
//   filter    := department= agency= functional= economic= revenue= project= year= stage=
//                own income at=position
#ifndef FISCAL_TESTS_SUPPORT_LEDGER_SCRIPT_H_
#define FISCAL_TESTS_SUPPORT_LEDGER_SCRIPT_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/clock.h"
#include "domain/submission.h"
#include "domain/totals.h"
#include "services/ledger/answer/totals_reader.h"
#include "services/ledger/decide/intake.h"
#include "services/ledger/fold/projector.h"
#include "storage/event_log.h"
#include "storage/memory/memory_kv.h"
#include "storage/totals_store.h"

namespace fiscal::testing {

class LedgerScript {
 public:
  // `check` as of Intake::Open. `stride` ends strides soon, so that totals are read from the store
  //     too.
  explicit LedgerScript(services::RulesCheck check, storage::StrideBounds stride = {});
  ~LedgerScript();

  // The script with the results that its rows had in place of those it names.
  std::string Run(absl::string_view script);
  // The script as Run would give it if every result were as named.
  static std::string Plain(absl::string_view script);

  services::Intake& intake() { return *intake_; }
  storage::EventLog& log() { return *log_; }
  ManualClock& clock() { return clock_; }

 private:
  using Words = std::vector<std::string>;

  std::string RunRow(const Words& words);
  std::string Import(domain::CatalogList list, const Words& words);
  std::string Submit(const Words& words, bool preview);
  std::string Withdraw(const Words& words);
  std::string Reallocate(const Words& words);
  std::string PrepareOne(const Words& words);
  std::string Total(const Words& words);
  std::string Rows(const Words& words);
  std::string Reads(const Words& words);
  // From the words after the first `skip`.
  domain::Submission Statement(const Words& words, size_t skip);
  std::string Commit(services::Intake::Request request);
  // Folds what is there and returns the position to read at.
  domain::Position Fold(const Words& words);
  std::string SayPrepared(const domain::Submission& s);

  ManualClock clock_;
  storage::MemoryDisk log_disk_, totals_disk_;
  storage::MemoryAnchorDisk anchor_disk_;
  std::unique_ptr<storage::MemoryKv> log_kv_, totals_kv_;
  std::unique_ptr<storage::MemoryAnchor> anchor_;
  std::unique_ptr<storage::EventLog> log_;
  std::unique_ptr<services::Intake> intake_;
  std::unique_ptr<storage::TotalsStore> totals_;
  std::unique_ptr<services::Projector> projector_;
  std::unique_ptr<services::TotalsReader> reader_;
  std::map<std::string, domain::Submission> prepared_;
  // Bodies in the order they were first seen.
  std::vector<Digest> bodies_;
  int imports_ = 0;
};

#define EXPECT_SCRIPT(ledger, script) \
  EXPECT_EQ((ledger).Run(script), ::fiscal::testing::LedgerScript::Plain(script))

}  // namespace fiscal::testing

#endif  // FISCAL_TESTS_SUPPORT_LEDGER_SCRIPT_H_
