// fiscal tables: the statutory tables of what the ledger holds, printed or compared with a
// document.
#include <iostream>
#include <memory>
#include <sstream>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "base/small_file.h"
#include "clients/cli/commands/subject_flags.h"
#include "clients/cli/print/comparison_text.h"
#include "clients/cli/print/json.h"
#include "clients/cli/print/sheet_writer.h"
#include "clients/cli/print/statutory_grid.h"
#include "clients/cli/print/statutory_text.h"
#include "clients/cli/print/table_compare.h"
#include "clients/cli/read/document_file.h"
#include "clients/cli/shell/context.h"
#include "clients/importer/reader.h"
#include "fiscal/disclosure/v1/disclosure_service.grpc.pb.h"

namespace fiscal::cli {
namespace {

namespace d = fiscal::disclosure::v1;

struct Flags {
  SubjectFlags subject;
  std::string compare, out;
  bool narrative = false;
  std::vector<int> tables;
};

bool Fill(const Flags& f, d::GetTablesRequest* request) {
  for (int n : f.tables) request->add_table_numbers(n);
  request->set_narrative(f.narrative);
  return f.subject.Fill(request->mutable_subject(), request->mutable_consistency());
}

// To --out, or to stdout.
int Emit(const Flags& f, const std::string& text) {
  if (f.out.empty()) {
    std::cout << text;
    return kOk;
  }
  const absl::Status status = WriteWholeFile(f.out, text, 0666, IfThere::kReplace);
  if (status.ok()) return kOk;
  std::cerr << "fiscal: " << status.message() << "\n";
  return kFailure;
}

int Unfit(const absl::Status& status) {
  std::cerr << "fiscal: " << status.message() << "\n";
  return kFailure;
}

int Print(const Context& context, const Flags& f, const d::GetTablesResponse& response,
          const disclosure::Form& form) {
  std::stringstream out;
  if (context.json()) {
    PrintTablesJson(response, out);
    return Emit(f, InForm(out.str(), context.output == "yaml"));
  }
  if (context.output == "xlsx") {
    WorkbookOptions options;
    options.of_unit = !f.subject.agency.empty();
    const absl::StatusOr<std::string> bytes = WriteWorkbook(response, form, options);
    return bytes.ok() ? Emit(f, *bytes) : Unfit(bytes.status());
  }
  const absl::StatusOr<std::vector<Grid>> grids = LayOut(response, form);
  if (!grids.ok()) return Unfit(grids.status());
  context.output == "csv" ? PrintTablesCsv(response, *grids, out)
                          : PrintTables(response, *grids, out);
  return Emit(f, out.str());
}

int Run(Context& context, const Flags& f) {
  if (context.output == "xlsx" && f.out.empty()) return Usage("-o xlsx: --out FILE says where to");
  if (context.output == "xlsx" && !f.compare.empty())
    return Usage("-o xlsx: not with --compare, whose answer is no table of the form");
  if (!f.subject.agency.empty() + !f.subject.department.empty() + f.subject.own_level > 1)
    return Usage("only one of --agency, --department and --own-level");
  d::GetTablesRequest request;
  if (!Fill(f, &request)) return kUsage;
  absl::StatusOr<disclosure::Disclosure> document = disclosure::Disclosure();
  if (!f.compare.empty()) {
    const absl::StatusOr<std::string> text = ReadDocumentFile(f.compare);
    if (absl::IsNotFound(text.status())) return Usage(std::string(text.status().message()));
    document =
        text.ok() ? importer::Read(*text) : absl::StatusOr<disclosure::Disclosure>(text.status());
    if (!document.ok()) {
      client::Error error;
      error.code = grpc::StatusCode::INVALID_ARGUMENT;
      error.reason = "DOCUMENT_UNREADABLE";
      error.message = absl::StrCat(f.compare, ": ", std::string(document.status().message()));
      error.message_zh = "文件无法完整读取，未比较";
      return Report(context, error);
    }
    if (f.subject.form.empty()) request.mutable_subject()->set_form(document->form);
    if (document->fiscal_year != f.subject.year)
      std::cerr << "fiscal: the document is of " << document->fiscal_year << "\n";
  }
  const auto stub = d::DisclosureService::NewStub(context.connection().channel());
  d::GetTablesResponse response;
  const grpc::Status status = context.connection().Call(
      [&](grpc::ClientContext* call) { return stub->GetTables(call, request, &response); });
  if (!status.ok()) return Report(context, status);
  const disclosure::Form* form = disclosure::FindForm(response.form());
  if (form == nullptr)
    return Unfit(absl::FailedPreconditionError(
        absl::StrCat("this program does not know the form ", response.form())));
  if (f.compare.empty()) return Print(context, f, response, *form);
  const TableComparison comparison = CompareTables(response, *form, *document, f.tables.empty());
  std::stringstream out;
  context.json()            ? PrintComparisonJson(comparison, out)
  : context.output == "csv" ? PrintComparisonCsv(comparison, out)
                            : PrintComparison(comparison, out);
  const int emitted = Emit(f, InForm(out.str(), context.output == "yaml"));
  return emitted != kOk ? emitted : comparison.differences.empty() ? kOk : kRejected;
}

}  // namespace

void AddTables(CLI::App& app, Context& context) {
  auto f = std::make_shared<Flags>();
  CLI::App* c = app.add_subcommand(
      "tables",
      "The statutory tables (部门预算公开表), as text, JSON, CSV or a workbook to print; "
      "or how they differ from a published document");
  f->subject.AddTo(c, "shanxi-13 or shanghai-9; else the document's, else shanxi-13");
  c->add_option("--table", f->tables, "Number of a table in the form; may be repeated");
  c->add_flag("--narrative", f->narrative, "Also the sentences that say the figures");
  c->add_option("--compare", f->compare, "A published document to compare with, text or PDF")
      ->type_name("FILE");
  c->add_option("--out", f->out, "Write to this file")->type_name("FILE");
  c->callback([&context, f] {
    context.takes_workbook = true;
    context.run = [&context, f] { return Run(context, *f); };
  });
}

}  // namespace fiscal::cli
