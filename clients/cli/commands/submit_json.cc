#include "clients/cli/commands/submit_json.h"

#include <deque>
#include <functional>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "clients/cli/commands/outcomes.h"
#include "clients/cli/print/json.h"
#include "clients/cli/read/budget_json.h"
#include "clients/cpp/stream_submitter.h"
#include "fiscal/submission/v1/submission_service.grpc.pb.h"
#include "google/rpc/error_details.pb.h"

namespace fiscal::cli {
namespace {

namespace s = fiscal::submission::v1;

std::string Place(const std::string& name, const JsonProblem& problem) {
  return absl::StrCat(name, " line ", problem.line,
                      problem.field.empty() ? "" : absl::StrCat(": ", problem.field));
}

// What can't be read, as the services say what they refuse.
google::rpc::Status Unreadable(const std::string& name, const std::vector<JsonProblem>& problems) {
  const JsonProblem& first = problems[0];
  const std::string place = Place(name, first);
  google::rpc::Status status;
  status.set_code(grpc::StatusCode::INVALID_ARGUMENT);
  status.set_message(absl::StrCat(place, ": ", first.message));
  google::rpc::ErrorInfo info;
  info.set_reason(first.reason);
  info.set_domain("fiscal");
  status.add_details()->PackFrom(info);
  google::rpc::BadRequest bad;
  for (const JsonProblem& problem : problems) {
    google::rpc::BadRequest::FieldViolation* violation = bad.add_field_violations();
    violation->set_field(problem.field);
    violation->set_description(absl::StrCat("line ", problem.line, ": ", problem.message));
    violation->set_reason(problem.reason);
    violation->mutable_localized_message()->set_locale("zh-CN");
    violation->mutable_localized_message()->set_message(
        absl::StrCat("第", problem.line, "行：", problem.message_zh));
  }
  status.add_details()->PackFrom(bad);
  google::rpc::LocalizedMessage localized;
  localized.set_locale("zh-CN");
  localized.set_message(absl::StrCat(place, "：", first.message_zh));
  status.add_details()->PackFrom(localized);
  return status;
}

void GiveRequestId(BudgetJson* budget) {
  if (!budget->request_id().empty()) return;
  budget->is_withdrawal ? budget->withdrawal.set_request_id(client::RandomRequestId())
                        : budget->budget.set_request_id(client::RandomRequestId());
}

google::rpc::Status StatusOf(const grpc::Status& status) {
  google::rpc::Status told;
  if (!told.ParseFromString(status.error_details()) || told.code() == 0) {
    told.Clear();
    told.set_code(status.error_code());
    told.set_message(status.error_message());
  }
  return told;
}

// A budget that no message has room for goes by a stream, in parts.
grpc::Status SubmitOne(Context& context, const s::SubmitBudgetRequest& budget,
                       s::SubmitBudgetResponse* receipt, google::rpc::Status* refused) {
  if (budget.ByteSizeLong() <= client::kUnaryBytesMax) {
    const auto stub = s::SubmissionService::NewStub(context.connection().channel());
    return context.connection().Call(
        [&](grpc::ClientContext* c) { return stub->SubmitBudget(c, budget, receipt); });
  }
  bool sent = false;
  return client::SubmitStream(context.connection(),
                              {[&]() -> std::optional<s::SubmitBudgetRequest> {
                                 if (std::exchange(sent, true)) return std::nullopt;
                                 return budget;
                               },
                               [&](int64_t, const s::StreamBudgetsResponse& response) {
                                 if (response.has_error()) *refused = response.error();
                                 *receipt = response.receipt();
                               }});
}

int SubmitObject(Context& context, const BudgetJson& read) {
  s::SubmitBudgetResponse receipt;
  google::rpc::Status refused;
  grpc::Status status;
  if (read.is_withdrawal) {
    s::WithdrawBudgetResponse response;
    status = Withdraw(context, read.withdrawal, &response);
    receipt = response.receipt();
  } else {
    status = SubmitOne(context, read.budget, &receipt, &refused);
  }
  if (!status.ok()) return Report(context, status);
  if (refused.code() != 0) return Report(context, client::ToError(refused));
  PrintReceipt(context, receipt);
  return kOk;
}

// What comes next: a budget, or a line that is none.
struct Item {
  std::unique_ptr<BudgetJson> budget;
  // Of a line that is none; code 0 otherwise.
  google::rpc::Status unreadable;
};

// Sends budgets in order and prints an answer for each in the same order: budgets are streamed; a
// withdrawal waits for what was sent before it; what can't be read is answered in its place.
class InOrder {
 public:
  // `next` gives the next one, null at the end.
  InOrder(Context& context, std::function<std::optional<Item>()> next)
      : context_(context), next_(std::move(next)) {}

