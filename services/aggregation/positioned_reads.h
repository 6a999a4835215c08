// Finds the positions reads are about, waits for them where they are ahead, and answers.
//
// Thread-safe. Answers run on the caller's thread, or on the runner's once the position is folded.
#ifndef FISCAL_SERVICES_AGGREGATION_POSITIONED_READS_H_
#define FISCAL_SERVICES_AGGREGATION_POSITIONED_READS_H_

#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "fiscal/aggregation/v1/aggregation_service.pb.h"
#include "grpcpp/support/server_callback.h"
#include "services/aggregation/runner.h"

namespace fiscal::services {

class PositionedReads {
 public:
  explicit PositionedReads(Runner& runner) : runner_(runner) {}

  // Finishes the call with what `answer` says at the positions that the consistencies mean, all at one fold.
  grpc::ServerUnaryReactor* AtAll(
      grpc::CallbackServerContext* context,
      const std::vector<const aggregation::v1::Consistency*>& consistencies,
      std::function<absl::Status(const std::vector<domain::Position>&)> answer) const;
  grpc::ServerUnaryReactor* At(grpc::CallbackServerContext* context,
                               const aggregation::v1::Consistency& consistency,
                               std::function<absl::Status(domain::Position)> answer) const;

 private:
  // Where a read stands: a position, or with `pinned` exactly that one.
  struct Place {
    domain::Position position = 0;
    bool pinned = false;
  };
  absl::StatusOr<Place> Find(const aggregation::v1::Consistency& consistency) const;

  Runner& runner_;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_AGGREGATION_POSITIONED_READS_H_
