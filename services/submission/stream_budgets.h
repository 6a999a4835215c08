// One StreamBudgets call: frames in, one answer per budget out, in the order sent.
//
//   frames --> BudgetParts --> Committer --> AnswerQueue --> answers
//
// This moves bytes and holds the lock; what a frame is, and what comes next, the two steps say.
// Deletes itself.
#ifndef FISCAL_SERVICES_SUBMISSION_STREAM_BUDGETS_H_
#define FISCAL_SERVICES_SUBMISSION_STREAM_BUDGETS_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"
#include "services/ops/metrics.h"
#include "services/rpc/call.h"
#include "services/rpc/drain.h"
#include "services/rpc/memory_budget.h"
#include "services/submission/answer_queue.h"
#include "services/submission/budget_parts.h"
#include "services/submission/committer.h"

namespace fiscal::services {

class StreamBudgets final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
                            public rpc::Drainable {
 public:
  struct Options {
    AnswerQueue::Options answers;
    // True when a refused budget is logged.
    bool refusal_lines = true;
  };
  StreamBudgets(Committer& committer, Metrics& metrics, rpc::DrainSignal& drain,
                rpc::MemoryBudget& memory, Options options, std::unique_ptr<rpc::Call> call);

  void OnReadDone(bool ok) override ABSL_LOCKS_EXCLUDED(mu_);
  void OnWriteDone(bool ok) override ABSL_LOCKS_EXCLUDED(mu_);
  void OnDone() override;
  // Answers what was read, then ends the call with DRAINING. A budget of which parts are missing is
  // not taken.
  void OnDrain() override ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // Answers what was read, then ends the call with `why`.
  void End(const absl::Status& why) ABSL_LOCKS_EXCLUDED(mu_);
  // Gives the budget its place and hands it to the committer, or answers why it is refused.
  void HandOn(BudgetParts::Budget budget) ABSL_LOCKS_EXCLUDED(mu_);
  // The bytes of an answer; counts and logs a refusal.
  std::string ToAnswer(int64_t index, const std::string& request_id,
                       const absl::StatusOr<domain::RequestReceipt>& outcome) const;
  // Tells the queue of answers what happened, and starts what is to be started then. Nothing of
  // this may be touched afterwards: the call may have ended.
  void Tell(absl::FunctionRef<void(AnswerQueue&)> event) ABSL_LOCKS_EXCLUDED(mu_);

  Committer& committer_;
  Metrics& metrics_;
  rpc::DrainSignal& drain_;
  const bool refusal_lines_;
  const std::unique_ptr<rpc::Call> call_;
  // Empty for none.
  const std::string trace_id_;

  // The reading side; only the read callback touches it.
  grpc::ByteBuffer frame_;
  BudgetParts parts_;

  absl::Mutex mu_;
  AnswerQueue answers_ ABSL_GUARDED_BY(mu_);
  grpc::ByteBuffer writing_;
  // Budgets that were denied; of so many each has an entry in the audit log.
  static constexpr int64_t kDeniedWritten = 100;
  std::atomic<int64_t> denied_{0};
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_SUBMISSION_STREAM_BUDGETS_H_
