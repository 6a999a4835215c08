// fiscal.log.v1.EventLogService over the event log that `feed` serves and its tree, whose heads are
// signed with `key`. Thread-safe.
#ifndef FISCAL_SERVICES_LOG_LOG_RPC_H_
#define FISCAL_SERVICES_LOG_LOG_RPC_H_

#include <memory>

#include "grpcpp/impl/codegen/service_type.h"
#include "services/ledger/authority.h"
#include "services/log/log_feed.h"
#include "services/log/log_view.h"
#include "services/log/signer.h"
#include "services/rpc/call.h"

namespace fiscal::services {

std::unique_ptr<grpc::Service> MakeEventLogService(rpc::Calls& calls, LogFeed& feed,
                                                   const Signer& signer, const Authority& authority,
                                                   LogView::Catalogs catalog);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LOG_LOG_RPC_H_
