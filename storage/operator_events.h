// Operators' decisions, as the log keeps them: postings that totals leave out, the keys that sign
// tree heads, grants, and corrections of the clock.
//
//   events of these kinds --(EventLog, when opened and at each commit)--> OperatorEvents
//     --> ReadFoldable, services/log/signer.h, services/ledger/authority.h
//
// A quarantined posting is left out at every position, also before the one where the operator said
// so, and with it all that its budget posts afterwards: those are differences against it. A budget
// whose posting was quarantined counts as it stood before. A value: the log hands out snapshots.
//
// A correction is an event whose commit time is earlier than that of the event before it: until
// then the clock was ahead. When what stands before it was really committed is not known, only that
// it was not later. So it counts as committed then, wherever its record says a later time.
#ifndef FISCAL_STORAGE_OPERATOR_EVENTS_H_
#define FISCAL_STORAGE_OPERATOR_EVENTS_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "domain/authority/grants.h"
#include "domain/event.h"
#include "domain/fold.h"

namespace fiscal::storage {

class OperatorEvents {
 public:
  struct Quarantined {
    // The position of the operator's event.
    domain::Position position;
    domain::QuarantineEvent event;
  };
  struct Key {
    // The position of the event that names the key.
    domain::Position position;
    int64_t commit_time_us = 0;
    std::string principal;
    domain::KeyEvent event;
  };

  // Takes one more event of the log, of any kind. DATA_LOSS when it is malformed.
  absl::Status Add(const domain::EventHeader& header, absl::string_view payload);

  // True when totals leave out what stands at `position`.
  bool LeavesOut(domain::Position position) const { return quarantined_.count(position) > 0; }
  // True when they leave out what `budget` posts at `position`.
  bool LeavesOut(domain::Position position, const domain::BudgetKey& budget) const {
    if (quarantined_.empty()) return false;
    const auto it = budgets_.find(budget);
    return LeavesOut(position) || (it != budgets_.end() && position >= it->second);
  }
  // True when nothing more of the budget counts.
  bool LeavesOut(const domain::BudgetKey& budget) const { return budgets_.count(budget) > 0; }
  // By the position that is left out.
  const std::map<domain::Position, Quarantined>& quarantined() const { return quarantined_; }
  // The keys in the order they came; the last signs.
  const std::vector<Key>& keys() const { return keys_; }
  const authority::Grants& grants() const { return *grants_; }
  // When the event at `position` counts as committed, whose record says `commit_time_us`. Never
  // decreases along the log.
  int64_t TimeOf(domain::Position position, int64_t commit_time_us) const;

 private:
  // The clock was corrected at `position`.
  struct Correction {
    domain::Position position;
    // The least time of this and all later corrections.
    int64_t time_us = 0;
  };

  // A copy that may be changed: snapshots share what does not.
  authority::Grants& ChangeGrants();

  std::map<domain::Position, Quarantined> quarantined_;
  // The first position from which a budget is left out.
  std::map<domain::BudgetKey, domain::Position> budgets_;
  std::vector<Key> keys_;
  // In the order of the log.
  std::vector<Correction> corrections_;
  std::shared_ptr<authority::Grants> grants_ = std::make_shared<authority::Grants>();
};

// The part of an event that totals take.
struct Foldable {
  // Null when it changes no cells: a catalog's, an operator's, or one that is left out.
  std::shared_ptr<domain::Posting> posting;
  // True when the next event was committed with it.
  bool more = false;
};
// FAILED_PRECONDITION, TOTALS_STOPPED with its position, for a posting that can't be read or folded
// and is not left out. `owner` keeps `payload`.
absl::StatusOr<Foldable> ReadFoldable(const domain::EventHeader& header, absl::string_view payload,
                                      std::shared_ptr<const void> owner,
                                      const OperatorEvents& operators);

// The budget of a statement's or an upstream's event, and why it can't be folded, empty when it
// can. The budget is none when not even that can be read.
struct Examined {
  std::optional<domain::BudgetKey> budget;
  std::string fault;
};
Examined Examine(const domain::EventHeader& header, absl::string_view payload);

}  // namespace fiscal::storage

#endif  // FISCAL_STORAGE_OPERATOR_EVENTS_H_
