// fiscal budgets, lines, projects: reads statements, any revision of them.
#include <functional>
#include <iostream>
#include <memory>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/small_file.h"
#include "clients/cli/print/line_item_sheets.h"
#include "clients/cli/print/progress.h"
#include "clients/cli/read/names.h"
#include "clients/cli/shell/bounds.h"
#include "clients/cli/shell/context.h"
#include "fiscal/submission/v1/submission_service.grpc.pb.h"

namespace fiscal::cli {
namespace {

namespace s = fiscal::submission::v1;
namespace b = fiscal::budget::v1;

struct Flags {
  std::string division, agency, stage, department;
  int year = 0;
  int64_t revision = 0;
  bool children = false;
  std::string out;
};

// False, having said why, when the flags name no budget.
bool Key(const Flags& f, const std::string& fallback_stage, b::BudgetKey* key) {
  key->set_division_code(f.division);
  key->set_agency_code(f.agency);
  key->set_fiscal_year(f.year);
  const auto stage = ParseStage(f.stage.empty() ? fallback_stage : f.stage);
  if (!stage) {
    Usage("--stage " + f.stage +
          ": requested, reviewed, approved, executed, final, adjustment or reallocation");
    return false;
  }
  key->set_stage(*stage);
  return true;
}

std::string Enum(const std::string& full, const std::string& prefix) {
  const std::string name = ShortName(full, prefix);
  return name == "UNSPECIFIED" ? "" : name;
}

void Rows(const Context& context, const std::vector<b::Budget>& budgets) {
  Table table({false, false, false, true, false, true, true, true, true, true, false});
  table.Row({"division", "department", "agency", "year", "stage", "revision", "lines", "memo",
             "projects", absl::StrCat("支出（", std::string(UnitName(context.unit())), "）"),
             "state"});
  for (const b::Budget& budget : budgets) {
    table.Row({budget.key().division_code(), budget.department_code(), budget.key().agency_code(),
               absl::StrCat(budget.key().fiscal_year()),
               Enum(b::Stage_Name(budget.key().stage()), "STAGE_"), absl::StrCat(budget.revision()),
               absl::StrCat(budget.line_count()), absl::StrCat(budget.memo_line_count()),
               absl::StrCat(budget.project_count()), context.Amount(budget.expenditure_fen()),
               budget.withdrawn()   ? "withdrawn"
               : budget.control()   ? "control"
               : budget.certified() ? "certified"
                                    : "stands"});
  }
  context.csv() ? table.PrintCsv(std::cout) : table.Print(std::cout);
}

int Budgets(Context& context, const Flags& f) {
  const auto stub = s::SubmissionService::NewStub(context.connection().channel());
  std::vector<b::Budget> budgets;
  if (!f.agency.empty()) {
    s::GetBudgetRequest request;
    if (f.year == 0) return Usage("--agency needs --year");
    if (!Key(f, "approved", request.mutable_budget())) return kUsage;
    request.set_revision(f.revision);
    s::GetBudgetResponse response;
    const grpc::Status status = context.connection().Call(
        [&](grpc::ClientContext* c) { return stub->GetBudget(c, request, &response); });
    if (!status.ok()) return Report(context, status);
    budgets.push_back(response.budget());
  } else {
    s::ListBudgetsRequest request;
    request.set_division_code(f.division);
    request.set_fiscal_year(f.year);
    request.set_department_code(f.department);
    request.set_include_children(f.children);
    request.set_page_size(1000);
    if (!f.stage.empty()) {
      const auto stage = ParseStage(f.stage);
      if (!stage) return Usage("--stage " + f.stage + ": no such stage");
      request.set_stage(*stage);
    }
    do {
      s::ListBudgetsResponse response;
      const grpc::Status status = context.connection().Call(
          [&](grpc::ClientContext* c) { return stub->ListBudgets(c, request, &response); });
      if (!status.ok()) return Report(context, status);
      for (b::Budget& budget : *response.mutable_budgets()) budgets.push_back(std::move(budget));
      request.set_page_token(response.next_page_token());
    } while (!request.page_token().empty());
  }
  if (context.json()) {
    for (const b::Budget& budget : budgets) context.Print(budget);
  } else {
    Rows(context, budgets);
  }
  return kOk;
}

// Calls `take` for every page of the budget's lines.
grpc::Status ListLines(Context& context, s::ListLineItemsRequest request,
                       const std::function<void(const s::ListLineItemsResponse&)>& take) {
  const auto stub = s::SubmissionService::NewStub(context.connection().channel());
  Progress progress("lines");
  int64_t count = 0;
  request.set_page_size(10000);
  do {
    s::ListLineItemsResponse response;
    const grpc::Status status = context.connection().Call(
        [&](grpc::ClientContext* c) { return stub->ListLineItems(c, request, &response); });
    if (!status.ok()) return status;
    take(response);
    count += response.line_items_size();
    progress.Count(count);
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return grpc::Status::OK;
}

grpc::Status ListAllProjects(Context& context, s::ListProjectsRequest request,
                             std::vector<b::Project>* projects) {
  const auto stub = s::SubmissionService::NewStub(context.connection().channel());
  request.set_page_size(1000);
  do {
    s::ListProjectsResponse response;
    const grpc::Status status = context.connection().Call(
        [&](grpc::ClientContext* c) { return stub->ListProjects(c, request, &response); });
    if (!status.ok()) return status;
    for (b::Project& project : *response.mutable_projects())
      projects->push_back(std::move(project));
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return grpc::Status::OK;
}

// One revision with everything in it.
grpc::Status Fetch(Context& context, const b::BudgetKey& key, int64_t revision,
                   Statement* statement) {
  const auto stub = s::SubmissionService::NewStub(context.connection().channel());
  s::GetBudgetRequest budget;
  *budget.mutable_budget() = key;
  budget.set_revision(revision);
  s::GetBudgetResponse response;
  grpc::Status status = context.connection().Call(
      [&](grpc::ClientContext* c) { return stub->GetBudget(c, budget, &response); });
  if (!status.ok()) return status;
  statement->budget = response.budget();
  s::ListLineItemsRequest lines;
  *lines.mutable_budget() = key;
  lines.set_revision(response.budget().revision());
  status = ListLines(context, lines, [&](const s::ListLineItemsResponse& page) {
    statement->lines.insert(statement->lines.end(), page.line_items().begin(),
                            page.line_items().end());
  });
  if (!status.ok()) return status;
  s::ListProjectsRequest projects;
  *projects.mutable_budget() = key;
  projects.set_revision(response.budget().revision());
  return ListAllProjects(context, projects, &statement->projects);
}

// What the file does not hold is named, so that nobody drops it by sending the file.
void SayLost(const Context& context, const Statement& statement, const std::string& bytes) {
  const std::vector<std::string> lost =
      LostIn(statement, context.csv() ? "lines.csv" : "lines.xlsx", bytes);
  if (!lost.empty()) {
    std::cerr << "fiscal: submitting this file would not state the same: "
              << absl::StrJoin(lost, ", ")
              << (context.csv() && !statement.projects.empty() ? "; -o xlsx has projects whole"
                                                               : "")
              << "\n";
  }
  const bool certified = statement.budget.certified(), imported = statement.budget.has_source();
  if (certified || imported) {
    std::cerr << "fiscal: submitting this file with changes states it anew, without"
              << (certified ? " its certification" : "") << (certified && imported ? " and" : "")
              << (imported ? " the document it was imported from" : "") << "\n";
  }
}

int Export(Context& context, const Flags& f, const b::BudgetKey& key) {
  if (!context.csv() && f.out.empty()) return Usage("-o xlsx: --out FILE says where to");
  Statement statement;
  const grpc::Status status = Fetch(context, key, f.revision, &statement);
  if (!status.ok()) return Report(context, status);
  const absl::StatusOr<std::string> bytes = context.csv()
                                                ? LineItemsCsv(statement, context.unit())
                                                : LineItemsWorkbook(statement, context.unit());
  absl::Status written = bytes.status();
  if (written.ok() && f.out.empty()) std::cout << *bytes;
  if (written.ok() && !f.out.empty())
    written = WriteWholeFile(f.out, *bytes, 0666, IfThere::kReplace);
  if (!written.ok()) {
    std::cerr << "fiscal: " << written.message() << "\n";
    return kFailure;
  }
  SayLost(context, statement, *bytes);
  return kOk;
}

int Lines(Context& context, const Flags& f) {
  s::ListLineItemsRequest request;
  if (!Key(f, "approved", request.mutable_budget())) return kUsage;
  if (context.csv() || context.output == "xlsx") return Export(context, f, request.budget());
  if (!f.out.empty()) return Usage("--out: with -o csv or -o xlsx");
  request.set_revision(f.revision);
  Table table({false, false, false, false, false, false, false, false, false, false, false, true});
  table.Row({"line", "direction", "functional", "revenue", "dept-economic", "gov-economic", "fund",
             "category", "funding-year", "project", "analysis",
             absl::StrCat("金额（", std::string(UnitName(context.unit())), "）")});
  const auto add = [&](const b::LineItem& l) {
    table.Row({l.line_id(), Enum(b::Direction_Name(l.direction()), "DIRECTION_"),
               l.functional_code(), l.revenue_code(), l.dept_economic_code(), l.gov_economic_code(),
               Enum(b::Fund_Name(l.fund()), "FUND_"),
               Enum(b::Category_Name(l.category()), "CATEGORY_"),
               Enum(b::FundingYear_Name(l.funding_year()), "FUNDING_YEAR_"), l.project_code(),
               Enum(b::Analysis_Name(l.analysis()), "ANALYSIS_"), context.Amount(l.amount_fen())});
  };
  const grpc::Status status =
      ListLines(context, request, [&](const s::ListLineItemsResponse& page) {
        for (const b::LineItem& line : page.line_items())
          context.json() ? context.Print(line) : add(line);
      });
  if (!status.ok()) return Report(context, status);
  if (!context.json()) table.Print(std::cout);
  return kOk;
}

int Projects(Context& context, const Flags& f) {
  s::ListProjectsRequest request;
  if (!Key(f, "approved", request.mutable_budget())) return kUsage;
  request.set_revision(f.revision);
  std::vector<b::Project> projects;
  const grpc::Status status = ListAllProjects(context, request, &projects);
  if (!status.ok()) return Report(context, status);
  Table table({false, false, false, false, true, true});
  table.Row({"project", "名称", "category", "term",
             absl::StrCat("年度资金（", std::string(UnitName(context.unit())), "）"), "指标"});
  for (const b::Project& p : projects) {
    if (context.json()) {
      context.Print(p);
      continue;
    }
    table.Row({p.project_code(), p.name(), Enum(b::Category_Name(p.category()), "CATEGORY_"),
               p.term(),
               p.year_funding().has_total_fen() ? context.Amount(p.year_funding().total_fen()) : "",
               absl::StrCat(p.indicators_size())});
  }
  if (!context.json()) context.csv() ? table.PrintCsv(std::cout) : table.Print(std::cout);
  return kOk;
}

}  // namespace

void AddStatements(CLI::App& app, Context& context) {
  auto add = [&](const char* name, const char* help, int (*run)(Context&, const Flags&), bool one) {
    auto f = std::make_shared<Flags>();
    const bool exports = run == &Lines;
    CLI::App* c = app.add_subcommand(name, help);
    c->add_option("--division", f->division, "Division code")->required();
    auto* agency = c->add_option("--agency", f->agency, "Agency code");
    auto* year = c->add_option("--year", f->year, "Fiscal year");
    if (one) {
      agency->required();
      year->required();
    } else {
      c->add_option("--department", f->department, "Only this department");
      c->add_flag("--children", f->children, "Also the divisions below");
    }
    c->add_option("--stage", f->stage, "Stage; approved for a single budget")
        ->check(Offered(StageNames()));
    c->add_option("--revision", f->revision, "A revision; without it the one that stands");
    if (exports) {
      c->add_option("--out", f->out, "With -o csv or -o xlsx, write to this file")
          ->type_name("FILE");
    }
    c->callback([&context, f, run, exports] {
      context.takes_workbook = exports;
      context.run = [&context, f, run] { return run(context, *f); };
    });
  };
  add("budgets", "List the budgets that stand, or show one at any revision", Budgets, false);
  add("lines",
      "List the line items of a budget; with -o csv or -o xlsx as the sheets that submit takes",
      Lines, true);
  add("projects", "List the projects of a budget", Projects, true);
}

}  // namespace fiscal::cli
