// fiscal coverage: who must report, who has, who is missing.
#include <iostream>
#include <memory>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "clients/cli/commands/filter_flags.h"
#include "clients/cli/read/names.h"
#include "clients/cli/shell/bounds.h"
#include "clients/cli/shell/context.h"
#include "fiscal/aggregation/v1/aggregation_service.grpc.pb.h"

namespace fiscal::cli {
namespace {

namespace a = fiscal::aggregation::v1;

struct Flags {
  std::string division, stage = "approved", department;
  int year = 0;
  bool own_level = false, missing = false;
  ConsistencyFlags consistency;
};

// Reads every page.
grpc::Status Fetch(Context& context, a::GetCoverageRequest request,
                   a::GetCoverageResponse* answer) {
  const auto stub = a::AggregationService::NewStub(context.connection().channel());
  request.set_page_size(10000);
  Progress progress("agencies");
  do {
    a::GetCoverageResponse response;
    const grpc::Status status = context.connection().Call(
        [&](grpc::ClientContext* c) { return stub->GetCoverage(c, request, &response); });
    if (!status.ok()) return status;
    if (request.page_token().empty()) *answer->mutable_coverage() = response.coverage();
    for (a::AgencyCoverage& agency : *response.mutable_agencies())
      *answer->add_agencies() = std::move(agency);
    answer->set_position(response.position());
    request.set_page_token(response.next_page_token());
    progress.Count(answer->agencies_size());
  } while (!request.page_token().empty());
  return grpc::Status::OK;
}

std::string State(const a::AgencyCoverage& agency) {
  return ShortName(a::CoverageState_Name(agency.state()), "COVERAGE_STATE_");
}

// CSV is the agencies alone, so that it stays one table.
void PrintTable(const Context& context, const a::GetCoverageResponse& answer) {
  const bool csv = context.csv();
  const a::Coverage& all = answer.coverage();
  if (!csv) {
    std::cout << all.received_count() << " of " << all.expected_count()
              << " agencies have reported, " << all.certified_count() << " certified, at position "
              << answer.position();
    if (!all.oldest_position().empty())
      std::cout << "; the oldest statement is of position " << all.oldest_position();
    std::cout << "\n";
  }
  Table table({false, false, false, false, false, false, true, true, false});
  table.Row({"division", "department", "agency", "名称", "must report", "state", "revision",
             "position", "upstream"});
  for (const a::AgencyCoverage& agency : answer.agencies()) {
    table.Row({agency.division_code(), agency.department_code(), agency.agency_code(),
               agency.name(), agency.must_report() ? "yes" : "no",
               State(agency) + (agency.by_department() ? " (department)" : ""),
               agency.revision() == 0 ? "" : absl::StrCat(agency.revision()), agency.position(),
               agency.upstream()});
  }
  csv ? table.PrintCsv(std::cout) : table.Print(std::cout);
}

int Run(Context& context, const Flags& f) {
  a::GetCoverageRequest request;
  request.set_division_code(f.division);
  request.set_own_level(f.own_level);
  request.set_department_code(f.department);
  request.set_fiscal_year(f.year);
  const auto stage = StageOf("--stage", f.stage);
  if (!stage) return kUsage;
  request.set_stage(*stage);
  if (!f.consistency.Fill(request.mutable_consistency())) return kUsage;
  if (f.missing) request.set_state(a::COVERAGE_STATE_UNREPORTED);
  a::GetCoverageResponse answer;
  const grpc::Status status = Fetch(context, request, &answer);
  if (!status.ok()) return Report(context, status);
  context.json() ? context.Print(answer) : PrintTable(context, answer);
  return kOk;
}

}  // namespace

void AddCoverage(CLI::App& app, Context& context) {
  auto f = std::make_shared<Flags>();
  CLI::App* c = app.add_subcommand("coverage", "Who must report, who has, who is missing");
  c->add_option("--division", f->division, "Division code; its whole subtree unless --own-level")
      ->required();
  c->add_option("--year", f->year, "Fiscal year")->required();
  c->add_option("--stage", f->stage, "The stage to report")
      ->capture_default_str()
      ->check(Offered(StageNames()));
  c->add_flag("--own-level", f->own_level, "Only the division's own level (本级)");
  c->add_option("--department", f->department, "Only this department");
  c->add_flag("--missing", f->missing, "Only agencies that have not reported");
  f->consistency.AddTo(c);
  c->callback([&context, f] { context.run = [&context, f] { return Run(context, *f); }; });
}

}  // namespace fiscal::cli
