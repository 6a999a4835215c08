// proto/fiscal/submission/v1 and proto/fiscal/budget/v1 <-> domain.
#ifndef FISCAL_SERVICES_WIRE_SUBMISSION_WIRE_H_
#define FISCAL_SERVICES_WIRE_SUBMISSION_WIRE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "domain/catalog.h"
#include "domain/submission.h"
#include "fiscal/submission/v1/submission_service.pb.h"
#include "google/protobuf/arena.h"
#include "services/submission/intake.h"
#include "storage/heads.h"

namespace fiscal::services::wire {

// Parses `bytes` on `arena`. INVALID_ARGUMENT naming the first bad field.
template <typename Message>
absl::StatusOr<Message*> Parse(absl::string_view bytes, google::protobuf::Arena* arena);
absl::Status ParseInto(absl::string_view bytes, google::protobuf::Message* message);

template <typename Message>
absl::StatusOr<Message*> Parse(absl::string_view bytes, google::protobuf::Arena* arena) {
  auto* message = google::protobuf::Arena::CreateMessage<Message>(arena);
  absl::Status status = ParseInto(bytes, message);
  if (!status.ok()) return status;
  return message;
}

// True when the message itself (not what is nested in it) has fields this version does not know.
bool HasUnknownFields(const google::protobuf::Message& message);

// The parts of one budget, the first with everything but repeated fields of the later ones. The submission keeps the arena
// alive and holds everything that is wrong; it is always answered through the intake.
domain::Submission ToSubmission(
    const std::vector<const submission::v1::SubmitBudgetRequest*>& parts,
    std::shared_ptr<google::protobuf::Arena> arena, absl::string_view principal,
    const domain::Catalog& catalog);
domain::Submission ToWithdrawal(const submission::v1::WithdrawBudgetRequest& request,
                                absl::string_view principal);

void ToProto(const IntakeReceipt& receipt, const std::string& request_id,
             submission::v1::SubmitBudgetResponse* out);
void ToProto(const domain::StatementMeta& meta, budget::v1::Budget* out);
void ToProto(const domain::Line& line, budget::v1::LineItem* out);
// INVALID_ARGUMENT with everything wrong with the key.
absl::StatusOr<domain::BudgetKey> ToKey(const budget::v1::BudgetKey& key);

}  // namespace fiscal::services::wire

#endif  // FISCAL_SERVICES_WIRE_SUBMISSION_WIRE_H_
