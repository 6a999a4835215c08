#include "services/submission/stream_budgets.h"

#include <optional>
#include <utility>
#include <vector>

#include "base/log.h"
#include "domain/reason.h"
#include "fiscal/submission/v1/submission_service.pb.h"
#include "services/ledger/decide/prepare.h"
#include "services/ledger/moments.h"
#include "services/rpc/raw.h"
#include "services/rpc/status.h"
#include "services/wire/submission_wire.h"

namespace fiscal::services {

StreamBudgets::StreamBudgets(Committer& committer, Metrics& metrics, rpc::DrainSignal& drain,
                             rpc::MemoryBudget& memory, Options options,
                             std::unique_ptr<rpc::Call> call)
    : committer_(committer),
      metrics_(metrics),
      drain_(drain),
      refusal_lines_(options.refusal_lines),
      call_(std::move(call)),
      trace_id_(call_->trace_id()),
      parts_(memory, call_->key(), call_->caller().principal),
      answers_(options.answers) {
  call_->OnRefused([this](const absl::Status& status) { End(status); });
  StartRead(&frame_);
  if (!drain_.Add(this)) OnDrain();
}

void StreamBudgets::OnDone() {
  call_->Detach();
  drain_.Remove(this);
  delete this;
}

void StreamBudgets::OnDrain() {
  End(domain::Refuse(domain::Reason::kDraining,
                     "the service is stopping: send what was not answered again"));
}

void StreamBudgets::End(const absl::Status& why) {
  Tell([&](AnswerQueue& answers) { answers.Drain(why); });
}

void StreamBudgets::OnReadDone(bool ok) {
  bool take = false;
  {
    absl::MutexLock lock(&mu_);
    take = answers_.BeginFrame();
  }
  std::optional<BudgetParts::Budget> budget;
  if (!take) {
    parts_.Forget();
  } else if (ok) {
    auto bytes = std::make_shared<const rpc::FlatBytes>(frame_);
    frame_.Clear();
    budget = parts_.Take(bytes->view(), bytes);
  } else {
    budget = parts_.End();
  }
  if (budget.has_value()) HandOn(*std::move(budget));
  Tell([ok](AnswerQueue& answers) { answers.EndFrame(/*last=*/!ok); });
}

void StreamBudgets::HandOn(BudgetParts::Budget budget) {
  int64_t index = 0;
  {
    absl::MutexLock lock(&mu_);
    index = answers_.Add(budget.bytes);
  }
  std::string scope;
  if (budget.submission.ok()) scope = TextOf(authority::AskedOf(budget.submission->key, ""));
  auto done = [this, index, id = std::move(budget.request_id),
               scope = std::move(scope)](const absl::StatusOr<domain::RequestReceipt>& outcome) {
    // What was taken is in the log. The first ones say enough.
    if (absl::IsPermissionDenied(outcome.status()) &&
        denied_.fetch_add(1, std::memory_order_relaxed) < kDeniedWritten) {
      call_->WriteDown(outcome.status(), id, scope);
    }
    std::string answer = ToAnswer(index, id, outcome);
    Tell([&](AnswerQueue& answers) { answers.Answer(index, std::move(answer)); });
  };
  if (!budget.submission.ok()) return done(budget.submission.status());
  Prepare(*committer_.intake().catalog(), &*budget.submission);
  committer_.Submit(call_->key(), std::make_unique<Intake::Request>(*std::move(budget.submission)),
                    budget.bytes, std::move(done));
}

std::string StreamBudgets::ToAnswer(int64_t index, const std::string& request_id,
                                    const absl::StatusOr<domain::RequestReceipt>& outcome) const {
  submission::v1::StreamBudgetsResponse response;
  response.set_index(index);
  response.set_request_id(request_id);
  if (outcome.ok()) {
    wire::ToProto(*outcome, MomentOf(committer_.intake().log(), outcome->receipt), request_id,
                  response.mutable_receipt());
    return response.SerializeAsString();
  }
  *response.mutable_error() = rpc::ToProto(outcome.status());
  const std::string reason = rpc::ReasonOf(response.error());
  metrics_.CountRefusal(reason);
  if (refusal_lines_) {
    std::vector<logging::Field> fields = {
        {"reason", reason}, {"request_id", request_id}, {"principal", call_->caller().principal}};
    if (!trace_id_.empty()) fields.emplace_back("trace_id", trace_id_);
    logging::Info("budget refused", std::move(fields));
  }
  return response.SerializeAsString();
}

void StreamBudgets::OnWriteDone(bool ok) {
  Tell([ok](AnswerQueue& answers) { answers.EndWrite(ok); });
}

void StreamBudgets::Tell(absl::FunctionRef<void(AnswerQueue&)> event) {
  std::optional<absl::Status> end;
  {
    absl::MutexLock lock(&mu_);
    event(answers_);
    AnswerQueue::Start start = answers_.Next();
    // Started under the lock, so that the end can't overtake them.
    if (start.write.has_value()) {
      grpc::Slice slice(*start.write);
      writing_ = grpc::ByteBuffer(&slice, 1);
      // A group's answers in a few segments and not in one each.
      grpc::WriteOptions options;
      if (start.more) options.set_buffer_hint();
      StartWrite(&writing_, options);
    }
    if (start.read) StartRead(&frame_);
    end = std::move(start.end);
  }
  if (end.has_value()) Finish(rpc::ToGrpc(*end));
}

}  // namespace fiscal::services
