// Reads statements: what stands now, and any earlier revision.
//
//   SubmissionService, ExplainTotal, LedgerSource --> HeadReader over a Kv and the log
//
// An earlier revision is what the head had at the mark behind it, with the events up to there
// undone (heads.h): each says what it put and, whole, what it removed. So no more events are read
// than lie between two marks. What is asked for behind an id is sought there, and no more is read
// than is taken. Thread-safe over a thread-safe Kv.
#ifndef FISCAL_STORAGE_HEAD_READER_H_
#define FISCAL_STORAGE_HEAD_READER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "domain/event.h"
#include "storage/kv.h"

namespace fiscal::storage {

class EventLog;

// Hears of the work that a read does, before and between its steps: 1 for a line or project, 64 for
// an event, 32 for a block. An error ends the read.
using SpendWork = absl::FunctionRef<absl::Status(uint64_t units)>;
inline absl::Status SpendFreely(uint64_t) { return absl::OkStatus(); }

class HeadReader {
 public:
  // `kv` has the heads of what is in `log`.
  HeadReader(const Kv& kv, const EventLog& log) : kv_(kv), log_(log) {}

  struct Statement {
    domain::StatementMeta meta;
    domain::LineSet lines;
    std::vector<domain::ProjectEntry> projects;
  };

  // `revision` 0 is the one that stands. NOT_FOUND with a reason.
  absl::StatusOr<domain::StatementMeta> Meta(const domain::BudgetKey& budget,
                                             uint64_t revision) const;

  // Where in a statement a read begins.
  struct Place {
    uint64_t revision = 0;
    // Behind this line_id or code; empty: at the first.
    absl::string_view after;
    // About how many items will be taken.
    size_t count = 0;
  };
  // Calls `visit` with the lines from a place on, in order and some at a time, until it says false.
  absl::StatusOr<domain::StatementMeta> VisitLines(
      const domain::BudgetKey& budget, const Place& place,
      absl::FunctionRef<absl::StatusOr<bool>(const std::vector<domain::Line>&)> visit,
      SpendWork spend) const;
  absl::StatusOr<domain::StatementMeta> VisitProjects(
      const domain::BudgetKey& budget, const Place& place,
      absl::FunctionRef<absl::StatusOr<bool>(const std::vector<domain::ProjectEntry>&)> visit,
      SpendWork spend) const;

  absl::StatusOr<Statement> Read(const domain::BudgetKey& budget, uint64_t revision,
                                 SpendWork spend = SpendFreely) const;
  // The whole statement at one revision. On a copy of the log there are no heads: replays the
  // budget's events from revision 1.
  absl::StatusOr<Statement> Standing(const domain::BudgetKey& budget, uint64_t revision,
                                     SpendWork spend = SpendFreely) const;
  // Metas of budgets after `after` (exclusive; empty starts at the front) of one division, at most
  // `limit`.
  absl::StatusOr<std::vector<domain::StatementMeta>> List(domain::Code division,
                                                          const std::string& after,
                                                          size_t limit) const;
  // The value of `after` that continues behind a budget.
  static std::string AfterKey(const domain::BudgetKey& budget);

 private:
  // A revision, and what it is read from: all of one moment.
  struct Opened {
    domain::BudgetKey budget;
    domain::StatementMeta meta;
    std::unique_ptr<KvSnapshot> snapshot;
    // The mark whose blocks are read; nullopt: the head's.
    std::optional<uint64_t> mark;
    // The revision that has those blocks. The events behind `meta.revision` up to it are undone.
    uint64_t base = 0;
  };
  absl::StatusOr<Opened> Open(const domain::BudgetKey& budget, uint64_t revision) const;
  // The meta in the statement event at `position`.
  absl::StatusOr<domain::StatementMeta> MetaAt(domain::Position position) const;
  // `Part` says whether lines or projects are read.
  template <typename Part>
  absl::Status Visit(const Opened& opened, const Place& place,
                     absl::FunctionRef<absl::StatusOr<bool>(typename Part::Items&)> visit,
                     SpendWork spend) const;
  // Makes items behind `after` up to `until` (empty: all) what they were at the revision.
  template <typename Part>
  absl::Status Undo(const Opened& opened, absl::string_view after, absl::string_view until,
                    typename Part::Items* items, SpendWork spend) const;
  absl::StatusOr<Statement> FromLog(const domain::BudgetKey& budget, uint64_t revision,
                                    SpendWork spend) const;

  const Kv& kv_;
  const EventLog& log_;
};

}  // namespace fiscal::storage

#endif  // FISCAL_STORAGE_HEAD_READER_H_
