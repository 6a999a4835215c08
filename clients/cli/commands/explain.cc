// fiscal explain: what a total is made of, a level at a time or straight down to its lines.
#include <iostream>
#include <memory>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "clients/cli/commands/filter_flags.h"
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
  std::string depth = "next";
};

// Reads every page.
grpc::Status Fetch(Context& context, a::ExplainTotalRequest request,
                   a::ExplainTotalResponse* answer) {
  const auto stub = a::AggregationService::NewStub(context.connection().channel());
  request.set_page_size(10000);
  Progress progress("parts");
  do {
    a::ExplainTotalResponse response;
    const grpc::Status status = context.connection().Call(
        [&](grpc::ClientContext* c) { return stub->ExplainTotal(c, request, &response); });
    if (!status.ok()) return status;
    if (request.page_token().empty()) *answer->mutable_total() = response.total();
    for (a::Contribution& part : *response.mutable_contributions())
      *answer->add_contributions() = std::move(part);
    answer->set_position(response.position());
    request.set_page_token(response.next_page_token());
    progress.Count(answer->contributions_size());
  } while (!request.page_token().empty());
  return grpc::Status::OK;
}

std::string Kind(const a::Contribution& part) {
  return ShortName(a::ContributionKind_Name(part.kind()), "CONTRIBUTION_KIND_");
}

// A statement or line names its budget, other parts are told apart by the filter of their own
// parts.
std::string Division(const a::Contribution& part) {
  return part.has_budget() ? part.budget().division_code() : part.filter().division_code();
}

std::string Agency(const a::Contribution& part) {
  return part.has_budget() ? part.budget().agency_code() : part.filter().agency_code();
}

std::string Stage(const a::Contribution& part) {
  const b::Stage stage = part.has_budget() ? part.budget().stage() : part.filter().stage();
  return stage == b::STAGE_UNSPECIFIED ? "" : ShortName(b::Stage_Name(stage), "STAGE_");
}

void PrintTable(const Context& context, const a::ExplainTotalResponse& answer) {
  const bool csv = context.csv();
  auto amount = [&](int64_t fen) { return context.Amount(fen); };
  Table table({false, false, false, false, false, false, false, true, true, true, true, false});
  table.Row({"kind", "division", "department", "agency", "stage", "line", "名称",
             absl::StrCat("金额（", UnitName(context.unit()), "）"), "行数", "revision", "position",
             "upstream"});
  for (const a::Contribution& part : answer.contributions()) {
    table.Row({Kind(part), Division(part), part.filter().department_code(), Agency(part),
               Stage(part), part.line_item().line_id(), part.name(), amount(part.amount_fen()),
               absl::StrCat(part.line_count()),
               part.revision() == 0 ? "" : absl::StrCat(part.revision()), part.position(),
               part.upstream().empty()
                   ? ""
                   : absl::StrCat(part.upstream(), " ", part.upstream_position())});
  }
  if (!csv) {
    table.Row({"合计", "", "", "", "", "", "", amount(answer.total().amount_fen()),
               absl::StrCat(answer.total().line_count()), "", "", ""});
  }
  csv ? table.PrintCsv(std::cout) : table.Print(std::cout);
}

int Run(Context& context, const Flags& f) {
  a::ExplainTotalRequest request;
  if (!f.filter.Fill(request.mutable_filter()) ||
      !f.consistency.Fill(request.mutable_consistency())) {
    return kUsage;
  }
  request.set_line_items(f.depth == "lines");
  a::ExplainTotalResponse answer;
  const grpc::Status status = Fetch(context, request, &answer);
  if (!status.ok()) return Report(context, status);
  context.json() ? context.Print(answer) : PrintTable(context, answer);
  return kOk;
}

}  // namespace

void AddExplain(CLI::App& app, Context& context) {
  auto f = std::make_shared<Flags>();
  CLI::App* c = app.add_subcommand("explain", "What a total is made of, down to its lines");
  f->filter.AddTo(c);
  f->consistency.AddTo(c);
  c->add_option("--depth", f->depth, "next: one level down; lines: straight to the lines")
      ->capture_default_str()
      ->check(CLI::IsMember({"next", "lines"}));
  c->callback([&context, f] { context.run = [&context, f] { return Run(context, *f); }; });
}

}  // namespace fiscal::cli
