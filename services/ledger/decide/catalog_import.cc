#include "services/ledger/decide/catalog_import.h"

#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "domain/reason.h"

namespace fiscal::services {
namespace {

using domain::CatalogEntry;
using domain::CatalogEvent;
using domain::Reason;
using Violations = std::vector<domain::Violation>;

// That an agency whose statements are counted in a department stays there.
absl::Status CheckDepartment(const CatalogEvent& event, size_t i, const Standing& standing,
                             Violations* violations) {
  const CatalogEntry& e = event.entries[i];
  const CatalogEntry* old = standing.catalog.FindAgency(event.division, event.year, e.code);
  if (old == nullptr || old->department_code == e.department_code) return absl::OkStatus();
  FISCAL_ASSIGN_OR_RETURN(const bool has,
                          standing.ledger.HasRevisions(event.division, event.year, e.code));
  if (!has) return absl::OkStatus();
  violations->push_back({Reason::kAgencyHasStatements,
                         absl::StrCat("entries[", i, "].department_code"), "",
                         absl::StrCat("agency ", e.code, " has statements of ", event.year,
                                      " counted in department ", old->department_code)});
  return absl::OkStatus();
}

// That a division with statements, its own or of one below it, stays below its parent.
absl::Status CheckParent(const CatalogEvent& event, size_t i, const Standing& standing,
                         Violations* violations) {
  const CatalogEntry& e = event.entries[i];
  const domain::Code division = domain::ParseCode(e.code);
  const CatalogEntry* old = standing.catalog.FindDivision(division, event.year);
  if (old == nullptr || old->parent_code == e.parent_code) return absl::OkStatus();
  for (domain::Code d : standing.catalog.SubtreeOf(division, event.year)) {
    FISCAL_ASSIGN_OR_RETURN(const bool has, standing.ledger.HasRevisions(d, event.year, ""));
    if (!has) continue;
    violations->push_back({Reason::kAgencyHasStatements,
                           absl::StrCat("entries[", i, "].parent_code"), "",
                           absl::StrCat("division ", d, " has statements of ", event.year)});
    break;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ImportDecision> Decide(const domain::CatalogImport& import,
                                      const Standing& standing) {
  ImportDecision d;
  if (!import.request_id.empty()) {
    FISCAL_ASSIGN_OR_RETURN(std::optional<domain::Receipt> earlier,
                            FindEarlier(standing.ledger, import.principal, import.request_id,
                                        {import.body, import.sent}));
    if (earlier.has_value()) {
      d.repeated = true;
      d.receipt.receipt = *std::move(earlier);
      return d;
    }
  }
  Violations violations = import.violations;
  if (violations.empty()) violations = standing.catalog.Check(import.event);
  if (!violations.empty()) return domain::Refuse(std::move(violations));

  // Money that is counted may not change its place behind the totals' back.
  const domain::CatalogList list = import.event.list;
  for (size_t i = 0; i < import.event.entries.size() && violations.size() < domain::kViolationsMax;
       ++i) {
    if (list == domain::CatalogList::kAgency)
      FISCAL_RETURN_IF_ERROR(CheckDepartment(import.event, i, standing, &violations));
    if (list == domain::CatalogList::kDivision)
      FISCAL_RETURN_IF_ERROR(CheckParent(import.event, i, standing, &violations));
  }
  if (!violations.empty()) return domain::Refuse(std::move(violations));

  const domain::Catalog::Difference difference = standing.catalog.Diff(import.event, &d.changed);
  domain::Receipt& receipt = d.receipt.receipt;
  receipt.added = difference.added;
  receipt.changed = difference.changed;
  receipt.unchanged = difference.unchanged;
  receipt.result =
      d.changed.entries.empty() ? domain::Result::kUnchanged : domain::Result::kRevised;
  return d;
}

}  // namespace fiscal::services
