// Where calls are written down as they end, seen from the calls.
//
//   Call, gates --(Takes, Record)--> Audit <-- services/audit/audit_trail.h
//
// At the end of each call: the outcome is known, Takes says whether it is wanted, and only then is
// an entry made. The order is so because most reads are not wanted, and an entry has nine texts.
#ifndef FISCAL_SERVICES_RPC_AUDIT_H_
#define FISCAL_SERVICES_RPC_AUDIT_H_

#include "domain/audit.h"
#include "services/rpc/methods.h"

namespace fiscal::services::rpc {

// Thread-safe.
class Audit {
 public:
  virtual ~Audit() = default;
  // False for a read that is left out by sampling. Each `true` is for one call. Costs less than
  // 100 ns.
  virtual bool Takes(const Method& method, domain::AuditOutcome outcome) = 0;
  // Never waits and never fails: what can't be kept is counted. Sequence and time are set by it.
  virtual void Record(domain::AuditEntry entry) = 0;
};

}  // namespace fiscal::services::rpc

#endif  // FISCAL_SERVICES_RPC_AUDIT_H_
