// Rights, and the roles that have them.
//
//   domain/data/roles.csv --> Roles --> grants.h: what a grant of a role permits
//
// Thread-safe: const.
#ifndef FISCAL_DOMAIN_AUTHORITY_ROLE_H_
#define FISCAL_DOMAIN_AUTHORITY_ROLE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace fiscal::authority {

// A right. Numbers are those of fiscal.method.v1.Verb, which says what each is.
enum class Verb : uint8_t {
  kNone,
  kWrite,
  kCertify,
  kControl,
  kValidate,
  kReadDetail,
  kList,
  kReadAggregate,
  kReadStatus,
  kReadDisclosure,
  kReadCatalog,
  kWriteCatalog,
  kReplicate,
  kWitness,
  kRollUp,
  kReconcile,
  kOperate,
  kGrant,
  kReadAudit,
  // Everybody with a principal has it.
  kIdentify,
  kReadGrants
};
constexpr int kVerbs = 21;

// As in roles.csv: "READ_DETAIL".
absl::string_view NameOf(Verb verb);

// A set of rights.
class Verbs {
 public:
  void Add(Verb verb) { bits_ |= 1u << static_cast<int>(verb); }
  void Add(Verbs verbs) { bits_ |= verbs.bits_; }
  bool Has(Verb verb) const { return (bits_ >> static_cast<int>(verb) & 1) != 0; }

 private:
  uint32_t bits_ = 0;
};

// True for rights about the system as a whole, which no part of the budgets narrows.
bool IsSystemWide(Verb verb);

// When a grant of a role takes two persons: one who makes it and one who approves.
enum class TwoPersons : uint8_t {
  kNever,
  // When it is of a whole province or of every division.
  kDivision,
  kAlways
};

struct Role {
  std::string id;
  std::string name_zh;
  Verbs verbs;
  TwoPersons two_persons = TwoPersons::kNever;
};

// All, in the order of roles.csv.
const std::vector<Role>& Roles();
// Null when there is none of this id.
const Role* FindRole(absl::string_view id);
// What a role is, for whoever named none: "one of submitter, reader".
std::string RoleShape();

}  // namespace fiscal::authority

#endif  // FISCAL_DOMAIN_AUTHORITY_ROLE_H_
