#include "services/ledger/decide/reallocation.h"

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "domain/reason.h"
#include "services/ledger/decide/statement.h"

namespace fiscal::services {
namespace {

using domain::Reason;
using domain::Refuse;
using domain::RequestReceipt;
using domain::Submission;

// The sums of the changes that the parts make, counted lines only.
class Balance {
 public:
  void Add(const Submission& s, const Change& change) {
    if (change.event.meta.control) return;
    Add(change.put(s), 1);
    Add(change.event.removed.lines, -1);
  }
  // REALLOCATION_UNBALANCED, naming the first sum that is not 0.
  absl::Status Check() const {
    for (const auto& [of, sum] : sums_) {
      if (sum == 0) continue;
      return Refuse(Reason::kReallocationUnbalanced,
                    absl::StrCat(of.first == domain::Direction::kIncome ? "income" : "expenditure",
                                 " of fund ", static_cast<int>(of.second), " changes by ",
                                 static_cast<int64_t>(sum), " fen in all; it must be 0"));
    }
    return absl::OkStatus();
  }

 private:
  void Add(const std::vector<domain::Line>& lines, int sign) {
    for (const domain::Line& line : lines) {
      if (line.counts())
        sums_[{line.attributes.direction, line.attributes.fund}] += sign * line.amount_fen;
    }
  }

  std::map<std::pair<domain::Direction, domain::Fund>, __int128> sums_;
};

// The answer to an earlier request with this id, with those of its parts.
absl::StatusOr<std::optional<RequestReceipt>> FindWhole(const domain::Reallocation& r,
                                                        const storage::Ledger& ledger) {
  if (r.request_id.empty()) return std::optional<RequestReceipt>();
  FISCAL_ASSIGN_OR_RETURN(std::optional<domain::Receipt> earlier,
                          FindEarlier(ledger, r.principal, r.request_id, {r.body}));
  if (!earlier.has_value()) return std::optional<RequestReceipt>();
  RequestReceipt out;
  out.receipt = *std::move(earlier);
  for (const Submission& part : r.parts) {
    FISCAL_ASSIGN_OR_RETURN(earlier,
                            FindEarlier(ledger, part.principal, part.request_id, {part.body}));
    FISCAL_CHECK(earlier.has_value(), "a reallocation's parts are kept with it");
    out.parts.push_back(*std::move(earlier));
  }
  return std::optional<RequestReceipt>(std::move(out));
}

// Everything that was found wrong before, the parts' with their paths.
std::vector<domain::Violation> ViolationsOf(const domain::Reallocation& r) {
  std::vector<domain::Violation> violations = r.violations;
  for (size_t i = 0; i < r.parts.size(); ++i) {
    const Submission& part = r.parts[i];
    if (part.key.year != r.parts[0].key.year) {
      violations.push_back({Reason::kFieldNotAllowed,
                            absl::StrCat("budgets[", i, "].budget.fiscal_year"), "",
                            "all budgets of a reallocation are of one year"});
    }
    for (const domain::Violation& v : part.violations) {
      if (violations.size() >= domain::kViolationsMax) break;
      violations.push_back(v);
      violations.back().field = absl::StrCat("budgets[", i, "].", v.field);
    }
  }
  return violations;
}

// The same refusal, saying which part.
absl::Status OfPart(size_t i, const absl::Status& status) {
  domain::Explained e = domain::Explain(status);
  if (!e.reason_known) return status;
  const std::string path = absl::StrCat("budgets[", i, "]");
  e.refusal.message = absl::StrCat(path, ": ", e.refusal.message);
  for (domain::Violation& v : e.refusal.violations) v.field = absl::StrCat(path, ".", v.field);
  return domain::ToStatus(e.refusal);
}

}  // namespace

absl::StatusOr<RequestReceipt> Apply(domain::Reallocation& r, Group& group) {
  FISCAL_ASSIGN_OR_RETURN(std::optional<RequestReceipt> earlier,
                          FindWhole(r, group.standing().ledger));
  if (earlier.has_value()) return *std::move(earlier);
  std::vector<domain::Violation> violations = ViolationsOf(r);
  if (!violations.empty()) return Refuse(std::move(violations));

  Group::Savepoint savepoint(group);
  Balance balance;
  RequestReceipt out;
  for (size_t i = 0; i < r.parts.size(); ++i) {
    Submission& part = r.parts[i];
    part.more = i + 1 < r.parts.size();
    absl::StatusOr<StatementDecision> d = Decide(part, group.standing());
    if (!d.ok()) return OfPart(i, d.status());
    if (d->receipt.receipt.result == domain::Result::kUnchanged) {
      return Refuse(Reason::kReallocationUnchanged,
                    absl::StrCat("budgets[", i, "] changes nothing"));
    }
    balance.Add(part, d->change);
    FISCAL_ASSIGN_OR_RETURN(RequestReceipt receipt, group.Keep(part, *std::move(d)));
    out.parts.push_back(std::move(receipt.receipt));
  }
  FISCAL_RETURN_IF_ERROR(balance.Check());
  savepoint.Keep();
  out.receipt = out.parts.back();
  group.KeepAnswer(r.principal, r.request_id, r.body, out.receipt);
  return out;
}

}  // namespace fiscal::services
