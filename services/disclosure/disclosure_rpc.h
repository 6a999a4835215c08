// fiscal.disclosure.v1.DisclosureService over the ledger. Thread-safe.
#ifndef FISCAL_SERVICES_DISCLOSURE_DISCLOSURE_RPC_H_
#define FISCAL_SERVICES_DISCLOSURE_DISCLOSURE_RPC_H_

#include <memory>

#include "grpcpp/impl/codegen/service_type.h"
#include "services/aggregation/runner.h"
#include "services/ledger/answer/totals_reader.h"
#include "services/rpc/call.h"
#include "storage/head_reader.h"

namespace fiscal::services {

std::unique_ptr<grpc::Service> MakeDisclosureService(rpc::Calls& calls, Runner& runner,
                                                     const TotalsReader& reader,
                                                     const storage::HeadReader& statements);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_DISCLOSURE_DISCLOSURE_RPC_H_
