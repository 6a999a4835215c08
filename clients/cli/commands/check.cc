// fiscal check: says what does not add up in a published disclosure, offline, or in the ledger.
#include "clients/importer/check.h"

#include <iostream>
#include <memory>
#include <sstream>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "clients/cli/commands/subject_flags.h"
#include "clients/cli/print/findings.h"
#include "clients/cli/print/json.h"
#include "clients/cli/read/document_file.h"
#include "clients/cli/shell/context.h"
#include "fiscal/disclosure/v1/disclosure_service.grpc.pb.h"

namespace fiscal::cli {
namespace {

namespace d = fiscal::disclosure::v1;

struct Flags {
  std::string file;
  SubjectFlags subject;
};

articulation::Outcome OutcomeOf(d::Outcome outcome) {
  switch (outcome) {
    case d::OUTCOME_PASSED:
      return articulation::Outcome::kPassed;
    case d::OUTCOME_ROUNDING_ONLY:
      return articulation::Outcome::kRoundingOnly;
    case d::OUTCOME_FAILED:
      return articulation::Outcome::kFailed;
    case d::OUTCOME_NOT_APPLICABLE:
      return articulation::Outcome::kNotApplicable;
    default:
      return articulation::Outcome::kInsufficientData;
  }
}

// The service's answer in the form of the offline check's.
articulation::Report ReportOf(const d::CheckDisclosureResponse& response) {
  articulation::Report report;
  report.verdict = response.verdict() == d::VERDICT_EXACT ? articulation::Verdict::kExact
                   : response.verdict() == d::VERDICT_ROUNDING_ONLY
                       ? articulation::Verdict::kRoundingOnly
                       : articulation::Verdict::kViolated;
  report.rules_sha256 = response.rules_sha256();
  for (const d::RuleOutcome& o : response.outcomes()) {
    articulation::RuleOutcome out;
    out.rule = o.rule();
    out.severity = o.severity() == budget::v1::SEVERITY_WARNING ? domain::Severity::kWarning
                                                                : domain::Severity::kError;
    out.kind = o.kind();
    out.outcome = OutcomeOf(o.outcome());
    out.message = o.message();
    out.message_zh = o.message_zh();
    out.expected = o.expected();
    out.printed = o.printed();
    out.difference = o.difference();
    for (const d::RuleCell& c : o.cells())
      out.cells.push_back({c.table(), c.row(), c.column(), 0, c.printed(), ""});
    report.outcomes.push_back(std::move(out));
  }
  return report;
}

int Print(const Context& context, const articulation::Report& report) {
  if (context.json()) {
    std::stringstream out;
    PrintReportJson(report, out);
    std::cout << InForm(out.str(), context.output == "yaml");
  } else {
    PrintReport(report, std::cout);
  }
  return report.failed() ? kRejected : kOk;
}

// The ledger instead of a document.
int CheckLedger(Context& context, const Flags& f) {
  d::CheckDisclosureRequest request;
  if (!f.subject.Fill(request.mutable_subject(), request.mutable_consistency())) return kUsage;
  const auto stub = d::DisclosureService::NewStub(context.connection().channel());
  d::CheckDisclosureResponse response;
  const grpc::Status status = context.connection().Call(
      [&](grpc::ClientContext* call) { return stub->CheckDisclosure(call, request, &response); });
  if (!status.ok()) return Report(context, status);
  return Print(context, ReportOf(response));
}

int Run(Context& context, const Flags& f) {
  if (f.file.empty() == f.subject.division.empty())
    return Usage("check takes a FILE, or --division and --year for what is in the ledger");
  if (f.file.empty()) return CheckLedger(context, f);
  const absl::StatusOr<std::string> text = ReadDocumentFile(f.file);
  if (absl::IsNotFound(text.status())) return Usage(std::string(text.status().message()));
  absl::StatusOr<articulation::Report> report =
      text.ok() ? importer::CheckDocument(*text)
                : absl::StatusOr<articulation::Report>(text.status());
  if (!report.ok()) {
    client::Error error;
    error.code = grpc::StatusCode::INVALID_ARGUMENT;
    error.reason = "DOCUMENT_UNREADABLE";
    error.message = absl::StrCat(f.file, ": ", std::string(report.status().message()));
    error.message_zh = "文件无法完整读取，未检查";
    return Report(context, error);
  }
  return Print(context, *report);
}

}  // namespace

void AddCheck(CLI::App& app, Context& context) {
  auto f = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand(
      "check",
      "Check a published disclosure (text or PDF), offline, or what is in the ledger, against the "
      "articulation rules");
  command->add_option("file", f->file, "The document")->type_name("FILE");
  f->subject.AddTo(command, "Of the ledger: the form whose tables are checked; shanxi-13 without");
  command->callback([&context, f] { context.run = [&context, f] { return Run(context, *f); }; });
}

}  // namespace fiscal::cli
