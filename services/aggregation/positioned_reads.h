// Finds the positions reads are about, waits for them where they are ahead, and answers.
//
// Thread-safe. Answers run in the call's lane (services/rpc/call.h).
#ifndef FISCAL_SERVICES_AGGREGATION_POSITIONED_READS_H_
#define FISCAL_SERVICES_AGGREGATION_POSITIONED_READS_H_

#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "domain/moment.h"
#include "fiscal/aggregation/v1/aggregation_service.pb.h"
#include "google/protobuf/message.h"
#include "services/aggregation/runner.h"
#include "services/rpc/call.h"

namespace fiscal::services {

class PositionedReads {
 public:
  explicit PositionedReads(Runner& runner) : runner_(runner) {}

  // Finishes the call with what `answer` puts into `response`, at the moments that the
  // consistencies mean, all at one fold: the request's own, or those of its left and right side.
  // `small` as in rpc::UnaryCall::Read.
  // POSITION_OF_OTHER_HISTORY and, where the log is written, POSITION_AHEAD come at once; a copy
  // waits for what it may yet reach.
  void AtAll(rpc::UnaryCall* call, bool small,
             const std::vector<const aggregation::v1::Consistency*>& consistencies,
             google::protobuf::Message* response,
             std::function<absl::Status(const std::vector<domain::Moment>&)> answer) const;
  void At(rpc::UnaryCall* call, bool small, const aggregation::v1::Consistency& consistency,
          google::protobuf::Message* response,
          std::function<absl::Status(const domain::Moment&)> answer) const;

 private:
  // Where a read stands: at least there, or with `pinned` exactly there.
  struct Place {
    domain::Moment moment;
    bool pinned = false;
    // Past the head of a copy: its history is looked at when it is reached.
    bool ahead = false;
  };
  // `field`: where the consistency stands in the request.
  absl::StatusOr<Place> Find(const aggregation::v1::Consistency& consistency,
                             absl::string_view field) const;

  Runner& runner_;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_AGGREGATION_POSITIONED_READS_H_
