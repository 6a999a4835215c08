// fiscal submit: sends budgets written as the protobuf JSON of SubmitBudgetRequest, one or several
// a file or one a line, or as spreadsheets of line items.
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>

#include "CLI/CLI.hpp"
#include "absl/strings/match.h"
#include "clients/cli/commands/outcomes.h"
#include "clients/cli/commands/submit_json.h"
#include "clients/cli/commands/submit_sheets.h"
#include "clients/cli/read/names.h"
#include "clients/cli/shell/bounds.h"
#include "clients/cli/shell/context.h"

namespace fiscal::cli {
namespace {

namespace s = fiscal::submission::v1;

struct Flags {
  std::vector<std::string> files;
  bool withdraw = false;
  bool reallocation = false;
  std::string division, agency, stage, request_id, note;
  int year = 0;
  int64_t expected_revision = -1;
  std::vector<std::string> sheets;
};

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

bool ReadAll(const std::string& name, std::string* text) {
  std::ifstream file(name, std::ios::binary);
  if (!file) return false;
  text->assign(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  return true;
}

int SubmitFile(Context& context, const Flags& f, const std::string& name) {
  if (name == "-") return SubmitEither(context, "standard input", std::cin);
  if (absl::EndsWith(name, ".ndjson") || absl::EndsWith(name, ".jsonl")) {
    std::ifstream file(name, std::ios::binary);
    if (!file) return Usage(name + ": can't be opened");
    return SubmitLines(context, name, file);
  }
  std::string text;
  if (!ReadAll(name, &text)) return Usage(name + ": can't be opened");
  if (IsOtherSheet(name)) return Usage(name + ": save it as .xlsx or .csv");
  const bool sheet =
      absl::EndsWithIgnoreCase(name, ".xlsx") || absl::EndsWithIgnoreCase(name, ".csv");
  return sheet ? SubmitSpreadsheet(context, f, name, text) : SubmitDocument(context, name, text);
}

int Run(Context& context, const Flags& f) {
  if (f.reallocation) {
    if (f.files.size() != 1 || f.withdraw) return Usage("--reallocation takes one file");
    std::string text;
    if (!ReadAll(f.files[0], &text)) return Usage(f.files[0] + ": can't be opened");
    return SubmitReallocation(context, f.files[0], text);
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
        "submit needs a file: .json, .ndjson, .xlsx, .csv, or - for JSON on standard input");
  int worst = kOk;
  for (const std::string& name : f.files) {
    const int code = SubmitFile(context, f, name);
    if (worst == kOk) worst = code;
    if (code == kUnavailable) return code;
  }
  return worst;
}

}  // namespace

void AddSubmit(CLI::App& app, Context& context) {
  auto f = std::make_shared<Flags>();
  CLI::App* c = app.add_subcommand("submit",
                                   "Submit budgets: protobuf JSON of SubmitBudgetRequest, one or "
                                   "an array of them in a .json file, one a line of .ndjson; line "
                                   "items of whole budgets as .xlsx or .csv");
  c->add_option("files", f->files, "Files; - is JSON or ndjson on standard input")
      ->type_name("FILE");
  c->add_flag("--withdraw", f->withdraw, "Withdraw the budget the following flags name");
  c->add_flag("--reallocation", f->reallocation,
              "The file is one SubmitReallocationRequest: several budgets, all or none");
  c->add_option("--division", f->division,
                "Division code, of --withdraw or of a spreadsheet without such a column");
  c->add_option("--agency", f->agency, "Agency code, likewise");
  c->add_option("--year", f->year, "Fiscal year, likewise");
  c->add_option("--stage", f->stage, "Stage, likewise; --withdraw takes approved without")
      ->check(Offered(StageNames()));
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
