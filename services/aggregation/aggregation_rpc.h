// fiscal.aggregation.v1.AggregationService over the reader. Thread-safe.
#ifndef FISCAL_SERVICES_AGGREGATION_AGGREGATION_RPC_H_
#define FISCAL_SERVICES_AGGREGATION_AGGREGATION_RPC_H_

#include <memory>

#include "grpcpp/impl/codegen/service_type.h"
#include "services/aggregation/runner.h"
#include "services/aggregation/watch_hub.h"
#include "services/ledger/answer/totals_reader.h"
#include "services/rpc/call.h"
#include "storage/head_reader.h"

namespace fiscal::services {

std::unique_ptr<grpc::Service> MakeAggregationService(rpc::Calls& calls, Runner& runner,
                                                      const TotalsReader& reader,
                                                      const storage::HeadReader& statements,
                                                      WatchHub& hub);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_AGGREGATION_AGGREGATION_RPC_H_
