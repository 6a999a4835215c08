// fiscal import: reads a published disclosure, shows what was read and checked, and submits it.
#include <iostream>
#include <memory>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "clients/cli/commands/outcomes.h"
#include "clients/cli/read/document_file.h"
#include "clients/cli/read/names.h"
#include "clients/cli/shell/bounds.h"
#include "clients/cli/shell/context.h"
#include "clients/importer/importer.h"
#include "clients/importer/reader.h"
#include "domain/disclosure/names.h"
#include "fiscal/submission/v1/submission_service.grpc.pb.h"

namespace fiscal::cli {
namespace {

namespace b = fiscal::budget::v1;
namespace c = fiscal::catalog::v1;
namespace s = fiscal::submission::v1;

struct Flags {
  std::string file, stage = "approved", request_id;
  importer::Options options;
  int64_t expected_revision = -1;
  bool dry_run = false, certify = false;
};

// Another division's lists than those asked for are never needed: the reference lists of the
// agency's own division serve it.
grpc::Status FetchCatalog(Context& context, const Flags& f, int year, const std::string& name,
                          importer::CatalogView* view) {
  std::vector<c::CatalogEntry> agencies;
  grpc::Status status =
      ListCatalog(context, c::CATALOG_LIST_AGENCY, f.options.division_code, year, "", &agencies);
  if (!status.ok()) return status;
  std::string division = f.options.division_code;
  for (const c::CatalogEntry& e : agencies) {
    view->agencies.push_back({e.division_code(),
                              e.code(),
                              e.name(),
                              e.department_code(),
                              {e.aliases().begin(), e.aliases().end()}});
    if (division.empty() && disclosure::FoldName(e.name()) == disclosure::FoldName(name))
      division = e.division_code();
  }
  if (division.empty()) return grpc::Status::OK;
  const std::pair<c::CatalogList, std::vector<importer::CatalogView::Code>*> lists[] = {
      {c::CATALOG_LIST_FUNCTIONAL, &view->functional},
      {c::CATALOG_LIST_DEPT_ECONOMIC, &view->dept_economic},
      {c::CATALOG_LIST_GOV_ECONOMIC, &view->gov_economic}};
  for (const auto& [list, codes] : lists) {
    std::vector<c::CatalogEntry> entries;
    status = ListCatalog(context, list, division, year, "", &entries);
    if (!status.ok()) return status;
    for (const c::CatalogEntry& e : entries) {
      codes->push_back(
          {e.code(), e.name(), e.parent_code(), {e.aliases().begin(), e.aliases().end()}});
    }
  }
  return grpc::Status::OK;
}

void PrintReport(const Context& context, const importer::Result& result,
                 const s::SubmitBudgetResponse& receipt, bool dry_run) {
  Table table({true, false, true, true, true, true, true, true, false});
  table.Row({"表", "名称", "读取", "核对", "差异", "明细", "备查", "校验", "规则"});
  for (const importer::TableReport& t : result.tables) {
    table.Row({absl::StrCat(t.number), t.title, absl::StrCat(t.figures_read),
               absl::StrCat(t.figures_checked), absl::StrCat(t.differences),
               absl::StrCat(t.to_lines), absl::StrCat(t.to_memo), absl::StrCat(t.to_checks),
               t.checked_against});
  }
  table.Print(std::cout);
  std::cout << result.document_name << "  " << result.request.budget().division_code() << "/"
            << result.request.department_code() << "/" << result.request.budget().agency_code()
            << "  " << result.request.budget().fiscal_year() << "  单位：" << result.unit << "\n"
            << (dry_run ? "dry run: " : "")
            << ShortName(s::Result_Name(receipt.result()), "RESULT_") << "  revision "
            << receipt.revision();
  if (!receipt.position().empty()) std::cout << "  position " << receipt.position();
  std::cout << "  " << receipt.line_count() << " lines, " << receipt.memo_line_count()
            << " memo lines, " << receipt.project_count() << " projects\n";
  for (const b::Finding& f : result.findings) PrintFinding(f, std::cout);
  (void)context;
}

int Refuse(const Context& context, const std::string& file, const absl::Status& status,
           const std::vector<b::Finding>& findings) {
  client::Error error;
  error.code = static_cast<grpc::StatusCode>(status.code());
  const bool contradicts = absl::IsFailedPrecondition(status);
  error.reason = contradicts ? "TABLES_CONTRADICT" : "DOCUMENT_UNREADABLE";
  error.message = absl::StrCat(file, ": ", std::string(status.message()));
  error.message_zh = contradicts ? "各表之间勾稽关系不成立，未导入" : "文件无法完整读取，未导入";
  for (const b::Finding& f : findings) {
    if (f.severity() == b::SEVERITY_ERROR)
      error.violations.push_back({f.place(), absl::StrCat(f.rule(), ": ", f.message())});
  }
  return Report(context, error);
}

int Run(Context& context, Flags f) {
  const absl::StatusOr<std::string> bytes = ReadDocumentFile(f.file);
  if (absl::IsNotFound(bytes.status())) return Usage(std::string(bytes.status().message()));
  if (!bytes.ok()) return Refuse(context, f.file, bytes.status(), {});
  const std::string& text = *bytes;
  const auto stage = ParseStage(f.stage);
  if (!stage)
    return Usage("--stage " + f.stage +
                 ": requested, reviewed, approved, executed, final, adjustment or reallocation");
  f.options.stage = *stage;
  auto document = importer::Read(text);
  if (!document.ok()) return Refuse(context, f.file, document.status(), {});
  const int year = f.options.fiscal_year != 0 ? f.options.fiscal_year : document->fiscal_year;
  importer::CatalogView catalog;
  grpc::Status status = FetchCatalog(context, f, year, document->department_name, &catalog);
  if (!status.ok()) return Report(context, status);
  std::vector<b::Finding> findings;
  auto result = importer::Import(text, *document, catalog, f.options, &findings);
  if (!result.ok()) return Refuse(context, f.file, result.status(), findings);

  s::SubmitBudgetRequest& request = result->request;
  request.set_request_id(f.request_id.empty() ? client::RandomRequestId() : f.request_id);
  request.set_validate_only(f.dry_run);
  request.set_certify(f.certify);
  if (f.expected_revision >= 0) request.set_expected_revision(f.expected_revision);
  const auto stub = s::SubmissionService::NewStub(context.connection().channel());
  s::SubmitBudgetResponse receipt;
  status = context.connection().Call(
      [&](grpc::ClientContext* call) { return stub->SubmitBudget(call, request, &receipt); });
  if (!status.ok()) return Report(context, status);
  if (context.json()) {
    // The reader's findings, and the services'.
    for (const b::Finding& finding : receipt.findings()) result->findings.push_back(finding);
    receipt.clear_findings();
    for (const b::Finding& finding : result->findings) *receipt.add_findings() = finding;
    context.Print(receipt);
  } else {
    PrintReport(context, *result, receipt, f.dry_run);
  }
  return kOk;
}

}  // namespace

void AddImport(CLI::App& app, Context& context) {
  auto f = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("import", "Import a published disclosure (text or PDF)");
  command->add_option("file", f->file, "The document")->required()->type_name("FILE");
  command->add_option("--division", f->options.division_code,
                      "Division code; else from the catalog by the printed name");
  command->add_option("--department", f->options.department_code,
                      "Department code; else from the catalog");
  command->add_option("--agency", f->options.agency_code, "Agency code; else from the catalog");
  command->add_option("--year", f->options.fiscal_year, "Fiscal year; else from the document");
  command->add_option("--stage", f->stage, "What the amounts are")
      ->capture_default_str()
      ->check(Offered(StageNames()));
  command->add_flag("--dry-run", f->dry_run, "Read and check, keep nothing");
  command->add_flag("--as-printed", f->options.as_printed,
                    "Keep it though its tables contradict each other; the findings say so");
  command->add_flag("--certify", f->certify, "Say that the statement is final");
  command->add_option("--expected-revision", f->expected_revision,
                      "The revision that must stand; 0: none");
  command->add_option("--request-id", f->request_id, "Keep it for retries; random without");
  command->callback([&context, f] { context.run = [&context, f] { return Run(context, *f); }; });
}

}  // namespace fiscal::cli
