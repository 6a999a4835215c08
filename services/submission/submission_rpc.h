// fiscal.submission.v1.SubmissionService over the committer (writes) and the heads (reads).
//
// Handlers do not block on the disk of a commit: they hand the work over and finish in its callback. Thread-safe.
#ifndef FISCAL_SERVICES_SUBMISSION_SUBMISSION_RPC_H_
#define FISCAL_SERVICES_SUBMISSION_SUBMISSION_RPC_H_

#include <memory>

#include "grpcpp/impl/codegen/service_type.h"
#include "services/submission/committer.h"
#include "storage/heads.h"

namespace fiscal::services {

std::unique_ptr<grpc::Service> MakeSubmissionService(Committer& committer,
                                                     const storage::HeadReader& heads);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_SUBMISSION_SUBMISSION_RPC_H_
