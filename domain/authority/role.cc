#include "domain/authority/role.h"

#include <iterator>

#include "absl/strings/str_split.h"
#include "base/check.h"
#include "base/csv.h"
#include "domain/data/shipped.h"

namespace fiscal::authority {
namespace {

constexpr absl::string_view kNames[] = {"",
                                        "WRITE",
                                        "CERTIFY",
                                        "CONTROL",
                                        "VALIDATE",
                                        "READ_DETAIL",
                                        "LIST",
                                        "READ_AGGREGATE",
                                        "READ_STATUS",
                                        "READ_DISCLOSURE",
                                        "READ_CATALOG",
                                        "WRITE_CATALOG",
                                        "REPLICATE",
                                        "WITNESS",
                                        "ROLL_UP",
                                        "RECONCILE",
                                        "OPERATE",
                                        "GRANT",
                                        "READ_AUDIT",
                                        "IDENTIFY",
                                        "READ_GRANTS"};
static_assert(std::size(kNames) == kVerbs);

Verb VerbOf(absl::string_view name) {
  for (int i = 1; i < kVerbs; ++i) {
    if (kNames[i] == name) return static_cast<Verb>(i);
  }
  FISCAL_CHECK(false, "roles.csv names rights that exist");
  return Verb::kNone;
}

TwoPersons TwoPersonsOf(absl::string_view text) {
  if (text == "never") return TwoPersons::kNever;
  if (text == "division") return TwoPersons::kDivision;
  FISCAL_CHECK(text == "always", "roles.csv says never, division or always");
  return TwoPersons::kAlways;
}

std::vector<Role>* ReadRoles() {
  const auto rows = ParseCsv(domain::ShippedFile("roles.csv"));
  FISCAL_CHECK(rows.ok() && rows->size() > 1, "the shipped roles are unsound");
  auto* roles = new std::vector<Role>();
  for (size_t i = 1; i < rows->size(); ++i) {
    const std::vector<std::string>& cells = (*rows)[i].cells;
    FISCAL_CHECK(cells.size() == 4, "a role has four cells");
    Role role{cells[0], cells[1], Verbs(), TwoPersonsOf(cells[3])};
    for (absl::string_view verb : absl::StrSplit(cells[2], ';')) role.verbs.Add(VerbOf(verb));
    roles->push_back(std::move(role));
  }
  return roles;
}

}  // namespace

absl::string_view NameOf(Verb verb) { return kNames[static_cast<int>(verb)]; }

bool IsSystemWide(Verb verb) {
  switch (verb) {
    case Verb::kOperate:
    case Verb::kGrant:
    case Verb::kReadAudit:
    case Verb::kIdentify:
    case Verb::kReadGrants:
      return true;
    default:
      return false;
  }
}

const std::vector<Role>& Roles() {
  static const std::vector<Role>* const roles = ReadRoles();
  return *roles;
}

const Role* FindRole(absl::string_view id) {
  for (const Role& role : Roles()) {
    if (role.id == id) return &role;
  }
  return nullptr;
}

std::string RoleShape() {
  std::string ids;
  for (const Role& role : Roles()) absl::StrAppend(&ids, ids.empty() ? "one of " : ", ", role.id);
  return ids;
}

}  // namespace fiscal::authority
