// fiscal.federation.v1.FederationService. Thread-safe.
#ifndef FISCAL_SERVICES_FEDERATION_FEDERATION_RPC_H_
#define FISCAL_SERVICES_FEDERATION_FEDERATION_RPC_H_

#include <memory>
#include <vector>

#include "base/clock.h"
#include "grpcpp/impl/codegen/service_type.h"
#include "services/aggregation/runner.h"
#include "services/federation/upstream.h"
#include "services/ledger/authority.h"
#include "services/log/log_feed.h"
#include "services/log/log_view.h"
#include "services/log/signer.h"
#include "services/rpc/call.h"

namespace fiscal::services {

// The parts of the process: without a projector there are no digests, without an intake no
// upstreams.
struct FederationParts {
  LogFeed& feed;
  const storage::EventLog& log;
  // Null in a process without totals.
  Runner* runner = nullptr;
  const Intake* intake = nullptr;
  std::vector<Upstream*> upstreams;
  const Signer& signer;
  Clock& clock;
  const Authority& authority;
  LogView::Catalogs catalog;
};

std::unique_ptr<grpc::Service> MakeFederationService(rpc::Calls& calls, FederationParts parts);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_FEDERATION_FEDERATION_RPC_H_
