// proto/fiscal/submission/v1 and proto/fiscal/budget/v1 <-> domain.
#ifndef FISCAL_SERVICES_WIRE_SUBMISSION_WIRE_H_
#define FISCAL_SERVICES_WIRE_SUBMISSION_WIRE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "domain/moment.h"
#include "domain/receipt.h"
#include "domain/requests.h"
#include "domain/submission.h"
#include "fiscal/submission/v1/submission_service.pb.h"
#include "google/protobuf/arena.h"
#include "services/wire/bounds.h"

namespace fiscal::services::wire {

// INVALID_ARGUMENT naming the first bad field, or the one that has too many values (bounds.h).
absl::Status ParseInto(absl::string_view bytes, google::protobuf::Message* message);

// A SubmitBudgetRequest as it arrived: line items still as bytes (line_reader.h), everything else
// parsed.
struct RawBudget {
  // All of the message, and what it is.
  absl::string_view bytes;
  const google::protobuf::Descriptor* type = nullptr;
  submission::v1::SubmitBudgetRequest* envelope = nullptr;  // on the arena, without line items
  std::vector<absl::string_view> line_items;
  // A field of the message around it that this version does not know.
  bool unknown_around = false;
};
// From a SubmitBudgetRequest, a StreamBudgetsRequest or a ValidateBudgetRequest; the last two have
// the budget as their field 1. Views point into `bytes`. INVALID_ARGUMENT naming the first bad
// field, or the one that has too many values; `counted` has those of the frames of the same budget
// before.
absl::StatusOr<RawBudget> ReadSubmit(absl::string_view bytes, google::protobuf::Arena* arena);
absl::StatusOr<RawBudget> ReadFrame(absl::string_view bytes, BoundedFields* counted,
                                    google::protobuf::Arena* arena);
// The part of a frame that is read without parsing it; empty when its bytes are no message.
struct FrameHead {
  // The next frame continues its budget.
  bool more = false;
  std::string request_id;
};
FrameHead ReadFrameHead(absl::string_view bytes);
absl::StatusOr<RawBudget> ReadValidate(absl::string_view bytes, google::protobuf::Arena* arena);

// A SubmitReallocationRequest as it arrived.
struct RawReallocation {
  std::string request_id;
  std::vector<RawBudget> budgets;
  bool unknown_around = false;
};
absl::StatusOr<RawReallocation> ReadReallocation(absl::string_view bytes,
                                                 google::protobuf::Arena* arena);

// True when the message itself (not what is nested in it) has fields this version does not know.
bool HasUnknownFields(const google::protobuf::Message& message);

// From the parts of one budget; the first has everything but the repeated fields of the later ones.
// The submission keeps `owners` alive (the bytes that its lines point into, not the arena) and has
// what could not be read among its violations; nothing else of it is checked. INVALID_ARGUMENT,
// naming the first bad field, only when a line item is no message.
absl::StatusOr<domain::Submission> ToSubmission(const std::vector<RawBudget>& parts,
                                                std::vector<std::shared_ptr<const void>> owners,
                                                absl::string_view principal);
// The same for several at once, of which at most the first 100 are read.
absl::StatusOr<domain::Reallocation> ToReallocation(
    const RawReallocation& raw, const std::vector<std::shared_ptr<const void>>& owners,
    absl::string_view principal);
domain::Submission ToWithdrawal(const submission::v1::WithdrawBudgetRequest& request,
                                absl::string_view principal);

// `at` is the moment after the receipt's event.
void ToProto(const domain::RequestReceipt& receipt, const domain::Moment& at,
             const std::string& request_id, submission::v1::SubmitBudgetResponse* out);
// Its position is not bound.
void ToProto(const domain::StatementMeta& meta, budget::v1::Budget* out);
void ToProto(const domain::Line& line, budget::v1::LineItem* out);
// A project as it was sent, from the bytes that ToSubmission kept; nothing else reads them.
void ToProto(const domain::ProjectEntry& project, budget::v1::Project* out);
// The unit that carries the project out; empty when none is named.
std::string ImplementingAgency(const domain::ProjectEntry& project);
// INVALID_ARGUMENT with everything wrong with the key.
absl::StatusOr<domain::BudgetKey> ToKey(const budget::v1::BudgetKey& key);

}  // namespace fiscal::services::wire

#endif  // FISCAL_SERVICES_WIRE_SUBMISSION_WIRE_H_
