// AuthorityService (proto/fiscal/authority/v1).
//
//   Grant, ApproveGrant, RevokeGrant --(orders)--> Committer --> events of the log
//   ListGrants, WhoAmI, Explain <--(grants)-- EventLog::operators, Authority
#ifndef FISCAL_SERVICES_AUTHORITY_AUTHORITY_RPC_H_
#define FISCAL_SERVICES_AUTHORITY_AUTHORITY_RPC_H_

#include <functional>
#include <memory>

#include "domain/catalog.h"
#include "grpcpp/impl/codegen/service_type.h"
#include "services/ledger/authority.h"
#include "services/rpc/call.h"
#include "services/submission/committer.h"
#include "storage/event_log.h"

namespace fiscal::services {

struct AuthorityParts {
  const Authority& authority;
  const storage::EventLog& log;
  // Null where the log is a copy.
  Committer* committer = nullptr;
  std::function<std::shared_ptr<const domain::Catalog>()> catalog;
};

std::unique_ptr<grpc::Service> MakeAuthorityService(rpc::Calls& calls, AuthorityParts parts);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_AUTHORITY_AUTHORITY_RPC_H_
