// Grants: which principal has which role over which part of the budgets, since and until which
// event of the log.
//
//   GRANT, APPROVAL, REVOCATION events --(storage/operator_events.h)--> Grants
//     --> Of(principal) --> Permits(grant, right, asked) --> services/ledger/authority.h
//
// Deny by default: what no active grant covers is not permitted. One grant has to cover the whole
// of what is asked; two that cover a half each don't.
#ifndef FISCAL_DOMAIN_AUTHORITY_GRANTS_H_
#define FISCAL_DOMAIN_AUTHORITY_GRANTS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "domain/authority/role.h"
#include "domain/catalog.h"
#include "domain/grant_event.h"
#include "domain/position.h"
#include "domain/types.h"

namespace fiscal::authority {

// "division 141100, department 035, years 2026 to 2027"; "everything".
std::string TextOf(const Extent& extent);

// What a request is about. Empty: all.
struct Asked {
  domain::Code division = 0;
  bool own_level = false;
  std::string department;
  std::string agency;
  uint16_t year = 0;
  domain::Stage stage = domain::Stage::kNone;
};
std::string TextOf(const Asked& asked);
inline Asked AskedOf(const domain::BudgetKey& key, std::string department) {
  return {key.division, /*own_level=*/true, std::move(department), key.agency, key.year, key.stage};
}

// True when all of `asked` is within `extent`. The catalog says what is below a division, and of
// which department an agency is; what `asked` says of the department counts for agencies that are
// not in it.
bool Covers(const Extent& extent, const Asked& asked, const domain::Catalog& catalog);

// True when the grant's role has the right and its extent covers the part, which no right about the
// system as a whole needs. Lists of a division are for all of it: only division and years narrow
// the right to them.
bool Permits(const GrantEvent& grant, Verb verb, const Asked& part, const domain::Catalog& catalog);

// True when it takes effect only with a second person's approval.
bool NeedsApproval(const GrantEvent& event);

struct Grant {
  struct Act {
    domain::Position position;
    int64_t commit_time_us = 0;
    std::string principal;
    std::string note;
    explicit operator bool() const { return !position.zero(); }
  };
  // Its name, too: the position of the event.
  Act granted;
  GrantEvent event;
  bool needs_approval = false;
  Act approved;
  Act revoked;

  enum class State { kPending, kActive, kRevoked };
  // As the log up to `at` has it. REQUIRES: at >= granted.position.
  State StateAt(domain::Position at) const;
};

// All grants of a log. A value.
class Grants {
 public:
  void Add(Grant::Act act, GrantEvent event);
  // False when there is no such grant, or it was approved or revoked before.
  bool Approve(domain::Position grant, Grant::Act act);
  bool Revoke(domain::Position grant, Grant::Act act);

  // Null when there is none.
  const Grant* Find(domain::Position grant) const;
  const std::map<domain::Position, Grant>& all() const { return grants_; }
  // The active ones of a principal, after all events.
  std::vector<const Grant*> Of(absl::string_view principal) const;

 private:
  std::map<domain::Position, Grant> grants_;
};

}  // namespace fiscal::authority

#endif  // FISCAL_DOMAIN_AUTHORITY_GRANTS_H_
