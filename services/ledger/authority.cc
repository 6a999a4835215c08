#include "services/ledger/authority.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "domain/reason.h"

namespace fiscal::services {
namespace {

using authority::Asked;
using authority::Verb;

// Principals whose rights are kept; all are made again when there are more.
constexpr size_t kKeptMax = 10000;
constexpr char kSecurityAdmin[] = "security-admin";

}  // namespace

Rights::Rights(const authority::Grants& grants, absl::string_view principal, bool admin,
               const authority::Shares& shares)
    : admin_(admin) {
  std::vector<absl::string_view> roles;
  for (const authority::Grant* grant : grants.Of(principal)) {
    grants_.push_back(*grant);
    roles.push_back(grant->event.role);
  }
  if (admin) roles.push_back(kSecurityAdmin);
  for (absl::string_view role : roles) verbs_.Add(authority::FindRole(role)->verbs);
  verbs_.Add(Verb::kIdentify);
  share_ = shares.Of(principal, roles);
}

bool Rights::Covers(Verb verb, const Asked& part, const domain::Catalog& catalog) const {
  if (authority::IsSystemWide(verb)) return Has(verb);
  return std::any_of(grants_.begin(), grants_.end(), [&](const authority::Grant& grant) {
    return authority::Permits(grant.event, verb, part, catalog);
  });
}

Authority::Authority(const storage::EventLog& log, Options options)
    : log_(log), options_(std::move(options)) {}

std::shared_ptr<const Rights> Authority::Of(absl::string_view principal) const {
  std::shared_ptr<const storage::OperatorEvents> operators = log_.operators();
  absl::MutexLock lock(&mu_);
  if (operators != seen_) {
    rights_.clear();
    seen_ = std::move(operators);
  }
  const auto it = rights_.find(principal);
  if (it != rights_.end()) return it->second;
  if (rights_.size() >= kKeptMax) rights_.clear();
  const bool admin =
      std::find(options_.admins.begin(), options_.admins.end(), principal) != options_.admins.end();
  auto rights = std::make_shared<const Rights>(seen_->grants(), principal, admin, options_.shares);
  rights_.emplace(principal, rights);
  return rights;
}

absl::Status Authority::MayEver(absl::string_view principal, Verb verb,
                                authority::Share* share) const {
  if (options_.mode != Mode::kEnforce) return absl::OkStatus();
  const std::shared_ptr<const Rights> rights = Of(principal);
  if (share != nullptr) *share = rights->share();
  return Check(*rights, principal, verb, {}, domain::Catalog());
}

absl::Status Authority::May(absl::string_view principal, Verb verb, absl::Span<const Asked> parts,
                            const domain::Catalog& catalog) const {
  return off() ? absl::OkStatus() : Check(*Of(principal), principal, verb, parts, catalog);
}

absl::Status Authority::Check(const Rights& rights, absl::string_view principal, Verb verb,
                              absl::Span<const Asked> parts, const domain::Catalog& catalog) const {
  if (!rights.Has(verb)) return Denied(principal, verb, parts.empty() ? "" : TextOf(parts[0]));
  for (const Asked& part : parts) {
    if (!rights.Covers(verb, part, catalog)) return Denied(principal, verb, TextOf(part));
  }
  return absl::OkStatus();
}

absl::Status Authority::Denied(absl::string_view principal, Verb verb,
                               const std::string& scope) const {
  domain::Refusal refusal;
  refusal.reason = domain::Reason::kRightNotGranted;
  refusal.message = absl::StrCat(principal, " has no grant of ", NameOf(verb));
  refusal.metadata = {{"principal", std::string(principal)}, {"right", std::string(NameOf(verb))}};
  if (!scope.empty()) {
    absl::StrAppend(&refusal.message, " for ", scope);
    refusal.metadata.push_back({"scope", scope});
  }
  std::string roles;
  for (const authority::Role& role : authority::Roles()) {
    if (role.verbs.Has(verb)) absl::StrAppend(&roles, roles.empty() ? "" : ", ", role.id);
  }
  absl::StrAppend(&refusal.message, "; roles with it: ", roles);
  const absl::Status status = domain::ToStatus(std::move(refusal));
  if (options_.mode == Mode::kEnforce) return status;
  if (options_.would_deny != nullptr) options_.would_deny(principal, status);
  return absl::OkStatus();
}

}  // namespace fiscal::services
