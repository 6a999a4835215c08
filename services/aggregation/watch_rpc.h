// AggregationService.WatchTotals: one call of it as a watcher of the hub.
#ifndef FISCAL_SERVICES_AGGREGATION_WATCH_RPC_H_
#define FISCAL_SERVICES_AGGREGATION_WATCH_RPC_H_

#include <memory>

#include "fiscal/aggregation/v1/aggregation_service.pb.h"
#include "grpcpp/support/server_callback.h"
#include "services/aggregation/watch_hub.h"
#include "services/rpc/call.h"

namespace fiscal::services {

// Owns itself until the call is over.
grpc::ServerWriteReactor<aggregation::v1::WatchTotalsResponse>* StartWatch(
    const aggregation::v1::WatchTotalsRequest& request, std::unique_ptr<rpc::Call> call,
    WatchHub& hub, const Projector& projector, const TotalsReader& reader);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_AGGREGATION_WATCH_RPC_H_
