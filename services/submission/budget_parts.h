// The frames of one StreamBudgets call, put together to budgets: a step function without a network.
//
//   frames, one after the other --(Take)--> BudgetParts --> a budget, or why it is refused
//
// A budget is one frame, or several parts. One that is refused is answered at once, and the rest of
// its parts is skipped. What is held is bounded by the budget's size and by the memory of requests.
// Not thread-safe.
#ifndef FISCAL_SERVICES_SUBMISSION_BUDGET_PARTS_H_
#define FISCAL_SERVICES_SUBMISSION_BUDGET_PARTS_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/arena.h"
#include "services/rpc/memory_budget.h"
#include "services/wire/bounds.h"
#include "services/wire/submission_wire.h"

namespace fiscal::services {

class BudgetParts {
 public:
  // The bytes of all parts of one budget together, so that 100,000 lines with notes have room.
  static constexpr size_t kBudgetBytesMax = 24 << 20;

  struct Budget {
    // For the answer, cut to what is echoed.
    std::string request_id;
    // The bytes it came as; 0 for one that is refused, which holds none.
    size_t bytes = 0;
    // MESSAGE_TOO_LARGE, MEMORY_FULL, FIELD_UNKNOWN, MESSAGE_MALFORMED, TOO_MANY_VALUES; or the
    // budget, of which everything else is still to be checked.
    absl::StatusOr<domain::Submission> submission;
  };

  // `caller`: the key of the caller whose memory is reserved (rpc::Caller::key). REQUIRES: `memory`
  // outlives it and the budgets it makes.
  BudgetParts(rpc::MemoryBudget& memory, std::string caller, std::string principal);

  // Returns the budget that this frame completes, or refuses. `owner` keeps `frame` alive; the
  // budget takes it over.
  std::optional<Budget> Take(absl::string_view frame, std::shared_ptr<const void> owner);
  // The stream has no more frames. Returns the budget of which parts are missing, refused.
  std::optional<Budget> End();
  // Forgets the budget of which parts are missing: it is not answered.
  void Forget();

 private:
  // Parses one part, unless it makes its budget too large.
  absl::StatusOr<wire::RawBudget> Read(absl::string_view frame);
  // Refuses the budget being read and, with `more`, skips its remaining parts.
  Budget Refuse(const absl::Status& status, bool more);

  rpc::MemoryBudget& memory_;
  const std::string caller_, principal_;
  std::string request_id_;
  std::vector<wire::RawBudget> parts_;
  std::shared_ptr<google::protobuf::Arena> arena_;
  // Keep the bytes of the parts alive.
  std::vector<std::shared_ptr<const void>> owners_;
  size_t bytes_ = 0;
  wire::BoundedFields counted_;
  // Memory reserved for the parts; the budget made of them keeps it.
  std::shared_ptr<rpc::MemoryBudget::Reservation> reserved_;
  bool skipping_ = false;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_SUBMISSION_BUDGET_PARTS_H_
