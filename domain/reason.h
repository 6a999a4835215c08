// Why something was refused: stable identifiers, the status each leads to, and what a person reads
// in Chinese. proto/fiscal/error/v1/reason.proto and docs/errors.md list them for callers;
// tests/proto/reason_test.cc keeps the three equal.
#ifndef FISCAL_DOMAIN_REASON_H_
#define FISCAL_DOMAIN_REASON_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace fiscal::domain {

enum class Reason {
  kMessageMalformed,
  kMessageTooLarge,
  kFieldUnknown,
  kRequiredFieldMissing,
  kFieldNotAllowed,
  kEnumUnknown,
  kTextInvalid,
  kCodeMalformed,
  kAmountInvalid,
  kAmountOverflow,
  kDuplicateLineId,
  kDuplicateProjectCode,
  kDuplicateCode,
  kTooManyLines,
  kTooManyProjects,
  kTooManyEntries,
  kTooManyValues,
  kProjectUnknown,
  kPageTokenInvalid,
  kPositionInvalid,
  kResumeTokenInvalid,
  kQueryInvalid,
  kFormUnknown,
  kDivisionUnknown,
  kDepartmentUnknown,
  kAgencyUnknown,
  kDepartmentMismatch,
  kAgencyNotValid,
  kCatalogNotLoaded,
  kCodeUnknown,
  kParentUnknown,
  kLineUnknown,
  kScopeMixed,
  kAgencyHasStatements,
  kLedgerOverflow,
  kStatementLinesExceeded,
  kReallocationUnbalanced,
  kRulesFailed,
  kReallocationUnchanged,
  kDivisionFromUpstream,
  kUpstreamUnknown,
  kUpstreamEventInvalid,
  kTotalsNotHere,
  kTotalsStopped,
  kNotTheWriter,
  kQuarantineNotNeeded,
  kBudgetQuarantined,
  kSigningStopped,
  kBudgetNotFound,
  kRevisionNotFound,
  kRevisionMismatch,
  kRequestIdReused,
  kPositionAhead,
  kPositionOfOtherHistory,
  kTotalOutOfRange,
  kPositionTimeout,
  kHistoryDiffers,
  kWatchTooWide,
  kWatchersTooMany,
  kReadTooLarge,
  kCallsTooMany,
  kRateExceeded,
  kQueueFull,
  kCheckRunning,
  kDiskFull,
  kMemoryFull,
  kUpstreamUnreachable,
  kReplicaBehind,
  kDraining,
  kRecovering,
  kOutcomeUnknown,
  kStorageDamaged,
  kPrincipalRefused,
  kRightNotGranted,
  kPrincipalMalformed,
  kRoleUnknown,
  kGrantNotFound,
  kGrantNotPending,
  kSecondPersonNeeded,
  kStatementEmptied,
  kClockStepped,
  kClockNotAccepted,
  // Of errors that are no refusals: services/rpc/status.cc.
  kCancelled,
  kDeadlineExceeded,
  kInternal,
};

struct ReasonInfo {
  Reason reason;
  // ErrorInfo.reason.
  absl::string_view id;
  absl::StatusCode code;
  absl::string_view zh;
};

// All reasons, in the order of the enum.
const std::vector<ReasonInfo>& AllReasons();
const ReasonInfo& InfoOf(Reason reason);

// At most this many violations are kept; more are as good as these.
constexpr size_t kViolationsMax = 100;
// Bytes of a text that a message shows of what was sent; the rest is cut off. A good id is shorter.
constexpr size_t kEchoBytesMax = 256;

// A sentence for both kinds of readers: what is wrong, with the value that was sent where there is
// one, and what would be right.
struct Sentence {
  std::string en, zh;
};
// One that is always the same.
struct Shape {
  absl::string_view en, zh;

  operator Sentence() const { return {std::string(en), std::string(zh)}; }  // NOLINT: it is one
  // With what was sent instead.
  Sentence Not(absl::string_view sent) const;
};

// One failing check. What it repeats of a request is cut here, so that an id of 15 MB is not kept
// once a check.
struct Violation {
  Violation() = default;
  Violation(Reason why, std::string path, std::string line, std::string says);
  Violation(Reason why, std::string path, std::string line, Sentence says);
  Violation(Reason why, std::string path, std::string line, const Shape& says)
      : Violation(why, std::move(path), std::move(line), Sentence(says)) {}

  Reason reason = Reason::kMessageMalformed;
  // Path from the request down: "line_items[17].functional_code".
  std::string field;
  std::string line_id;
  // English, a sentence.
  std::string message;
  // The same in Chinese; empty where the reason's own has to do.
  std::string message_zh;
};

// Keeps it, unless its field has one already: what follows from the first is no other fault. At
// most kViolationsMax are kept.
void AddViolation(Violation violation, std::vector<Violation>* violations);

// An error as the product tells it: services/rpc turns it into google.rpc.Status. Carried inside
// absl::Status as a payload so that it passes through StatusOr unharmed.
struct Refusal {
  Reason reason;
  std::string message;
  std::vector<Violation> violations;
  // Pairs for ErrorInfo.metadata.
  std::vector<std::pair<std::string, std::string>> metadata;
  // In how long the same may be sent again; whole milliseconds. Zero: nothing is said of it.
  absl::Duration retry_after = absl::ZeroDuration();
  // The message in Chinese; empty where the reason's own and those of the violations have to do.
  std::string message_zh;
};

// Cuts what is too long, and violations above kViolationsMax.
absl::Status ToStatus(Refusal refusal);
// One reason, no field.
absl::Status Refuse(Reason reason, absl::string_view message);
absl::Status Refuse(Reason reason, Sentence message);
// INVALID_ARGUMENT when any violation is about the message alone, else the code of the first.
// REQUIRES: !violations.empty().
absl::Status Refuse(std::vector<Violation> violations);
// The refusal a status carries; for any other status one with no violations and `reason_known`
// false.
struct Explained {
  bool reason_known = false;
  Refusal refusal;
};
Explained Explain(const absl::Status& status);

}  // namespace fiscal::domain

#endif  // FISCAL_DOMAIN_REASON_H_
