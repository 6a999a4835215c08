// The change that a statement makes to the one that stands: lines and projects put and removed.
//
//   Decide (statement.cc) --> DiffReplace, DiffPatch over storage::Heads --> Change
//
// Functions of what they are handed; the views of a Change live as long as its submission and the
// sets it keeps.
#ifndef FISCAL_SERVICES_LEDGER_DECIDE_CHANGE_H_
#define FISCAL_SERVICES_LEDGER_DECIDE_CHANGE_H_

#include <vector>

#include "absl/status/statusor.h"
#include "domain/event.h"
#include "domain/submission.h"
#include "storage/heads.h"

namespace fiscal::services {

struct Change {
  domain::StatementEvent event;
  // True when nothing stands before: all lines sent are put, and event.put.lines is left empty, so
  // that they are not copied.
  bool fresh = false;

  const std::vector<domain::Line>& put(const domain::Submission& s) const {
    return fresh ? s.lines.lines : event.put.lines;
  }
  // True when the event's blocks are those of all lines sent, which are encoded already.
  bool PutsAll(const domain::Submission& s) const { return put(s).size() == s.lines.lines.size(); }
};

// Of a REPLACE, and of a withdrawal, which replaces all by nothing. Takes the projects out of the
// submission. `stands`: a statement stands that is not withdrawn.
absl::StatusOr<Change> DiffReplace(const storage::Heads& heads, domain::Submission& s, bool stands);
// Of a PATCH. Refuses removals of what does not stand, and references to projects that would not
// stand.
absl::StatusOr<Change> DiffPatch(const storage::Heads& heads, const domain::Submission& s);
// The lines of the whole statement after a PATCH, in order. Views point into `before` and `change`.
std::vector<domain::Line> LinesAfter(const domain::LineSet& before, const Change& change);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_DECIDE_CHANGE_H_
