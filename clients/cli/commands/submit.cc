// fiscal submit: sends budgets written as the protobuf JSON of SubmitBudgetRequest, one a file or
// one a line, or as spreadsheets of line items.
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>

#include "CLI/CLI.hpp"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "clients/cli/commands/outcomes.h"
#include "clients/cli/commands/submit_sheets.h"
#include "clients/cli/print/json.h"
#include "clients/cli/read/names.h"
#include "clients/cli/shell/context.h"
#include "clients/cpp/stream_submitter.h"
#include "fiscal/submission/v1/submission_service.grpc.pb.h"
#include "google/protobuf/util/json_util.h"

namespace fiscal::cli {
namespace {

namespace s = fiscal::submission::v1;
using google::protobuf::util::JsonStringToMessage;

struct Flags {
  std::vector<std::string> files;
  bool withdraw = false;
  bool reallocation = false;
  std::string division, agency, stage, request_id, note;
  int year = 0;
  int64_t expected_revision = -1;
  std::vector<std::string> sheets;
};

// A request: a budget, or {"withdraw": {...}}.
struct Parsed {
  bool withdraw = false;
  s::SubmitBudgetRequest budget;
  s::WithdrawBudgetRequest withdrawal;
};

// An empty string when it parses, else what is wrong.
std::string Parse(const std::string& json, Parsed* out) {
  // Only a withdrawal is an object with this one key.
  const size_t brace = json.find_first_not_of(" \t\r\n");
  const size_t key =
      brace == std::string::npos ? brace : json.find_first_not_of(" \t\r\n", brace + 1);
  if (key != std::string::npos && json[brace] == '{' &&
      json.compare(key, 10, "\"withdraw\"") == 0) {
    out->withdraw = true;
    const size_t colon = json.find(':', key + 10);
    const size_t end = json.rfind('}');
    if (colon == std::string::npos || end == std::string::npos || end <= colon)
      return "a withdrawal is {\"withdraw\": {...}}";
    const auto status =
        JsonStringToMessage(json.substr(colon + 1, end - colon - 1), &out->withdrawal);
    if (!status.ok()) return std::string(status.message());
    if (out->withdrawal.request_id().empty())
      out->withdrawal.set_request_id(client::RandomRequestId());
    return "";
  }
  const auto status = JsonStringToMessage(json, &out->budget);
  if (!status.ok()) return std::string(status.message());
  if (out->budget.request_id().empty()) out->budget.set_request_id(client::RandomRequestId());
  return "";
}

client::Error BadJson(const std::string& place, const std::string& what) {
  client::Error error;
  error.code = grpc::StatusCode::INVALID_ARGUMENT;
  error.reason = "MESSAGE_MALFORMED";
  error.message = absl::StrCat(place, ": ", what);
  error.message_zh = absl::StrCat("文件无法解析：", place);
  return error;
}

grpc::Status Withdraw(Context& context, const s::WithdrawBudgetRequest& request,
                      s::WithdrawBudgetResponse* response) {
  const auto stub = s::SubmissionService::NewStub(context.connection().channel());
  return context.connection().Call(
      [&](grpc::ClientContext* c) { return stub->WithdrawBudget(c, request, response); });
}

int SubmitOne(Context& context, const std::string& name, const std::string& json) {
  Parsed parsed;
  const std::string wrong = Parse(json, &parsed);
  if (!wrong.empty()) return Report(context, BadJson(name, wrong));
  s::SubmitBudgetResponse receipt;
  grpc::Status status;
  if (parsed.withdraw) {
    s::WithdrawBudgetResponse response;
    status = Withdraw(context, parsed.withdrawal, &response);
    receipt = response.receipt();
  } else {
    const auto stub = s::SubmissionService::NewStub(context.connection().channel());
    status = context.connection().Call(
        [&](grpc::ClientContext* c) { return stub->SubmitBudget(c, parsed.budget, &receipt); });
  }
  if (!status.ok()) return Report(context, status);
  PrintReceipt(context, receipt);
  return kOk;
}

// Lines in order: budgets are streamed; a withdrawal waits for what was sent before it.
class LineSubmitter {
 public:
  LineSubmitter(Context& context, const std::string& name, std::istream& in)
      : context_(context), name_(name), in_(in) {}

