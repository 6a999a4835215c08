// The two gates before a handler: who calls and may call this method at all, and whether he may ask
// what he asks. Both go by the table of methods (methods.h): a method needs what its option says.
//
//   connection --(Identify)--> Caller --(MayCall)--> bytes --(parsed)--> MayAsk --> handler
//                                          Gate --> Identities, Authority, catalog
//
// What a write is about is looked at where it is decided (services/ledger/decide/permitted.h), and
// streams of the log are filtered event by event. Thread-safe.
#ifndef FISCAL_SERVICES_RPC_GATE_H_
#define FISCAL_SERVICES_RPC_GATE_H_

#include <functional>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "domain/authority/grants.h"
#include "domain/catalog.h"
#include "google/protobuf/message.h"
#include "grpcpp/support/server_callback.h"
#include "services/ledger/authority.h"
#include "services/rpc/caller.h"
#include "services/rpc/identities.h"
#include "services/rpc/methods.h"
#include "storage/event_log.h"

namespace fiscal::services::rpc {

// A right, and the parts of the budgets it is needed for; none: for the method as such.
struct Need {
  authority::Verb verb = authority::Verb::kNone;
  std::vector<authority::Asked> parts;
};

class Gate {
 public:
  // What it goes by. Without authority everything is permitted, without identities everybody is
  // anonymous.
  struct Parts {
    Identities* identities = nullptr;
    const Authority* authority = nullptr;
    const storage::EventLog* log = nullptr;
    std::function<std::shared_ptr<const domain::Catalog>()> catalog;
  };

  Gate();
  ~Gate();

  // Before calls come; what is given outlives them.
  void Open(Parts parts) { parts_ = std::move(parts); }
  const Authority* authority() const { return parts_.authority; }

  // PRINCIPAL_REFUSED is in the caller.
  Caller Identify(const grpc::ServerContextBase& context) const;
  // UNAUTHENTICATED, PERMISSION_DENIED. `share`, when it is given and grants are enforced: how much
  // the caller may take; else it stays as it is.
  absl::Status MayCall(const Caller& caller, const Method& method,
                       authority::Share* share = nullptr) const;
  // What a request of a read needs, in `needs`. PERMISSION_DENIED; CODE_MALFORMED for a division
  // that is none.
  absl::Status MayAsk(const Caller& caller, const Method& method,
                      const google::protobuf::Message& request, std::vector<Need>* needs) const;
  // True when the caller may have this part: for handlers that give each what he may.
  bool Sees(const Caller& caller, authority::Verb verb, const authority::Asked& part) const;
  // Both gates again, as of now, for a call whose needs were met before.
  absl::Status Still(const Method& method, const std::vector<Need>& needs,
                     const grpc::ServerContextBase& context) const;

 private:
  struct Rule;
  const Rule& RuleOf(const Method& method) const;
  bool on() const { return parts_.authority != nullptr && !parts_.authority->off(); }
  bool enforced() const { return on() && parts_.authority->mode() == Authority::Mode::kEnforce; }
  absl::Status Check(const Caller& caller, const std::vector<Need>& needs) const;

  Parts parts_;
  // Fixed after construction.
  absl::flat_hash_map<const Method*, std::unique_ptr<const Rule>> rules_;
};

}  // namespace fiscal::services::rpc

#endif  // FISCAL_SERVICES_RPC_GATE_H_
