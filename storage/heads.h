// The statement that stands of each budget: its meta, lines in blocks ordered by line_id, projects.
// Derived from the log and written in the batch of the event that changed it, so that a PATCH reads
// one block and no line_id is kept in memory. A block that an event holds whole is not repeated:
// the head says where in the log it is.
//
//   Intake --> Ledger --(writes)--> Heads over Staged
//   SubmissionService --(reads)---> head_reader.h
//
// A block that goes is kept when it stood at a mark: so the blocks of each mark stay, each once,
// and an old revision is read from the mark at or behind it.
#ifndef FISCAL_STORAGE_HEADS_H_
#define FISCAL_STORAGE_HEADS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "domain/event.h"
#include "storage/head_blocks.h"
#include "storage/line_blocks.h"
#include "storage/staged.h"

namespace fiscal::storage {

// Mark n is revision n times this one. Part of the ledger's format (ledger_mark.h).
constexpr uint64_t kMarkRevisions = 64;

// The writing side. Not thread-safe; lives as long as its Staged.
class Heads {
 public:
  // `read` reads events of the log and those that are staged with the heads.
  Heads(Staged& staged, ReadRecordPart read) : staged_(staged), read_(std::move(read)) {}

  // nullopt when there never was a statement.
  absl::StatusOr<std::optional<domain::StatementMeta>> Meta(const domain::BudgetKey& budget) const;
  absl::StatusOr<domain::LineSet> Lines(const domain::BudgetKey& budget) const;
  absl::StatusOr<std::vector<domain::ProjectEntry>> Projects(const domain::BudgetKey& budget) const;
  // The lines among `ids` that stand. Reads each block once and keeps the bytes of those in which a
  // line was found. REQUIRES: `ids` ascend.
  absl::StatusOr<domain::LineSet> FindLines(const domain::BudgetKey& budget,
                                            absl::Span<const absl::string_view> ids) const;
  // Calls `found` with each project among `codes` that stands. Reads each block once. REQUIRES:
  // `codes` ascend.
  absl::Status FindProjects(const domain::BudgetKey& budget,
                            absl::Span<const absl::string_view> codes,
                            absl::FunctionRef<void(domain::ProjectEntry)> found) const;

  void SetMeta(const domain::StatementMeta& meta);
  // Replaces all lines by `blocks`. With a `position` the head refers to the record of that event,
  // in which these bytes begin at `offset`; position 0 stores them in the head. `existed`: true
  // when the budget may have other blocks, which are removed. `revision`: the one that does.
  absl::Status ReplaceLines(const domain::BudgetKey& budget, uint64_t revision,
                            const domain::EncodedBlocks& blocks, domain::Position position,
                            uint64_t offset, bool existed);
  // The same for projects.
  absl::Status ReplaceProjects(const domain::BudgetKey& budget, uint64_t revision,
                               const domain::EncodedBlocks& blocks, domain::Position position,
                               uint64_t offset, bool existed);
  // Puts and removes single lines; both ordered by line_id. Reads and writes only the blocks they
  // stand in.
  absl::Status PatchLines(const domain::BudgetKey& budget, uint64_t revision,
                          const std::vector<domain::Line>& put,
                          const std::vector<absl::string_view>& removed);
  absl::Status PatchProjects(const domain::BudgetKey& budget, uint64_t revision,
                             const std::vector<domain::ProjectEntry>& put,
                             const std::vector<domain::ProjectEntry>& removed);

 private:
  Staged& staged_;
  const ReadRecordPart read_;
};

}  // namespace fiscal::storage

#endif  // FISCAL_STORAGE_HEADS_H_
