// How much of a server one principal may take, by its roles.
//
//   domain/data/shares.csv, server.shares of the configuration --> Shares
//     --> services/ledger/authority.h: Rights::share() --> services/rpc/call.h
//
// Thread-safe: const.
#ifndef FISCAL_DOMAIN_AUTHORITY_SHARE_H_
#define FISCAL_DOMAIN_AUTHORITY_SHARE_H_

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace fiscal::authority {

enum class Bound : uint8_t {
  // Open at once: unary calls, streams that are no watches, watches.
  kCalls,
  kStreams,
  kWatches,
  // Calls and streams begun in a second.
  kRequests,
  // Units of work (services/ledger/work.h) that the reads of a second cost.
  kCost
};
constexpr int kBounds = 5;

// As in shares.csv: "requests_per_second".
absl::string_view NameOf(Bound bound);

class Share {
 public:
  static constexpr int64_t kUnbounded = INT64_MAX;

  // Without bounds.
  Share() { max_.fill(kUnbounded); }

  int64_t operator[](Bound bound) const { return max_[static_cast<size_t>(bound)]; }
  int64_t& operator[](Bound bound) { return max_[static_cast<size_t>(bound)]; }

 private:
  std::array<int64_t, kBounds> max_;
};

class Shares {
 public:
  // What every principal has, whatever its roles; written as a role.
  static constexpr char kEverybody[] = "everybody";

  // Other numbers of a role, or of the principals of a pattern (principal.h).
  struct Change {
    // One of the two.
    std::string role;
    std::string principal;
    // 0: as it is.
    std::array<int64_t, kBounds> max{};
  };

  // As shipped, with these changes: each to a role; and for a principal the first that it matches,
  // which counts whatever its roles give. REQUIRES: roles and patterns that there are.
  explicit Shares(const std::vector<Change>& changes = {});

  // The largest that a role gives, bound by bound.
  Share Of(absl::string_view principal, absl::Span<const absl::string_view> roles) const;

 private:
  std::map<std::string, Share, std::less<>> by_role_;
  std::vector<Change> of_principals_;
};

}  // namespace fiscal::authority

#endif  // FISCAL_DOMAIN_AUTHORITY_SHARE_H_
