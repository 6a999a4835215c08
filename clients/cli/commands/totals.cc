// fiscal totals: reads totals and prints them as a table, JSON or CSV.
#include <iostream>
#include <memory>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "clients/cli/commands/consolidated.h"
#include "clients/cli/commands/filter_flags.h"
#include "clients/cli/print/json.h"
#include "clients/cli/print/rows.h"
#include "clients/cli/read/names.h"
#include "clients/cli/shell/context.h"
#include "fiscal/aggregation/v1/aggregation_service.grpc.pb.h"

namespace fiscal::cli {
namespace {

namespace a = fiscal::aggregation::v1;
namespace b = fiscal::budget::v1;

struct Flags {
  FilterFlags filter;
  ConsistencyFlags consistency;
  GroupFlags group;
  bool consolidated = false;
};

// Reads every page.
grpc::Status Fetch(Context& context, const a::ListTotalsRequest& question,
                   a::ListTotalsResponse* answer) {
  const auto stub = a::AggregationService::NewStub(context.connection().channel());
  if (question.group_by_size() == 0) {
    a::GetTotalRequest request;
    *request.mutable_filter() = question.filter();
    *request.mutable_consistency() = question.consistency();
    a::GetTotalResponse response;
    const grpc::Status status = context.connection().Call(
        [&](grpc::ClientContext* c) { return stub->GetTotal(c, request, &response); });
    *answer->mutable_grand_total() = response.total();
    answer->set_position(response.position());
    return status;
  }
  a::ListTotalsRequest request = question;
  request.set_page_size(10000);
  Progress progress("rows");
  do {
    a::ListTotalsResponse response;
    const grpc::Status status = context.connection().Call(
        [&](grpc::ClientContext* c) { return stub->ListTotals(c, request, &response); });
    if (!status.ok()) return status;
    for (a::Total& row : *response.mutable_totals()) *answer->add_totals() = std::move(row);
    *answer->mutable_grand_total() = response.grand_total();
    answer->set_position(response.position());
    request.set_page_token(response.next_page_token());
    progress.Count(answer->totals_size());
  } while (!request.page_token().empty());
  return grpc::Status::OK;
}

// The analysis that has what is asked for where counted lines don't: a published disclosure can't
// join its tables.
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
bool LacksCodes(const a::ListTotalsResponse& answer, a::Dimension dimension) {
  if (dimension == a::DIMENSION_UNSPECIFIED) return answer.grand_total().line_count() == 0;
  for (const a::Total& row : answer.totals()) {
    for (const a::GroupValue& v : row.group()) {
      if (v.dimension() == dimension && !v.code().empty()) return false;
    }
  }
  return true;
}

// The same shape with and without --by. The analysis that was taken is the question's, which here
// may have been left open.
void PrintJson(const Context& context, const a::ListTotalsResponse& answer, b::Analysis analysis) {
  Json object = FieldsOf(answer, /*every_field=*/true);
  object["analysis"] = b::Analysis_Name(analysis);
  context.Print(object);
}

void PrintTable(const Context& context, const a::ListTotalsResponse& answer,
                const std::vector<a::Dimension>& dimensions) {
  const bool csv = context.csv();
  std::vector<bool> right(2 * dimensions.size(), false);
  right.insert(right.end(), {true, true});
  Table table(right);
  auto add = [&](std::vector<std::string> cells, const std::string& amount,
                 const std::string& lines) {
    cells.push_back(amount);
    cells.push_back(lines);
    table.Row(std::move(cells));
  };
  auto amount = [&](const a::Total& t) { return context.Amount(t.amount_fen()); };
  add(GroupHeading(dimensions), absl::StrCat("金额（", UnitName(context.unit()), "）"), "行数");
  for (const a::Total& row : answer.totals())
    add(GroupCells(row.group(), csv), amount(row), absl::StrCat(row.line_count()));
  if (!csv || dimensions.empty())
    add(GrandTotalCells(dimensions), amount(answer.grand_total()),
        absl::StrCat(answer.grand_total().line_count()));
  csv ? table.PrintCsv(std::cout) : table.Print(std::cout);
}

int Run(Context& context, const Flags& f) {
  a::ListTotalsRequest question;
  if (!f.filter.Fill(question.mutable_filter()) || !f.group.Fill(question.mutable_group_by()))
    return kUsage;
  const bool automatic = f.filter.automatic();
  question.set_order(f.group.Ordered());
  if (!f.consistency.Fill(question.mutable_consistency())) return kUsage;
  if (f.consolidated) {
    if (question.group_by_size() > 0 || f.group.depth > 0)
      return Usage("--consolidated is one total: not with --by or --depth");
    return Consolidated(context, question.filter(), question.consistency());
  }
  a::ListTotalsResponse answer;
  grpc::Status status = Fetch(context, question, &answer);
  if (!status.ok()) return Report(context, status);
  b::Analysis analysis = question.filter().analysis();
  a::Dimension dimension;
  const b::Analysis other = AnalysisOf(question, &dimension);
  if (automatic && other != b::ANALYSIS_UNSPECIFIED && LacksCodes(answer, dimension)) {
    a::ListTotalsRequest again = question;
    again.mutable_filter()->set_analysis(other);
    // The same position, so that both answers are of one moment.
    if (!answer.position().empty()) again.mutable_consistency()->set_exactly(answer.position());
    a::ListTotalsResponse analysed;
    status = Fetch(context, again, &analysed);
    if (!status.ok()) return Report(context, status);
    if (analysed.grand_total().line_count() > 0) {
      answer = std::move(analysed);
      analysis = other;
      std::cerr << "fiscal: no counted line carries this code; shown is the analysis "
                << ShortName(b::Analysis_Name(other), "ANALYSIS_") << "\n";
    }
  }
  const a::Consistency& asked = question.consistency();
  const bool of_then = asked.has_as_of() || !asked.exactly().empty();
  if (context.json()) {
    PrintJson(context, answer, analysis);
  } else if (context.output == "table" && of_then && answer.grand_total().line_count() == 0) {
    // 0.00 would look like a sum.
    std::cout << "nothing was stated by then, or it was withdrawn again; position "
              << answer.position() << "\n当时尚无申报，或申报已撤回\n";
  } else {
    PrintTable(context, answer, DimensionsOf(question.group_by()));
  }
  return kOk;
}

}  // namespace

void AddTotals(CLI::App& app, Context& context) {
  auto f = std::make_shared<Flags>();
  CLI::App* c =
      app.add_subcommand("totals", "Totals by one or two dimensions, now or at any moment");
  f->filter.automatic_allowed = true;
  f->filter.AddTo(c);
  f->group.AddTo(c);
  f->consistency.AddTo(c);
  c->add_flag("--consolidated", f->consolidated,
              "Without the transfers between levels of government inside the division");
  c->callback([&context, f] { context.run = [&context, f] { return Run(context, *f); }; });
}

}  // namespace fiscal::cli