  int Run() {
    while (true) {
      held_.reset();
      const grpc::Status status = client::SubmitStream(
          context_.connection(),
          {[this] { return Next(); },
           [this](int64_t, const s::StreamBudgetsResponse& response) { Answered(response); }});
      if (!status.ok()) return Report(context_, status);
      if (held_ == nullptr) break;
      s::WithdrawBudgetResponse response;
      const grpc::Status withdrawn = Withdraw(context_, held_->withdrawal, &response);
      s::StreamBudgetsResponse line;
      line.set_request_id(held_->withdrawal.request_id());
      if (withdrawn.ok()) {
        *line.mutable_receipt() = response.receipt();
      } else {
        if (!line.mutable_error()->ParseFromString(withdrawn.error_details())) {
          line.mutable_error()->set_code(withdrawn.error_code());
          line.mutable_error()->set_message(withdrawn.error_message());
        }
      }
      Answered(line);
    }
    if (outcomes_.refused() > 0)
      std::cerr << "fiscal: " << outcomes_.refused() << " of " << outcomes_.count()
                << " were refused\n";
    return outcomes_.code();
  }

 private:
  std::optional<s::SubmitBudgetRequest> Next() {
    std::string line;
    while (std::getline(in_, line)) {
      ++line_number_;
      if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
      auto parsed = std::make_unique<Parsed>();
      const std::string wrong = Parse(line, parsed.get());
      if (!wrong.empty()) {
        const client::Error error = BadJson(absl::StrCat(name_, " line ", line_number_), wrong);
        std::cerr << "fiscal: " << error.reason << ": " << error.message << "\n";
        s::StreamBudgetsResponse response;
        response.mutable_error()->set_code(error.code);
        response.mutable_error()->set_message(error.message);
        Answered(response);
        continue;
      }
      if (parsed->withdraw) {
        held_ = std::move(parsed);
        return std::nullopt;
      }
      return std::move(parsed->budget);
    }
    return std::nullopt;
  }

  void Answered(s::StreamBudgetsResponse response) {
    absl::MutexLock lock(&mu_);
    response.set_index(outcomes_.count());
    std::cout << MessageLine(response, /*every_field=*/true) << std::endl;
    if (response.has_error()) {
      const client::Error error = client::ToError(response.error());
      outcomes_.Add(ExitCodeOf(error.code));
    } else {
      outcomes_.Add(kOk);
    }
    progress_.Count(outcomes_.count());
  }

