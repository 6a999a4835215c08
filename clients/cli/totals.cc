// fiscal totals: reads totals and prints them as a table, JSON or CSV.
#include <iostream>
#include <memory>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "clients/cli/context.h"
#include "clients/cli/names.h"
#include "fiscal/aggregation/v1/aggregation_service.grpc.pb.h"

namespace fiscal::cli {
namespace {

namespace a = fiscal::aggregation::v1;
namespace b = fiscal::budget::v1;

struct Flags {
  std::string division, stage = "approved", direction = "expenditure", department, agency,
                        functional, revenue, dept_economic, gov_economic, fund, category,
                        funding_year, project, analysis = "auto", by, position, as_of, at_least,
                        order = "code";
  int year = 0, depth = 0;
  bool own_level = false;
};

struct Answer {
  std::vector<a::Total> rows;
  a::Total grand;
  std::string position;
};

// Reads every page.
grpc::Status Fetch(Context& context, const a::ListTotalsRequest& question, Answer* answer) {
  const auto stub = a::AggregationService::NewStub(context.connection().channel());
  if (question.group_by_size() == 0) {
    a::GetTotalRequest request;
    *request.mutable_filter() = question.filter();
    *request.mutable_consistency() = question.consistency();
    a::GetTotalResponse response;
    const grpc::Status status = context.connection().Call(
        [&](grpc::ClientContext* c) { return stub->GetTotal(c, request, &response); });
    answer->grand = response.total();
    answer->position = response.position();
    return status;
  }
  a::ListTotalsRequest request = question;
  request.set_page_size(10000);
  answer->rows.clear();
  Progress progress("rows");
  do {
    a::ListTotalsResponse response;
    const grpc::Status status = context.connection().Call(
        [&](grpc::ClientContext* c) { return stub->ListTotals(c, request, &response); });
    if (!status.ok()) return status;
    for (a::Total& row : *response.mutable_totals()) answer->rows.push_back(std::move(row));
    answer->grand = response.grand_total();
    answer->position = response.position();
    request.set_page_token(response.next_page_token());
    progress.Count(static_cast<int64_t>(answer->rows.size()));
  } while (!request.page_token().empty());
  return grpc::Status::OK;
}

// The analysis that has what is asked for where counted lines don't: a published disclosure can't join its tables.
b::Analysis AnalysisOf(const a::ListTotalsRequest& question, a::Dimension* dimension) {
  for (const a::GroupBy& g : question.group_by()) {
    *dimension = g.dimension();
    if (g.dimension() == a::DIMENSION_PROJECT) return b::ANALYSIS_PROJECT;
    if (g.dimension() == a::DIMENSION_DEPT_ECONOMIC || g.dimension() == a::DIMENSION_GOV_ECONOMIC)
      return b::ANALYSIS_BASIC_ECONOMIC;
  }
  *dimension = a::DIMENSION_UNSPECIFIED;
  if (!question.filter().project_code().empty()) return b::ANALYSIS_PROJECT;
  if (!question.filter().dept_economic_code().empty() ||
      !question.filter().gov_economic_code().empty()) {
    return b::ANALYSIS_BASIC_ECONOMIC;
  }
  return b::ANALYSIS_UNSPECIFIED;
}

// True when no counted money carries the code asked for.
bool LacksCodes(const Answer& answer, a::Dimension dimension) {
  if (dimension == a::DIMENSION_UNSPECIFIED) return answer.grand.line_count() == 0;
  for (const a::Total& row : answer.rows) {
    for (const a::GroupValue& v : row.group()) {
      if (v.dimension() == dimension && !v.code().empty()) return false;
    }
  }
  return true;
}

std::string Key(a::Dimension dimension) {
  const std::string name =
      absl::StrReplaceAll(DimensionNames()[static_cast<size_t>(dimension)], {{"-", "_"}});
  const bool plain = dimension == a::DIMENSION_FUND || dimension == a::DIMENSION_CATEGORY ||
                     dimension == a::DIMENSION_FUNDING_YEAR;
  return plain ? name : name + "_code";
}

std::string Amounts(const a::Total& total) {
  return absl::StrCat("\"amount_fen\": \"", total.amount_fen(), "\", \"amount_yuan\": \"",
                      FormatYuan(total.amount_fen()), "\", \"precision_fen\": \"",
                      total.precision_fen(), "\", \"line_count\": ", total.line_count());
}

void PrintJson(const Answer& answer, const std::string& analysis) {
  std::cout << "{\"position\": " << JsonString(answer.position)
            << ", \"analysis\": " << JsonString(analysis) << ", \"grand_total\": {"
            << Amounts(answer.grand) << "}, \"totals\": [";
  for (size_t i = 0; i < answer.rows.size(); ++i) {
    const a::Total& row = answer.rows[i];
    std::cout << (i == 0 ? "\n  {" : ",\n  {");
    bool division_said = false;
    for (int k = 0; k < row.group_size(); ++k)
      division_said = division_said || row.group(k).dimension() == a::DIMENSION_DIVISION;
    for (int k = 0; k < row.group_size(); ++k) {
      const a::GroupValue& v = row.group(k);
      std::cout << JsonString(Key(v.dimension())) << ": " << JsonString(v.code()) << ", ";
      const std::string prefix =
          k == 0 ? ""
                 : absl::StrReplaceAll(DimensionNames()[static_cast<size_t>(v.dimension())],
                                       {{"-", "_"}}) +
                       "_";
      std::cout << "\"" << prefix << "name\": " << JsonString(v.name()) << ", \"" << prefix
                << "level\": " << v.level() << ", ";
      if (v.own_level()) std::cout << "\"own_level\": true, ";
      if (!division_said && !v.division_code().empty() && v.dimension() != a::DIMENSION_DIVISION) {
        std::cout << "\"division_code\": " << JsonString(v.division_code()) << ", ";
        division_said = true;
      }
    }
    std::cout << Amounts(row) << "}";
  }
  std::cout << (answer.rows.empty() ? "]}\n" : "\n]}\n");
}

void PrintTable(const Context& context, const Answer& answer,
                const std::vector<a::Dimension>& dimensions) {
  const bool csv = context.output == "csv";
  std::vector<bool> right;
  std::vector<std::string> heading;
  for (a::Dimension d : dimensions) {
    heading.push_back(DimensionNames()[static_cast<size_t>(d)]);
    heading.push_back("名称");
    right.insert(right.end(), {false, false});
  }
  heading.push_back(absl::StrCat("金额（", std::string(UnitName(context.unit())), "）"));
  heading.push_back("行数");
  right.insert(right.end(), {true, true});
  Table table(right);
  table.Row(heading);
  auto amount = [&](const a::Total& t) {
    return FormatAmount(t.amount_fen(), context.unit(), !csv);
  };
  for (const a::Total& row : answer.rows) {
    std::vector<std::string> cells;
    for (const a::GroupValue& v : row.group()) {
      const std::string indent(csv ? 0 : static_cast<size_t>(2 * (v.level() - 1)), ' ');
      cells.push_back(indent + (v.code().empty() ? "-" : v.code()) +
                      (v.own_level() ? " 本级" : ""));
      cells.push_back(v.name());
    }
    cells.push_back(amount(row));
    cells.push_back(absl::StrCat(row.line_count()));
    table.Row(std::move(cells));
  }
  if (!csv || dimensions.empty()) {
    std::vector<std::string> cells(2 * dimensions.size());
    if (!cells.empty()) cells[0] = "合计";
    cells.push_back(amount(answer.grand));
    cells.push_back(absl::StrCat(answer.grand.line_count()));
    table.Row(std::move(cells));
  }
  csv ? table.PrintCsv(std::cout) : table.Print(std::cout);
}

int Run(Context& context, const Flags& f) {
  a::ListTotalsRequest question;
  a::TotalFilter& filter = *question.mutable_filter();
  filter.set_division_code(f.division);
  filter.set_fiscal_year(f.year);
  filter.set_own_level(f.own_level);
  filter.set_department_code(f.department);
  filter.set_agency_code(f.agency);
  filter.set_functional_code(f.functional);
  filter.set_revenue_code(f.revenue);
  filter.set_dept_economic_code(f.dept_economic);
  filter.set_gov_economic_code(f.gov_economic);
  filter.set_project_code(f.project);
  const auto stage = ParseStage(f.stage);
  if (!stage)
    return Usage("--stage " + f.stage +
                 ": requested, reviewed, approved, executed, final, adjustment or reallocation");
  filter.set_stage(*stage);
  const auto direction = ParseDirection(f.direction);
  if (!direction) return Usage("--direction " + f.direction + ": expenditure or income");
  filter.set_direction(*direction);
  if (!f.fund.empty()) {
    const auto fund = ParseFund(f.fund);
    if (!fund)
      return Usage(
          "--fund " + f.fund +
          ": general, government-fund, state-capital, fiscal-account, unit or a part of unit");
    filter.set_fund(*fund);
  }
  if (!f.category.empty()) {
    const auto category = ParseCategory(f.category);
    if (!category)
      return Usage("--category " + f.category +
                   ": basic, personnel, public, project, other-operating or specific-target");
    filter.set_category(*category);
  }
  if (!f.funding_year.empty()) {
    const auto year = ParseFundingYear(f.funding_year);
    if (!year) return Usage("--funding-year " + f.funding_year + ": this-year or carryover");
    filter.set_funding_year(*year);
  }
  const bool automatic = f.analysis == "auto";
  if (!automatic && f.analysis != "counted") {
    const auto analysis = ParseAnalysis(f.analysis);
    if (!analysis)
      return Usage("--analysis " + f.analysis +
                   ": auto, counted, basic-economic, project, three-public, operating, procurement "
                   "or class-split");
    filter.set_analysis(*analysis);
  }
  std::vector<a::Dimension> dimensions;
  if (!f.by.empty()) {
    for (const std::string& name : std::vector<std::string>(absl::StrSplit(f.by, ','))) {
      const auto dimension = ParseDimension(name);
      if (!dimension) {
        return Usage("--by " + name +
                     ": functional, revenue, dept-economic, gov-economic, department, agency, "
                     "division, fund, "
                     "category, funding-year or project");
      }
      dimensions.push_back(*dimension);
      a::GroupBy* g = question.add_group_by();
      g->set_dimension(*dimension);
      g->set_depth(f.depth);
    }
    if (dimensions.size() > 2 || (dimensions.size() == 2 && dimensions[0] == dimensions[1])) {
      return Usage("--by " + f.by + ": one dimension, or two different ones");
    }
  }
  if (f.depth < 0) return Usage("--depth: 1 or more; without it every level is shown");
  question.set_order(f.order == "amount" ? a::ORDER_AMOUNT_DESC : a::ORDER_CODE);
  if (!f.position.empty() + !f.as_of.empty() + !f.at_least.empty() > 1)
    return Usage("only one of --position, --as-of and --at-least");
  if (!f.position.empty()) question.mutable_consistency()->set_exactly(f.position);
  if (!f.at_least.empty()) question.mutable_consistency()->set_at_least(f.at_least);
  if (!f.as_of.empty()) {
    const auto time = ParseTime(f.as_of);
    if (!time) return Usage("--as-of " + f.as_of + ": RFC 3339 with a zone, or a date");
    const int64_t micros = absl::ToUnixMicros(*time);
    const int64_t seconds = micros >= 0 ? micros / 1000000 : -((-micros + 999999) / 1000000);
    question.mutable_consistency()->mutable_as_of()->set_seconds(seconds);
    question.mutable_consistency()->mutable_as_of()->set_nanos(
        static_cast<int32_t>((micros - seconds * 1000000) * 1000));
  }
  Answer answer;
  grpc::Status status = Fetch(context, question, &answer);
  if (!status.ok()) return Report(context, status);
  std::string analysis;
  a::Dimension dimension;
  const b::Analysis other = AnalysisOf(question, &dimension);
  if (automatic && other != b::ANALYSIS_UNSPECIFIED && LacksCodes(answer, dimension)) {
    a::ListTotalsRequest again = question;
    again.mutable_filter()->set_analysis(other);
    // The same position, so that both answers are of one moment.
    if (!answer.position.empty()) again.mutable_consistency()->set_exactly(answer.position);
    Answer analysed;
    status = Fetch(context, again, &analysed);
    if (!status.ok()) return Report(context, status);
    if (analysed.grand.line_count() > 0) {
      answer = std::move(analysed);
      analysis = ShortName(b::Analysis_Name(other), "ANALYSIS_");
      std::cerr << "fiscal: no counted line carries this code; shown is the analysis " << analysis
                << "\n";
    }
  }
  if (!automatic && f.analysis != "counted")
    analysis = ShortName(b::Analysis_Name(filter.analysis()), "ANALYSIS_");
  if (context.json()) {
    PrintJson(answer, analysis);
  } else {
    PrintTable(context, answer, dimensions);
  }
  return kOk;
}

}  // namespace

void AddTotals(CLI::App& app, Context& context) {
  auto f = std::make_shared<Flags>();
  CLI::App* c =
      app.add_subcommand("totals", "Totals by one or two dimensions, now or at any moment");
  c->add_option("--division", f->division, "Division code; its whole subtree unless --own-level")
      ->required();
  c->add_option("--year", f->year, "Fiscal year")->required();
  c->add_option("--stage", f->stage,
                "requested, reviewed, approved, executed, final, adjustment, reallocation")
      ->capture_default_str();
  c->add_option("--direction", f->direction, "expenditure or income")->capture_default_str();
  c->add_flag("--own-level", f->own_level, "Only the division's own level (本级)");
  c->add_option("--department", f->department, "Only this department");
  c->add_option("--agency", f->agency, "Only this agency");
  c->add_option("--functional", f->functional, "Only this functional code and what is below it");
  c->add_option("--revenue", f->revenue, "Only this revenue code and what is below it");
  c->add_option("--dept-economic", f->dept_economic,
                "Only this departments' economic code and what is below it");
  c->add_option("--gov-economic", f->gov_economic,
                "Only this governments' economic code and what is below it");
  c->add_option("--fund", f->fund, "Only this fund, by name, letter (G F S A U) or in Chinese");
  c->add_option("--category", f->category, "Only this category");
  c->add_option("--funding-year", f->funding_year, "this-year or carryover");
  c->add_option("--project", f->project, "Only this project");
  c->add_option("--analysis", f->analysis,
                "counted, or an analysis of memo lines; auto takes the analysis where no counted "
                "line carries the code asked for")
      ->capture_default_str();
  c->add_option("--by", f->by, "A or A,B");
  c->add_option("--depth", f->depth, "Levels 1 to N of each dimension; without it every level");
  c->add_option("--position", f->position, "As of exactly this position");
  c->add_option("--as-of", f->as_of,
                "As of this time; a date is the end of that day in Asia/Shanghai");
  c->add_option("--at-least", f->at_least, "Wait until this position is counted");
  c->add_option("--order", f->order, "code or amount")->check(CLI::IsMember({"code", "amount"}));
  c->callback([&context, f] { context.run = [&context, f] { return Run(context, *f); }; });
}

}  // namespace fiscal::cli