  int Run() ABSL_LOCKS_EXCLUDED(mu_) {
    do {
      held_.reset();
      const grpc::Status status = client::SubmitStream(
          context_.connection(),
          {[this] { return Next(); },
           [this](int64_t, const s::StreamBudgetsResponse& response) { Answered(response); }});
      if (!status.ok()) {
        const int code = Report(context_, status);
        absl::MutexLock lock(&mu_);
        if (!unanswered_.empty())
          std::cerr << "fiscal: not answered from line " << unanswered_.front().line << " on\n";
        return code;
      }
      if (held_ != nullptr) SendWithdrawal();
    } while (held_ != nullptr);
    absl::MutexLock lock(&mu_);
    if (outcomes_.refused() > 0)
      std::cerr << "fiscal: " << outcomes_.refused() << " of " << outcomes_.count()
                << " were refused\n";
    return outcomes_.code();
  }

 private:
  struct Unanswered {
    int64_t line = 0;
    std::string request_id;
    std::optional<s::StreamBudgetsResponse> answer;
  };

  std::optional<s::SubmitBudgetRequest> Next() ABSL_LOCKS_EXCLUDED(mu_) {
    while (std::optional<Item> item = next_()) {
      Unanswered place{item->budget->line, item->budget->request_id(), std::nullopt};
      const bool readable = item->unreadable.code() == 0;
      if (!readable) {
        s::StreamBudgetsResponse answer;
        answer.set_request_id(place.request_id);
        *answer.mutable_error() = std::move(item->unreadable);
        place.answer = std::move(answer);
      }
      {
        absl::MutexLock lock(&mu_);
        unanswered_.push_back(std::move(place));
        PrintAnswered();
      }
      if (!readable) continue;
      if (item->budget->is_withdrawal) {
        held_ = std::move(item->budget);
        return std::nullopt;
      }
      return std::move(item->budget->budget);
    }
    return std::nullopt;
  }

  void SendWithdrawal() ABSL_LOCKS_EXCLUDED(mu_) {
    s::WithdrawBudgetResponse response;
    const grpc::Status status = Withdraw(context_, held_->withdrawal, &response);
    s::StreamBudgetsResponse answer;
    answer.set_request_id(held_->request_id());
    if (status.ok()) {
      *answer.mutable_receipt() = response.receipt();
    } else {
      *answer.mutable_error() = StatusOf(status);
    }
    Answered(std::move(answer));
  }

  // Of the first that was sent and has none.
  void Answered(s::StreamBudgetsResponse answer) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    for (Unanswered& place : unanswered_) {
      if (place.answer.has_value()) continue;
      place.answer = std::move(answer);
      break;
    }
    PrintAnswered();
  }

  void PrintAnswered() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    while (!unanswered_.empty() && unanswered_.front().answer.has_value()) {
      Unanswered& place = unanswered_.front();
      s::StreamBudgetsResponse& answer = *place.answer;
      answer.set_index(outcomes_.count());
      if (answer.request_id().empty()) answer.set_request_id(place.request_id);
      const Json fields = FieldsOf(answer, /*every_field=*/true);
      Json told = {{"index", fields["index"]}, {"line", place.line}};
      told.update(fields);
      context_.Print(told);
      std::cout.flush();
      if (answer.has_error()) {
        const client::Error error = client::ToError(answer.error());
        outcomes_.Add(ExitCodeOf(error.code));
      } else {
        outcomes_.Add(kOk);
      }
      unanswered_.pop_front();
    }
    progress_.Count(outcomes_.count());
  }

  Context& context_;
  const std::function<std::optional<Item>()> next_;
  // Of the thread that sends.
  std::unique_ptr<BudgetJson> held_;
  absl::Mutex mu_;
  std::deque<Unanswered> unanswered_ ABSL_GUARDED_BY(mu_);
  Outcomes outcomes_ ABSL_GUARDED_BY(mu_);
  Progress progress_ ABSL_GUARDED_BY(mu_){"budgets"};
};

