// fiscal.submission.v1.SubmissionService over the committer (writes) and the heads (reads).
//
// Handlers do not wait for a commit's disk: they hand the request over and finish in its callback.
// Thread-safe.
#ifndef FISCAL_SERVICES_SUBMISSION_SUBMISSION_RPC_H_
#define FISCAL_SERVICES_SUBMISSION_SUBMISSION_RPC_H_

#include <memory>

#include "grpcpp/impl/codegen/service_type.h"
#include "services/rpc/call.h"
#include "services/rpc/drain.h"
#include "services/rpc/memory_budget.h"
#include "services/submission/committer.h"
#include "services/submission/stream_budgets.h"
#include "storage/head_reader.h"

namespace fiscal::services {

struct SubmissionParts {
  rpc::Calls& calls;
  Committer& committer;
  const storage::HeadReader& heads;
  Metrics& metrics;
  rpc::DrainSignal& drain;
  rpc::MemoryBudget& memory;
  StreamBudgets::Options stream;
};
std::unique_ptr<grpc::Service> MakeSubmissionService(const SubmissionParts& parts);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_SUBMISSION_SUBMISSION_RPC_H_
