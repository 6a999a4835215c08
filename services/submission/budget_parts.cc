#include "services/submission/budget_parts.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "domain/reason.h"
#include "services/rpc/raw.h"

namespace fiscal::services {

using domain::Reason;

BudgetParts::BudgetParts(rpc::MemoryBudget& memory, std::string caller, std::string principal)
    : memory_(memory), caller_(std::move(caller)), principal_(std::move(principal)) {}

void BudgetParts::Forget() {
  parts_.clear();
  owners_.clear();
  arena_.reset();
  counted_ = wire::BoundedFields();
  reserved_.reset();
  bytes_ = 0;
}

BudgetParts::Budget BudgetParts::Refuse(const absl::Status& status, bool more) {
  Forget();
  skipping_ = more;
  return {request_id_, 0, status};
}

absl::StatusOr<wire::RawBudget> BudgetParts::Read(absl::string_view frame) {
  if (frame.size() > rpc::kFrameBytesMax) {
    return domain::Refuse(Reason::kMessageTooLarge,
                          absl::StrCat("a frame has at most ", rpc::kFrameBytesMax, " bytes"));
  }
  if (bytes_ + frame.size() > kBudgetBytesMax) {
    return domain::Refuse(Reason::kMessageTooLarge,
                          absl::StrCat("a budget has at most ", kBudgetBytesMax, " bytes"));
  }
  if (reserved_ == nullptr) {
    FISCAL_ASSIGN_OR_RETURN(reserved_, memory_.Reserve(caller_, 0));
  }
  FISCAL_RETURN_IF_ERROR(reserved_->Add(frame.size() * rpc::kCostFactor));
  if (arena_ == nullptr) arena_ = std::make_shared<google::protobuf::Arena>();
  return wire::ReadFrame(frame, &counted_, arena_.get());
}

std::optional<BudgetParts::Budget> BudgetParts::Take(absl::string_view frame,
                                                     std::shared_ptr<const void> owner) {
  // Of a frame that does not parse it can't be known: the next one starts a budget.
  const wire::FrameHead head = wire::ReadFrameHead(frame);
  if (skipping_) {
    skipping_ = head.more;
    return std::nullopt;
  }
  if (parts_.empty()) request_id_ = head.request_id;
  absl::StatusOr<wire::RawBudget> part = Read(frame);
  if (!part.ok()) return Refuse(part.status(), head.more);
  if (parts_.empty()) request_id_ = Cut(part->envelope->request_id(), domain::kEchoBytesMax);
  if (part->unknown_around) {
    return Refuse(
        domain::Refuse({{Reason::kFieldUnknown, "", "", "a field this version does not know"}}),
        head.more);
  }
  bytes_ += frame.size();
  parts_.push_back(*std::move(part));
  owners_.push_back(std::move(owner));
  if (head.more) return std::nullopt;
  owners_.push_back(reserved_);
  absl::StatusOr<domain::Submission> submission =
      wire::ToSubmission(parts_, std::move(owners_), principal_);
  if (!submission.ok()) return Refuse(submission.status(), false);
  Budget budget{request_id_, bytes_, std::move(submission)};
  Forget();
  return budget;
}

std::optional<BudgetParts::Budget> BudgetParts::End() {
  if (parts_.empty()) return std::nullopt;
  return Refuse(domain::Refuse(Reason::kMessageMalformed, "the stream ended inside a budget"),
                false);
}

}  // namespace fiscal::services