  Context& context_;
  const std::string name_;
  std::istream& in_;
  int64_t line_number_ = 0;
  std::unique_ptr<Parsed> held_;
  absl::Mutex mu_;
  Outcomes outcomes_;
  Progress progress_{"budgets"};
};

// One file with a SubmitReallocationRequest.
int Reallocate(Context& context, const std::string& name) {
  std::ifstream file(name, std::ios::binary);
  if (!file) return Usage(name + ": can't be opened");
  std::stringstream text;
  text << file.rdbuf();
  s::SubmitReallocationRequest request;
  const auto parsed = google::protobuf::util::JsonStringToMessage(text.str(), &request);
  if (!parsed.ok()) return Report(context, BadJson(name, std::string(parsed.message())));
  if (request.request_id().empty()) request.set_request_id(client::RandomRequestId());
  s::SubmitReallocationResponse response;
  const auto stub = s::SubmissionService::NewStub(context.connection().channel());
  const grpc::Status status = context.connection().Call(
      [&](grpc::ClientContext* c) { return stub->SubmitReallocation(c, request, &response); });
  if (!status.ok()) return Report(context, status);
  for (const s::SubmitBudgetResponse& receipt : response.receipts()) PrintReceipt(context, receipt);
  return kOk;
}

// Spreadsheets that are no workbooks of the kind that is read.
bool IsOtherSheet(const std::string& name) {
  for (const char* ending : {".xls", ".xlsm", ".xlsb", ".et", ".ods"}) {
    if (absl::EndsWithIgnoreCase(name, ending)) return true;
  }
  return false;
}

int SubmitSpreadsheet(Context& context, const Flags& f, const std::string& name,
                      const std::string& bytes) {
  SheetSubmission submission;
  submission.line_items.division_code = f.division;
  submission.line_items.agency_code = f.agency;
  submission.line_items.fiscal_year = f.year;
  submission.line_items.sheets = f.sheets;
  if (!f.stage.empty()) {
    const auto stage = ParseStage(f.stage);
    if (!stage) return Usage("--stage " + f.stage + ": no such stage");
    submission.line_items.stage = *stage;
  }
  submission.request_id = f.request_id;
  if (f.expected_revision >= 0) submission.expected_revision = f.expected_revision;
  submission.note = f.note;
  return SubmitSheets(context, name, bytes, submission);
}

int Run(Context& context, const Flags& f) {
  if (f.reallocation) {
    if (f.files.size() != 1 || f.withdraw) return Usage("--reallocation takes one file");
    return Reallocate(context, f.files[0]);
  }
  if (f.withdraw) {
    if (!f.files.empty()) return Usage("--withdraw takes no files");
    s::WithdrawBudgetRequest request;
    request.set_request_id(f.request_id.empty() ? client::RandomRequestId() : f.request_id);
    request.mutable_budget()->set_division_code(f.division);
    request.mutable_budget()->set_agency_code(f.agency);
    request.mutable_budget()->set_fiscal_year(f.year);
    const auto stage = ParseStage(f.stage.empty() ? "approved" : f.stage);
    if (!stage) return Usage("--stage " + f.stage + ": no such stage");
    request.mutable_budget()->set_stage(*stage);
    if (f.expected_revision >= 0) request.set_expected_revision(f.expected_revision);
    request.set_note(f.note);
    s::WithdrawBudgetResponse response;
    const grpc::Status status = Withdraw(context, request, &response);
    if (!status.ok()) return Report(context, status);
    PrintReceipt(context, response.receipt());
    return kOk;
  }
  if (f.files.empty())
    return Usage(
        "submit needs a file: .json, .ndjson, .xlsx, .csv, or - for ndjson on standard input");
  int worst = kOk;
  for (const std::string& name : f.files) {
    int code;
    if (name == "-") {
      code = LineSubmitter(context, "standard input", std::cin).Run();
    } else {
      std::ifstream file(name, std::ios::binary);
      if (!file) return Usage(name + ": can't be opened");
      if (IsOtherSheet(name)) return Usage(name + ": save it as .xlsx or .csv");
      if (absl::EndsWith(name, ".ndjson")) {
        code = LineSubmitter(context, name, file).Run();
      } else {
        std::stringstream text;
        text << file.rdbuf();
        const bool sheet =
            absl::EndsWithIgnoreCase(name, ".xlsx") || absl::EndsWithIgnoreCase(name, ".csv");
        code = sheet ? SubmitSpreadsheet(context, f, name, text.str())
                     : SubmitOne(context, name, text.str());
      }
    }
    if (worst == kOk) worst = code;
    if (code == kUnavailable) return code;
  }
  return worst;
}

}  // namespace

void AddSubmit(CLI::App& app, Context& context) {
  auto f = std::make_shared<Flags>();
  CLI::App* c = app.add_subcommand("submit",
                                   "Submit budgets: protobuf JSON of SubmitBudgetRequest, one a "
                                   ".json file or one a line of .ndjson; line items of whole "
                                   "budgets as .xlsx or .csv");
  c->add_option("files", f->files, "Files; - is ndjson on standard input")->type_name("FILE");
  c->add_flag("--withdraw", f->withdraw, "Withdraw the budget the following flags name");
  c->add_flag("--reallocation", f->reallocation,
              "The file is one SubmitReallocationRequest: several budgets, all or none");
  c->add_option("--division", f->division,
                "Division code, of --withdraw or of a spreadsheet without such a column");
  c->add_option("--agency", f->agency, "Agency code, likewise");
  c->add_option("--year", f->year, "Fiscal year, likewise");
  c->add_option("--stage", f->stage, "Stage, likewise; --withdraw takes approved without");
  c->add_option("--sheet", f->sheets,
                "A sheet of a workbook to read, may be repeated; else all that are not hidden")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  c->add_option("--expected-revision", f->expected_revision, "The revision that must stand");
  c->add_option("--request-id", f->request_id, "Keep it for retries; random without");
  c->add_option("--note", f->note, "Why");
  c->callback([&context, f] { context.run = [&context, f] { return Run(context, *f); }; });
}

}  // namespace fiscal::cli
