// One StreamBudgets call: frames in, one answer per budget out, in the order sent.
//
//   frames --(parse, gather parts)--> Committer --> slots in order --> answers
//
// Reading stops while too much is unanswered and goes on when answers have left, so that a stream
// costs bounded memory. Deletes itself.
#ifndef FISCAL_SERVICES_SUBMISSION_STREAM_BUDGETS_H_
#define FISCAL_SERVICES_SUBMISSION_STREAM_BUDGETS_H_

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "fiscal/submission/v1/submission_service.pb.h"
#include "google/protobuf/arena.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"
#include "services/ops/metrics.h"
#include "services/rpc/call.h"
#include "services/rpc/drain.h"
#include "services/rpc/memory_budget.h"
#include "services/submission/committer.h"
#include "services/wire/bounds.h"
#include "services/wire/submission_wire.h"

namespace fiscal::services {

class StreamBudgets final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
                            public rpc::Drainable {
 public:
  struct Options {
    // Unanswered budgets, and their bytes, above which the stream is not read further.
    size_t budgets_max = 256;
    size_t bytes_max = 16 << 20;
    // True when a refused budget is logged.
    bool refusal_lines = true;
  };
  // The caller and the trace of the call; empty for none.
  struct Caller {
    std::shared_ptr<rpc::OpenCall> stream;
    std::string trace_id;
    const std::string& principal() const { return stream->caller().principal; }
  };
  StreamBudgets(Committer& committer, Metrics& metrics, rpc::DrainSignal& drain,
                rpc::MemoryBudget& memory, Options options, Caller caller);

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone() override;
  // Answers what was read, then ends the call with DRAINING. A budget of which parts are missing is
  // not taken.
  void OnDrain() override ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Slot {
    int64_t index = 0;
    std::string request_id;
    size_t bytes = 0;
    bool answered = false;
    grpc::ByteBuffer answer;
  };

  // Takes a frame: keeps it as a part, or hands the finished budget on.
  void OnFrame();
  // Parses one part, unless it makes its budget too large.
  absl::StatusOr<wire::RawBudget> ReadPart(absl::string_view bytes);
  void SubmitParts();
  void ForgetParts();
  // Refuses the budget being read and skips its remaining parts.
  void RefuseParts(const absl::Status& status, bool more);
  std::shared_ptr<Slot> NewSlot(std::string request_id, size_t bytes);
  void Answer(const std::shared_ptr<Slot>& slot,
              const absl::StatusOr<domain::RequestReceipt>& outcome);
  // Starts what can be started: a write of answers, a read, or the end. `answered`: true when a
  // budget in flight got its answer.
  void Advance(bool answered = false) ABSL_LOCKS_EXCLUDED(mu_);

  Committer& committer_;
  Metrics& metrics_;
  rpc::DrainSignal& drain_;
  rpc::MemoryBudget& memory_;
  const Options options_;
  const Caller caller_;

  // The reading side; only the read callback touches it.
  grpc::ByteBuffer frame_;
  std::shared_ptr<google::protobuf::Arena> arena_;
  // The request_id of the budget being read, for its answer.
  std::string request_id_;
  std::vector<wire::RawBudget> parts_;
  // Keep the bytes of the parts alive.
  std::vector<std::shared_ptr<const void>> owners_;
  size_t parts_bytes_ = 0;
  wire::BoundedFields counted_;
  // Memory reserved for the parts; the budget made of them keeps it.
  std::shared_ptr<rpc::MemoryBudget::Reservation> reserved_;
  bool skipping_ = false;
  int64_t next_index_ = 0;

  absl::Mutex mu_;
  std::deque<std::shared_ptr<Slot>> slots_ ABSL_GUARDED_BY(mu_);
  size_t slot_bytes_ ABSL_GUARDED_BY(mu_) = 0;
  int in_flight_ ABSL_GUARDED_BY(mu_) = 0;
  bool reading_ ABSL_GUARDED_BY(mu_) = true;
  bool reads_ended_ ABSL_GUARDED_BY(mu_) = false;
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  // True while a frame is being taken: it may yet become a slot.
  bool taking_ ABSL_GUARDED_BY(mu_) = false;
  bool draining_ ABSL_GUARDED_BY(mu_) = false;
  bool broken_ ABSL_GUARDED_BY(mu_) = false;
  bool finished_ ABSL_GUARDED_BY(mu_) = false;
  grpc::ByteBuffer writing_buffer_;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_SUBMISSION_STREAM_BUDGETS_H_
