#include "services/ledger/decide/standing.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "domain/reason.h"

namespace fiscal::services {

absl::string_view Standing::OwnerOf(domain::Code division) const {
  for (const Owners* of : {&claimed, &owners}) {
    const auto owner = of->find(division);
    if (owner != of->end()) return owner->second;
  }
  return absl::string_view();
}

absl::StatusOr<std::optional<domain::Receipt>> FindEarlier(const storage::Ledger& ledger,
                                                           absl::string_view principal,
                                                           absl::string_view request_id,
                                                           absl::Span<const Digest> bodies) {
  FISCAL_ASSIGN_OR_RETURN(std::optional<storage::Ledger::Answered> answered,
                          ledger.FindAnswer(principal, request_id));
  if (!answered.has_value()) return std::optional<domain::Receipt>();
  if (std::find(bodies.begin(), bodies.end(), answered->body) == bodies.end()) {
    return domain::Refuse(domain::Reason::kRequestIdReused,
                          absl::StrCat("request_id ", request_id, " was used for another body"));
  }
  return std::optional<domain::Receipt>(std::move(answered->receipt));
}

}  // namespace fiscal::services
