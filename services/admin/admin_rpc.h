// fiscal.admin.v1.AdminService. Thread-safe.
#ifndef FISCAL_SERVICES_ADMIN_ADMIN_RPC_H_
#define FISCAL_SERVICES_ADMIN_ADMIN_RPC_H_

#include <functional>
#include <memory>

#include "fiscal/admin/v1/admin_service.pb.h"
#include "grpcpp/impl/codegen/service_type.h"
#include "services/admin/scrubber.h"
#include "services/ledger/compare/verifier.h"
#include "services/ledger/fold/projector.h"
#include "services/log/signer.h"
#include "services/rpc/call.h"
#include "services/rpc/drain.h"
#include "services/submission/committer.h"

namespace fiscal::services {

// REQUIRES: everything outlives the service.
struct AdminParts {
  // Null in a process without totals.
  Verifier* verifier = nullptr;
  Scrubber& scrubber;
  rpc::DrainSignal& drain;
  const storage::EventLog& log;
  Signer& signer;
  // Null in a process without totals.
  const Projector* projector = nullptr;
  // Null in a process that only copies the log.
  Committer* committer = nullptr;
  // Fills in the status of the process.
  std::function<void(admin::v1::GetStatusResponse*)> status;
};
std::unique_ptr<grpc::Service> MakeAdminService(rpc::Calls& calls, AdminParts parts);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_ADMIN_ADMIN_RPC_H_
