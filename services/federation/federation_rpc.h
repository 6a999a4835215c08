// fiscal.federation.v1.FederationService. Thread-safe.
#ifndef FISCAL_SERVICES_FEDERATION_FEDERATION_RPC_H_
#define FISCAL_SERVICES_FEDERATION_FEDERATION_RPC_H_

#include <memory>
#include <vector>

#include "base/clock.h"
#include "grpcpp/impl/codegen/service_type.h"
#include "services/aggregation/projector.h"
#include "services/federation/upstream.h"
#include "services/log/signer.h"

namespace fiscal::services {

// What the process has: without a projector there are no digests, without an intake no upstreams.
struct FederationParts {
  const storage::EventLog& log;
  const Projector* projector = nullptr;
  const Intake* intake = nullptr;
  std::vector<Upstream*> upstreams;
  const Signer& signer;
  Clock& clock;
};

std::unique_ptr<grpc::Service> MakeFederationService(FederationParts parts);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_FEDERATION_FEDERATION_RPC_H_
