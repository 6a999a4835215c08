// fiscal compare: two totals side by side, or why they differ.
#include <iostream>
#include <memory>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "clients/cli/commands/filter_flags.h"
#include "clients/cli/print/rows.h"
#include "clients/cli/read/names.h"
#include "clients/cli/shell/bounds.h"
#include "clients/cli/shell/context.h"
#include "fiscal/aggregation/v1/aggregation_service.grpc.pb.h"

namespace fiscal::cli {
namespace {

namespace a = fiscal::aggregation::v1;

// The plain flags say what is, on the right; --with flags say where what was, on the left, is
// another.
struct Flags {
  FilterFlags filter;
  ConsistencyFlags consistency;
  GroupFlags group;
  std::string with_stage, with_department, with_agency;
  ConsistencyFlags with;
  int with_year = 0;
  bool why = false;
};

// Reads every page.
grpc::Status Fetch(Context& context, a::CompareTotalsRequest request,
                   a::CompareTotalsResponse* answer) {
  const auto stub = a::AggregationService::NewStub(context.connection().channel());
  request.set_page_size(10000);
  Progress progress("rows");
  do {
    a::CompareTotalsResponse response;
    const grpc::Status status = context.connection().Call(
        [&](grpc::ClientContext* c) { return stub->CompareTotals(c, request, &response); });
    if (!status.ok()) return status;
    if (request.page_token().empty()) *answer->mutable_grand_total() = response.grand_total();
    for (a::TotalComparison& row : *response.mutable_rows()) *answer->add_rows() = std::move(row);
    answer->set_left_position(response.left_position());
    answer->set_right_position(response.right_position());
    request.set_page_token(response.next_page_token());
    progress.Count(answer->rows_size());
  } while (!request.page_token().empty());
  return grpc::Status::OK;
}

// "left（万元）", "right（万元）", "change（万元）".
std::vector<std::string> AmountHeading(const Context& context) {
  const std::string unit = absl::StrCat("（", UnitName(context.unit()), "）");
  return {"left" + unit, "right" + unit, "change" + unit};
}

void PrintTable(const Context& context, const a::CompareTotalsResponse& answer,
                const std::vector<a::Dimension>& dimensions) {
  const bool csv = context.csv();
  std::vector<bool> right(2 * dimensions.size(), false);
  right.insert(right.end(), {true, true, true, true});
  Table table(right);
  std::vector<std::string> heading = GroupHeading(dimensions);
  for (std::string& cell : AmountHeading(context)) heading.push_back(std::move(cell));
  heading.push_back("change %");
  table.Row(std::move(heading));
  auto add = [&](std::vector<std::string> cells, const a::TotalComparison& row) {
    for (int64_t fen : {row.left_fen(), row.right_fen(), row.change_fen()})
      cells.push_back(context.Amount(fen));
    cells.push_back(
        row.has_change_percent_hundredths() ? FormatPercent(row.change_percent_hundredths()) : "-");
    table.Row(std::move(cells));
  };
  for (const a::TotalComparison& row : answer.rows()) add(GroupCells(row.group(), csv), row);
  if (!csv || dimensions.empty()) add(GrandTotalCells(dimensions), answer.grand_total());
  csv ? table.PrintCsv(std::cout) : table.Print(std::cout);
}

std::string Reason(const a::ChangePart& part) {
  return ShortName(a::ChangeReason_Name(part.reason()), "CHANGE_REASON_");
}

void PrintWhyTable(const Context& context, const a::ExplainChangeResponse& r) {
  const bool csv = context.csv();
  auto amount = [&](int64_t fen) { return context.Amount(fen); };
  auto revision = [](int64_t n) { return n == 0 ? std::string() : absl::StrCat(n); };
  const std::vector<std::string> amounts = AmountHeading(context);
  Table table({false, false, false, false, false, false, true, true, true, true, true});
  table.Row({"reason", "division", "agency", "名称", "left department", "right department",
             amounts[0], amounts[1], amounts[2], "left revision", "right revision"});
  for (const a::ChangePart& part : r.parts()) {
    table.Row({Reason(part), part.division_code(), part.agency_code(), part.name(),
               part.left_department_code(), part.right_department_code(), amount(part.left_fen()),
               amount(part.right_fen()), amount(part.change_fen()), revision(part.left_revision()),
               revision(part.right_revision())});
  }
  if (!csv) {
    table.Row({"合计", "", "", "", "", "", amount(r.left_fen()), amount(r.right_fen()),
               amount(r.change_fen()), "", ""});
  }
  csv ? table.PrintCsv(std::cout) : table.Print(std::cout);
}

int Why(Context& context, const a::CompareTotalsRequest& question) {
  const auto stub = a::AggregationService::NewStub(context.connection().channel());
  a::ExplainChangeRequest request;
  *request.mutable_left() = question.left();
  *request.mutable_right() = question.right();
  a::ExplainChangeResponse response;
  const grpc::Status status = context.connection().Call(
      [&](grpc::ClientContext* c) { return stub->ExplainChange(c, request, &response); });
  if (!status.ok()) return Report(context, status);
  context.json() ? context.Print(response) : PrintWhyTable(context, response);
  return kOk;
}

// False, having said why, when the --with flags make no sense.
bool FillLeft(const Flags& f, const a::TotalSide& right, a::TotalSide* left) {
  *left = right;
  const bool position = !f.with.position.empty() || !f.with.as_of.empty();
  if (f.with_year == 0 && f.with_stage.empty() && f.with_department.empty() &&
      f.with_agency.empty() && !position) {
    Usage(
        "compare with what? One of --with-year, --with-stage, --with-department, --with-agency, "
        "--with-position and --with-as-of");
    return false;
  }
  if (!f.with.position.empty() && !f.with.as_of.empty()) {
    Usage("only one of --with-position and --with-as-of");
    return false;
  }
  a::TotalFilter* filter = left->mutable_filter();
  if (f.with_year != 0) filter->set_fiscal_year(f.with_year);
  if (!f.with_stage.empty()) {
    const auto stage = StageOf("--with-stage", f.with_stage);
    if (!stage) return false;
    filter->set_stage(*stage);
  }
  if (!f.with_department.empty()) filter->set_department_code(f.with_department);
  if (!f.with_agency.empty()) filter->set_agency_code(f.with_agency);
  if (!position) return true;
  left->clear_consistency();
  return f.with.Fill(left->mutable_consistency(), "--with-");
}

int Run(Context& context, const Flags& f) {
  a::CompareTotalsRequest question;
  a::TotalSide* right = question.mutable_right();
  if (!f.filter.Fill(right->mutable_filter()) || !f.group.Fill(question.mutable_group_by()) ||
      !f.consistency.Fill(right->mutable_consistency()) ||
      !FillLeft(f, question.right(), question.mutable_left())) {
    return kUsage;
  }
  if (f.why) {
    if (!f.group.by.empty()) return Usage("--why is about the whole difference: not with --by");
    if (!f.with_stage.empty() || !f.with_agency.empty())
      return Usage(
          "--why is about years, departments and positions: not about --with-stage "
          "or --with-agency");
    return Why(context, question);
  }
  question.set_order(f.group.Ordered());
  a::CompareTotalsResponse answer;
  const grpc::Status status = Fetch(context, question, &answer);
  if (!status.ok()) return Report(context, status);
  if (context.json()) {
    context.Print(answer);
  } else {
    PrintTable(context, answer, DimensionsOf(question.group_by()));
  }
  return kOk;
}

}  // namespace

void AddCompare(CLI::App& app, Context& context) {
  auto f = std::make_shared<Flags>();
  CLI::App* c = app.add_subcommand(
      "compare", "A total (right) with that of another year, stage, agency or moment (left)");
  f->filter.AddTo(c);
  f->group.AddTo(c);
  f->consistency.AddTo(c);
  c->add_option("--with-year", f->with_year, "Left: this fiscal year");
  c->add_option("--with-stage", f->with_stage, "Left: this stage")
      ->check(Offered(TotalStageNames()));
  c->add_option("--with-department", f->with_department, "Left: this department");
  c->add_option("--with-agency", f->with_agency, "Left: this agency");
  c->add_option("--with-position", f->with.position, "Left: as of exactly this position");
  c->add_option("--with-as-of", f->with.as_of,
                "Left: as of this time; a date is the end of that day in Asia/Shanghai");
  c->add_flag("--why", f->why, "What the difference is made of, statement by statement");
  c->callback([&context, f] { context.run = [&context, f] { return Run(context, *f); }; });
}

}  // namespace fiscal::cli
