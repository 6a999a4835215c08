// Who may do what, computed from the grant events of a log by sets: what a grant is over and what a
// request asks for are sets of places, units, years and stages, and the one has to hold the other.
// Shares nothing with domain/authority/grants.h but the events' types.
#ifndef FISCAL_TESTS_SIMULATION_GRANT_ORACLE_H_
#define FISCAL_TESTS_SIMULATION_GRANT_ORACLE_H_

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "domain/authority/grants.h"
#include "domain/requests.h"
#include "storage/event_log.h"

namespace fiscal::simulation {

class GrantOracle {
 public:
  struct Cells {
    std::set<std::string> places, units, years, stages;
  };
  struct Grant {
    authority::GrantEvent event;
    Cells cells;
    std::string granter;
    // None: in force from the start, or never.
    bool needs_approval = false;
    std::optional<std::string> approver;
    domain::Position granted, approved, revoked;
    authority::Grant::State StateAt(domain::Position at) const;
  };

  explicit GrantOracle(std::vector<std::string> admins) : admins_(std::move(admins)) {}

  // Takes the events that came since, up to `until`. What it has taken stays in the log.
  absl::Status Read(const storage::EventLog& log, domain::Position until);
  const std::map<domain::Position, Grant>& grants() const { return grants_; }

  // True when a grant that is in force has the right over all of `asked`.
  bool Covers(const std::string& principal, authority::Verb verb,
              const authority::Asked& asked) const;
  // True when there is any with it.
  bool Has(const std::string& principal, authority::Verb verb) const;
  // True when he may see the list of a catalog.
  bool SeesList(const std::string& principal, authority::Verb verb, domain::CatalogList list,
                domain::Code division) const;

  // OK, or what the request must be refused with: word for word, and from the request alone.
  absl::Status Check(const domain::Submission& s) const;
  absl::Status Check(const domain::Reallocation& r) const;
  absl::Status Check(const domain::CatalogImport& import) const;
  absl::Status CheckOrder(const std::string& principal) const;
  // The answer to an order that is permitted: the position of an event before `next` that is in
  // force already, `next` when it makes one, or a refusal.
  struct Answer {
    absl::StatusCode code = absl::StatusCode::kOk;
    domain::Position position;
  };
  Answer Decide(const domain::GrantOrder& order, domain::Position next) const;
  Answer Decide(const domain::ApprovalOrder& order, domain::Position next) const;
  Answer Decide(const domain::RevocationOrder& order, domain::Position next) const;

  // False when another's grants differ from these, at `at` too.
  bool Agrees(const authority::Grants& grants, domain::Position at) const;

 private:
  absl::Status Denied(const std::string& principal, const char* right,
                      const std::string& scope) const;

  const std::vector<std::string> admins_;
  domain::Position read_;
  std::map<domain::Position, Grant> grants_;
};

}  // namespace fiscal::simulation

#endif  // FISCAL_TESTS_SIMULATION_GRANT_ORACLE_H_