// Lines of a stream, the first of which may have been read before.
class Lines {
 public:
  explicit Lines(std::istream& in) : in_(in) {}

  // The next line that is not blank. False at the end.
  bool Next(std::string* line) {
    while (std::getline(in_, *line)) {
      if (++number_ == 1) line->erase(0, line->size() - WithoutByteOrderMark(*line).size());
      if (line->find_first_not_of(" \t\r") != std::string::npos) return true;
    }
    return false;
  }
  int64_t number() const { return number_; }

 private:
  std::istream& in_;
  int64_t number_ = 0;
};

// `line` is the one that `lines` gave last.
int SubmitAll(Context& context, const std::string& name, Lines lines, std::string line) {
  bool read_before = true;
  InOrder in_order(context, [&]() -> std::optional<Item> {
    if (!std::exchange(read_before, false) && !lines.Next(&line)) return std::nullopt;
    Item item;
    BudgetsJson read = ReadBudgetLine(line, lines.number());
    if (!read.problems.empty()) item.unreadable = Unreadable(name, read.problems);
    item.budget =
        read.budgets.empty() ? std::make_unique<BudgetJson>() : std::move(read.budgets[0]);
    item.budget->line = lines.number();
    if (read.problems.empty()) {
      GiveRequestId(item.budget.get());
    } else {
      std::cerr << "fiscal: " << read.problems[0].reason << ": " << item.unreadable.message()
                << "\n";
    }
    return item;
  });
  return in_order.Run();
}

}  // namespace

grpc::Status Withdraw(Context& context, const s::WithdrawBudgetRequest& request,
                      s::WithdrawBudgetResponse* response) {
  const auto stub = s::SubmissionService::NewStub(context.connection().channel());
  return context.connection().Call(
      [&](grpc::ClientContext* c) { return stub->WithdrawBudget(c, request, response); });
}

int SubmitDocument(Context& context, const std::string& name, absl::string_view text) {
  BudgetsJson read = ReadBudgets(text);
  if (!read.problems.empty())
    return Report(context, client::ToError(Unreadable(name, read.problems)));
  for (const auto& budget : read.budgets) GiveRequestId(budget.get());
  if (!read.array) return SubmitObject(context, *read.budgets[0]);
  if (read.budgets.empty()) return Usage(name + ": the array has no budgets");
  size_t sent = 0;
  return InOrder(context,
                 [&]() -> std::optional<Item> {
                   if (sent == read.budgets.size()) return std::nullopt;
                   return Item{std::move(read.budgets[sent++]), {}};
                 })
      .Run();
}

int SubmitLines(Context& context, const std::string& name, std::istream& in) {
  Lines lines(in);
  std::string first;
  if (!lines.Next(&first)) return Usage(name + ": has no line with a budget");
  return SubmitAll(context, name, lines, std::move(first));
}

int SubmitEither(Context& context, const std::string& name, std::istream& in) {
  Lines lines(in);
  std::string first;
  if (!lines.Next(&first)) return Usage(name + ": there is nothing in it");
  if (IsWholeObject(first)) return SubmitAll(context, name, lines, std::move(first));
  // Messages count the lines before it.
  std::string text(static_cast<size_t>(lines.number() - 1), '\n');
  absl::StrAppend(&text, first, "\n");
  text.append(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  return SubmitDocument(context, name, text);
}

int SubmitReallocation(Context& context, const std::string& name, absl::string_view text) {
  s::SubmitReallocationRequest request;
  const std::vector<JsonProblem> problems = ReadReallocation(text, &request);
  if (!problems.empty()) return Report(context, client::ToError(Unreadable(name, problems)));
  if (request.request_id().empty()) request.set_request_id(client::RandomRequestId());
  s::SubmitReallocationResponse response;
  const auto stub = s::SubmissionService::NewStub(context.connection().channel());
  const grpc::Status status = context.connection().Call(
      [&](grpc::ClientContext* c) { return stub->SubmitReallocation(c, request, &response); });
  if (!status.ok()) return Report(context, status);
  for (const s::SubmitBudgetResponse& receipt : response.receipts()) PrintReceipt(context, receipt);
  return kOk;
}

}  // namespace fiscal::cli
