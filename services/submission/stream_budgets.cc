#include "services/submission/stream_budgets.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "domain/reason.h"
#include "services/ledger/decide/prepare.h"
#include "services/rpc/raw.h"
#include "services/rpc/status.h"
#include "services/wire/submission_wire.h"

namespace fiscal::services {
namespace {

// All parts of one budget together: what it may have in one message, too.
constexpr size_t kBudgetBytesMax = 16 << 20;

}  // namespace

StreamBudgets::StreamBudgets(Committer& committer, Metrics& metrics, rpc::DrainSignal& drain,
                             rpc::MemoryBudget& memory, Options options, Caller caller)
    : committer_(committer),
      metrics_(metrics),
      drain_(drain),
      memory_(memory),
      options_(options),
      caller_(std::move(caller)) {
  StartRead(&frame_);
  if (!drain_.Add(this)) OnDrain();
}

void StreamBudgets::OnDone() {
  drain_.Remove(this);
  delete this;
}

void StreamBudgets::OnDrain() {
  {
    absl::MutexLock lock(&mu_);
    draining_ = true;
  }
  Advance();
}

std::shared_ptr<StreamBudgets::Slot> StreamBudgets::NewSlot(std::string request_id, size_t bytes) {
  auto slot = std::make_shared<Slot>();
  slot->index = next_index_++;
  slot->request_id = std::move(request_id);
  slot->bytes = bytes;
  absl::MutexLock lock(&mu_);
  slots_.push_back(slot);
  slot_bytes_ += bytes;
  return slot;
}

void StreamBudgets::Answer(const std::shared_ptr<Slot>& slot,
                           const absl::StatusOr<domain::RequestReceipt>& outcome) {
  submission::v1::StreamBudgetsResponse response;
  response.set_index(slot->index);
  response.set_request_id(slot->request_id);
  if (outcome.ok()) {
    wire::ToProto(*outcome, slot->request_id, response.mutable_receipt());
  } else {
    *response.mutable_error() = rpc::ToProto(outcome.status());
    const std::string reason = rpc::ReasonOf(response.error());
    metrics_.CountRefusal(reason);
    if (options_.refusal_lines) {
      std::vector<logging::Field> fields = {
          {"reason", reason}, {"request_id", slot->request_id}, {"principal", caller_.principal()}};
      if (!caller_.trace_id.empty()) fields.emplace_back("trace_id", caller_.trace_id);
      logging::Info("budget refused", std::move(fields));
    }
  }
  grpc::ByteBuffer bytes = rpc::ToBuffer(response);
  absl::MutexLock lock(&mu_);
  slot->answer.Swap(&bytes);
  slot->answered = true;
}

void StreamBudgets::ForgetParts() {
  parts_.clear();
  owners_.clear();
  arena_.reset();
  counted_ = wire::BoundedFields();
  reserved_.reset();
  parts_bytes_ = 0;
}

void StreamBudgets::RefuseParts(const absl::Status& status, bool more) {
  Answer(NewSlot(request_id_, 0), status);
  ForgetParts();
  skipping_ = more;
}

absl::StatusOr<wire::RawBudget> StreamBudgets::ReadPart(absl::string_view bytes) {
  if (bytes.size() > rpc::kFrameBytesMax) {
    return domain::Refuse(domain::Reason::kMessageTooLarge,
                          absl::StrCat("a frame has at most ", rpc::kFrameBytesMax, " bytes"));
  }
  if (parts_bytes_ + bytes.size() > kBudgetBytesMax) {
    return domain::Refuse(domain::Reason::kMessageTooLarge,
                          absl::StrCat("a budget has at most ", kBudgetBytesMax, " bytes"));
  }
  if (reserved_ == nullptr) {
    FISCAL_ASSIGN_OR_RETURN(reserved_, memory_.Reserve(caller_.stream->caller().key(), 0));
  }
  FISCAL_RETURN_IF_ERROR(reserved_->Add(bytes.size() * rpc::kCostFactor));
  if (arena_ == nullptr) arena_ = std::make_shared<google::protobuf::Arena>();
  return wire::ReadFrame(bytes, &counted_, arena_.get());
}

void StreamBudgets::OnFrame() {
  auto bytes = std::make_shared<const rpc::FlatBytes>(frame_);
  frame_.Clear();
  const size_t size = bytes->view().size();
  // Of a frame that does not parse it can't be known: the next one starts a budget.
  const wire::FrameHead head = wire::ReadFrameHead(bytes->view());
  const bool more = head.more;
  if (skipping_) {
    skipping_ = more;
    return;
  }
  if (parts_.empty()) request_id_ = head.request_id;
  absl::StatusOr<wire::RawBudget> part = ReadPart(bytes->view());
  if (!part.ok()) return RefuseParts(part.status(), more);
  if (parts_.empty()) request_id_ = Cut(part->envelope->request_id(), domain::kEchoBytesMax);
  const bool unknown = part->unknown_around;
  parts_bytes_ += size;
  parts_.push_back(*std::move(part));
  owners_.push_back(std::move(bytes));
  if (unknown) {
    return RefuseParts(domain::Refuse({{domain::Reason::kFieldUnknown, "", "",
                                        "a field this version does not know"}}),
                       more);
  }
  if (!more) SubmitParts();
}

void StreamBudgets::SubmitParts() {
  owners_.push_back(reserved_);
  absl::StatusOr<domain::Submission> submission =
      wire::ToSubmission(parts_, std::move(owners_), caller_.principal());
  if (!submission.ok()) return RefuseParts(submission.status(), false);
  Prepare(*committer_.intake().catalog(), &*submission);
  const size_t bytes = parts_bytes_;
  std::shared_ptr<Slot> slot = NewSlot(request_id_, bytes);
  ForgetParts();
  {
    absl::MutexLock lock(&mu_);
    ++in_flight_;
  }
  committer_.Submit(caller_.stream->caller().key(),
                    std::make_unique<Intake::Request>(*std::move(submission)), bytes,
                    [this, slot](absl::StatusOr<domain::RequestReceipt> outcome) {
                      Answer(slot, outcome);
                      Advance(/*answered=*/true);
                    });
}

void StreamBudgets::OnReadDone(bool ok) {
  {
    // A frame that came after the end was never taken: its sender sends it again.
    absl::MutexLock lock(&mu_);
    if (finished_) return;
    if (draining_) ok = false;
    if (draining_) parts_.clear();
    taking_ = true;
  }
  if (ok) OnFrame();
  if (!ok && !parts_.empty()) {
    RefuseParts(
        domain::Refuse(domain::Reason::kMessageMalformed, "the stream ended inside a budget"),
        false);
  }
  {
    absl::MutexLock lock(&mu_);
    reading_ = taking_ = false;
    if (!ok && !draining_) reads_ended_ = true;
  }
  Advance();
}

void StreamBudgets::OnWriteDone(bool ok) {
  {
    absl::MutexLock lock(&mu_);
    writing_ = false;
    if (!ok) broken_ = true;
  }
  Advance();
}

void StreamBudgets::Advance(bool answered) {
  bool write = false, read = false, finish = false, told_to_resume = false;
  {
    absl::MutexLock lock(&mu_);
    // Counted down here and not before: once nothing is in flight another thread may end the call,
    // and with it this object, so that nothing of it may be touched after this section.
    if (answered) --in_flight_;
    if (finished_) return;
    if (broken_) {
      while (!slots_.empty() && slots_.front()->answered) {
        slot_bytes_ -= slots_.front()->bytes;
        slots_.pop_front();
      }
    }
    if (!writing_ && !slots_.empty() && slots_.front()->answered) {
      writing_buffer_.Swap(&slots_.front()->answer);
      slot_bytes_ -= slots_.front()->bytes;
      slots_.pop_front();
      writing_ = write = true;
    }
    if (!reading_ && !reads_ended_ && !draining_ && slots_.size() < options_.budgets_max &&
        slot_bytes_ < options_.bytes_max)
      reading_ = read = true;
    // When draining, the read that is under way ends with the call.
    if ((draining_ || (reads_ended_ && !reading_)) && !taking_ && !writing_ && in_flight_ == 0 &&
        slots_.empty()) {
      finished_ = finish = true;
      told_to_resume = draining_ && !reads_ended_;
    }
    // Started under the lock, so that the end can't overtake them.
    if (write) StartWrite(&writing_buffer_);
    if (read) StartRead(&frame_);
  }
  if (finish) {
    Finish(told_to_resume ? rpc::ToGrpc(domain::Refuse(domain::Reason::kDraining,
                                                       "the service is stopping: send what was "
                                                       "not answered again"))
                          : grpc::Status::OK);
  }
}

}  // namespace fiscal::services
