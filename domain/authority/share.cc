#include "domain/authority/share.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "base/check.h"
#include "base/csv.h"
#include "domain/authority/principal.h"
#include "domain/authority/role.h"
#include "domain/data/shipped.h"

namespace fiscal::authority {
namespace {

constexpr absl::string_view kNames[kBounds] = {"calls", "streams", "watches", "requests_per_second",
                                               "cost_per_second"};

void Apply(const std::array<int64_t, kBounds>& max, Share* share) {
  for (int i = 0; i < kBounds; ++i) {
    if (max[i] > 0) (*share)[static_cast<Bound>(i)] = max[i];
  }
}

std::map<std::string, Share, std::less<>> ReadShares() {
  const auto rows = ParseCsv(domain::ShippedFile("shares.csv"));
  FISCAL_CHECK(rows.ok() && rows->size() == Roles().size() + 2,
               "the shipped shares are of every role, and of everybody");
  const std::vector<std::string>& head = (*rows)[0].cells;
  FISCAL_CHECK(head.size() == kBounds + 1 && std::equal(head.begin() + 1, head.end(), kNames),
               "shares.csv has the bounds in their order");
  std::map<std::string, Share, std::less<>> shares;
  for (size_t i = 1; i < rows->size(); ++i) {
    const std::vector<std::string>& cells = (*rows)[i].cells;
    FISCAL_CHECK(cells[0] == Shares::kEverybody || FindRole(cells[0]) != nullptr,
                 "shares.csv names roles that exist");
    Share& share = shares[cells[0]];
    for (int k = 0; k < kBounds; ++k) {
      int64_t& max = share[static_cast<Bound>(k)];
      FISCAL_CHECK(absl::SimpleAtoi(cells[k + 1], &max) && max > 0, "a share is some");
    }
  }
  return shares;
}

}  // namespace

absl::string_view NameOf(Bound bound) { return kNames[static_cast<int>(bound)]; }

Shares::Shares(const std::vector<Change>& changes) : by_role_(ReadShares()) {
  for (const Change& change : changes) {
    if (change.role.empty()) {
      of_principals_.push_back(change);
    } else {
      Apply(change.max, &by_role_.at(change.role));
    }
  }
}

Share Shares::Of(absl::string_view principal, absl::Span<const absl::string_view> roles) const {
  Share share = by_role_.find(kEverybody)->second;
  for (absl::string_view role : roles) {
    const Share& other = by_role_.find(role)->second;
    for (int i = 0; i < kBounds; ++i) {
      const Bound bound = static_cast<Bound>(i);
      share[bound] = std::max(share[bound], other[bound]);
    }
  }
  const auto own =
      std::find_if(of_principals_.begin(), of_principals_.end(),
                   [&](const Change& change) { return Matches(change.principal, principal); });
  if (own != of_principals_.end()) Apply(own->max, &share);
  return share;
}

}  // namespace fiscal::authority
