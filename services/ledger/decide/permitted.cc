#include "services/ledger/decide/permitted.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/status_macros.h"
#include "domain/authority/principal.h"

namespace fiscal::services {
namespace {

using authority::Asked;
using authority::Verb;
using domain::Code;

// A chain of divisions that an import makes up; longer ones are refused (Catalog::ChainOf).
constexpr int kChainMax = 8;

bool HasKey(const domain::BudgetKey& key) {
  return key.division != 0 && key.year != 0 && key.stage != domain::Stage::kNone &&
         !key.agency.empty();
}

// The department that the statement would be counted in, where the catalog does not know it by the
// code: what stands says so, so that nobody claims another's by naming his own department. Of a
// code that it knows nothing is said: a refusal repeats this, and must not tell whether there is
// one.
absl::StatusOr<std::string> DepartmentOf(const domain::Submission& s, const Standing& standing) {
  const domain::BudgetKey& key = s.key;
  if (standing.catalog.FindAgency(key.division, key.year, key.agency) != nullptr ||
      standing.catalog.HasDepartment(key.division, key.year, key.agency)) {
    return std::string();
  }
  FISCAL_ASSIGN_OR_RETURN(const std::optional<domain::StatementMeta> old,
                          standing.ledger.heads().Meta(s.key));
  return old.has_value() ? old->department_code : s.department_code;
}

// The divisions that decide about an entry of a list of divisions: where it stands and where it
// would stand.
class Places {
 public:
  Places(const domain::CatalogEvent& event, const domain::Catalog& catalog)
      : event_(event), catalog_(catalog) {
    for (const domain::CatalogEntry& e : event.entries)
      parents_.emplace(domain::ParseCode(e.code), domain::ParseCode(e.parent_code));
  }
  std::vector<Asked> All() const {
    std::vector<Asked> places = {{event_.division, false, "", "", event_.year}};
    for (const domain::CatalogEntry& e : event_.entries) {
      const Code code = domain::ParseCode(e.code), parent = domain::ParseCode(e.parent_code);
      const uint16_t year = StandsIn(code);
      if (year != 0) places.push_back({code, false, "", "", year});
      const bool stays = year != 0 && catalog_.ParentOf(code, year) == parent;
      // A province that is in no list hangs below nothing, and its list is its own.
      const bool begins = year == 0 && parent == 0 && code == event_.division && code % 10000 == 0;
      if (!stays && !begins) places.push_back({Known(parent), false, "", "", event_.year});
    }
    return places;
  }

 private:
  // The year whose list says where a division stands: the event's, else the latest other one; 0 for
  // one that is new. A new year's list is no way around it.
  uint16_t StandsIn(Code code) const {
    if (catalog_.FindDivision(code, event_.year) != nullptr) return event_.year;
    uint16_t latest = 0;
    for (const auto& [key, entries] : catalog_.lists()) {
      if (key.list == domain::CatalogList::kDivision && key.year > latest &&
          catalog_.FindDivision(code, key.year) != nullptr) {
        latest = key.year;
      }
    }
    return latest;
  }
  // The nearest division from `code` up that exists already, or that the import is of.
  Code Known(Code code) const {
    for (int i = 0; i < kChainMax && code != 0; ++i) {
      if (code == event_.division || catalog_.FindDivision(code, event_.year) != nullptr)
        return code;
      const auto parent = parents_.find(code);
      if (parent == parents_.end()) return 0;
      code = parent->second;
    }
    return 0;
  }

  const domain::CatalogEvent& event_;
  const domain::Catalog& catalog_;
  std::map<Code, Code> parents_;
};

absl::Status MayOrder(const Authority& authority, const std::string& principal, Verb verb) {
  // The process's own: it names its first key.
  if (principal == authority::kProcess) return absl::OkStatus();
  return authority.MayEver(principal, verb);
}

}  // namespace

absl::Status Permitted(const Authority& authority, const domain::Submission& s,
                       const Standing& standing) {
  if (authority.off() || (!HasKey(s.key) && !s.violations.empty())) return absl::OkStatus();
  FISCAL_ASSIGN_OR_RETURN(std::string department, DepartmentOf(s, standing));
  const Asked part = authority::AskedOf(s.key, std::move(department));
  std::vector<Asked> parts = {part};
  // A whole department's is counted in the one it names, whatever agency has that code.
  if (s.scope == domain::Scope::kDepartment && !s.department_code.empty()) {
    parts.push_back({s.key.division, true, s.department_code, "", s.key.year, s.key.stage});
  }
  const auto may = [&](Verb verb) {
    return authority.May(s.principal, verb, parts, standing.catalog);
  };
  FISCAL_RETURN_IF_ERROR(may(s.validate_only ? Verb::kValidate : Verb::kWrite));
  if (s.certify) FISCAL_RETURN_IF_ERROR(may(Verb::kCertify));
  if (s.control) FISCAL_RETURN_IF_ERROR(may(Verb::kControl));
  return absl::OkStatus();
}

absl::Status Permitted(const Authority& authority, const domain::Reallocation& r,
                       const Standing& standing) {
  for (const domain::Submission& part : r.parts)
    FISCAL_RETURN_IF_ERROR(Permitted(authority, part, standing));
  return absl::OkStatus();
}

absl::Status Permitted(const Authority& authority, const domain::CatalogImport& import,
                       const Standing& standing) {
  const domain::CatalogEvent& event = import.event;
  if (authority.off() || (event.division == 0 && !import.violations.empty()))
    return absl::OkStatus();
  std::vector<Asked> places = {
      {event.division, event.list == domain::CatalogList::kAgency, "", "", event.year}};
  if (event.list == domain::CatalogList::kDivision) places = Places(event, standing.catalog).All();
  return authority.May(import.principal, Verb::kWriteCatalog, places, standing.catalog);
}

absl::Status Permitted(const Authority& authority, const domain::GrantOrder& order,
                       const Standing&) {
  return MayOrder(authority, order.principal, Verb::kGrant);
}
absl::Status Permitted(const Authority& authority, const domain::ApprovalOrder& order,
                       const Standing&) {
  return MayOrder(authority, order.principal, Verb::kGrant);
}
absl::Status Permitted(const Authority& authority, const domain::RevocationOrder& order,
                       const Standing&) {
  return MayOrder(authority, order.principal, Verb::kGrant);
}
absl::Status Permitted(const Authority& authority, const domain::QuarantineOrder& order,
                       const Standing&) {
  return MayOrder(authority, order.principal, Verb::kOperate);
}
absl::Status Permitted(const Authority& authority, const domain::KeyOrder& order, const Standing&) {
  return MayOrder(authority, order.principal, Verb::kOperate);
}
absl::Status Permitted(const Authority& authority, const domain::ClockOrder& order,
                       const Standing&) {
  return MayOrder(authority, order.principal, Verb::kOperate);
}
absl::Status Permitted(const Authority&, const domain::UpstreamRecords&, const Standing&) {
  // From a connection that this process made to a system that its configuration names.
  return absl::OkStatus();
}

}  // namespace fiscal::services
