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
bool LacksCodes(const Answer& answer, a::Dimension dimension) {
  if (dimension == a::DIMENSION_UNSPECIFIED) return answer.grand.line_count() == 0;
  for (const a::Total& row : answer.rows) {
    for (const a::GroupValue& v : row.group()) {
      if (v.dimension() == dimension && !v.code().empty()) return false;
    }
  }
  return true;
}

Json ToJson(const a::Total& total) {
  Json object = Json::object();
  AddGroup(total.group(), &object);
  AddAmount("amount", total.amount_fen(), &object);
  object["precision_fen"] = absl::StrCat(total.precision_fen());
  object["line_count"] = total.line_count();
  return object;
}

void PrintJson(const Answer& answer, const std::string& analysis) {
  const Json object = {{"position", answer.position},
                       {"analysis", analysis},
                       {"grand_total", ToJson(answer.grand)},
                       {"totals", JsonList(answer.rows, ToJson)}};
  std::cout << OneLine(object) << "\n";
}

void PrintTable(const Context& context, const Answer& answer,
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
  for (const a::Total& row : answer.rows)
    add(GroupCells(row.group(), csv), amount(row), absl::StrCat(row.line_count()));
  if (!csv || dimensions.empty())
    add(GrandTotalCells(dimensions), amount(answer.grand), absl::StrCat(answer.grand.line_count()));
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
  if (question.filter().analysis() != b::ANALYSIS_UNSPECIFIED)
    analysis = ShortName(b::Analysis_Name(question.filter().analysis()), "ANALYSIS_");
  if (context.json()) {
    PrintJson(answer, analysis);
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
