// fiscal.log.v1.EventLogService over the event log and its tree, whose heads are signed with `key`.
// Thread-safe.
#ifndef FISCAL_SERVICES_LOG_LOG_RPC_H_
#define FISCAL_SERVICES_LOG_LOG_RPC_H_

#include <memory>

#include "services/log/signer.h"
#include "grpcpp/impl/codegen/service_type.h"
#include "storage/event_log.h"

namespace fiscal::services {

std::unique_ptr<grpc::Service> MakeEventLogService(const storage::EventLog& log,
                                                   const Signer& signer);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LOG_LOG_RPC_H_
