// Whether a principal may do what it asks, by the grants of the log as they stand.
//
//   EventLog (GRANT, APPROVAL, REVOCATION), administrators of the configuration --> Authority
//     MayEver(principal, right)          --> rpc::Call, before a request is read
//     May(principal, right, parts)       --> rpc::Service on the parsed request; Intake, on what it
//                                            is about to decide
//     Of(principal)->Covers(right, part) --> streams of the log, event by event
//
// A right counts from the moment that its grant's answer is given, and no longer than its
// revocation's. Thread-safe.
#ifndef FISCAL_SERVICES_LEDGER_AUTHORITY_H_
#define FISCAL_SERVICES_LEDGER_AUTHORITY_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "domain/authority/grants.h"
#include "domain/authority/share.h"
#include "domain/catalog.h"
#include "storage/event_log.h"

namespace fiscal::services {

// What one principal may do. A value.
class Rights {
 public:
  // `admin`: named as an administrator by the configuration.
  Rights(const authority::Grants& grants, absl::string_view principal, bool admin,
         const authority::Shares& shares);

  // True when some grant has the right, whatever its extent.
  bool Has(authority::Verb verb) const { return verbs_.Has(verb); }
  // True when one grant with the right covers the part. The right to something system-wide needs no
  // extent.
  bool Covers(authority::Verb verb, const authority::Asked& part,
              const domain::Catalog& catalog) const;
  const std::vector<authority::Grant>& grants() const { return grants_; }
  bool admin() const { return admin_; }
  const authority::Share& share() const { return share_; }

 private:
  std::vector<authority::Grant> grants_;
  authority::Verbs verbs_;
  authority::Share share_;
  bool admin_;
};

class Authority {
 public:
  // kLog: everything is permitted, and what would not be is said.
  enum class Mode { kOff, kLog, kEnforce };
  struct Options {
    Mode mode = Mode::kOff;
    // Security administrators without a grant: where the first grants come from.
    std::vector<std::string> admins;
    authority::Shares shares;
    // Told, in kLog, of each refusal there would have been. From any thread.
    std::function<void(absl::string_view principal, const absl::Status& refusal)> would_deny;
  };

  // REQUIRES: `log` outlives it.
  Authority(const storage::EventLog& log, Options options);

  Mode mode() const { return options_.mode; }
  bool off() const { return options_.mode == Mode::kOff; }

  // The rights of a principal now.
  std::shared_ptr<const Rights> Of(absl::string_view principal) const ABSL_LOCKS_EXCLUDED(mu_);

  // OK, or PERMISSION_DENIED with RIGHT_NOT_GRANTED. MayEver: that some grant has the right; what
  // kLog says is left to May, which is asked once for each right that a call needs. May: that each
  // part is covered; without parts that some grant has the right. `share`, when it is given and
  // grants are enforced: how much the principal may take; else it stays as it is.
  absl::Status MayEver(absl::string_view principal, authority::Verb verb,
                       authority::Share* share = nullptr) const;
  absl::Status May(absl::string_view principal, authority::Verb verb,
                   absl::Span<const authority::Asked> parts, const domain::Catalog& catalog) const;

 private:
  absl::Status Check(const Rights& rights, absl::string_view principal, authority::Verb verb,
                     absl::Span<const authority::Asked> parts,
                     const domain::Catalog& catalog) const;
  absl::Status Denied(absl::string_view principal, authority::Verb verb,
                      const std::string& scope) const;

  const storage::EventLog& log_;
  const Options options_;
  mutable absl::Mutex mu_;
  // The snapshot that `rights_` were made of.
  mutable std::shared_ptr<const storage::OperatorEvents> seen_ ABSL_GUARDED_BY(mu_);
  mutable absl::flat_hash_map<std::string, std::shared_ptr<const Rights>> rights_
      ABSL_GUARDED_BY(mu_);
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_AUTHORITY_H_
