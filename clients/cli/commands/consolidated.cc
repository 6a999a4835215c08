#include "clients/cli/commands/consolidated.h"

#include <iostream>

#include "absl/strings/str_cat.h"
#include "clients/cli/commands/outcomes.h"
#include "clients/cli/read/names.h"
#include "fiscal/aggregation/v1/aggregation_service.grpc.pb.h"

namespace fiscal::cli {
namespace {

namespace a = fiscal::aggregation::v1;
namespace b = fiscal::budget::v1;

// Empty where the source does not tell.
std::string Fund(const a::Transfer& t) {
  return t.fund() == b::FUND_UNSPECIFIED ? "" : ShortName(b::Fund_Name(t.fund()), "FUND_");
}

// One table from the sum over the transfers to what is left.
void PrintTable(const Context& context, const a::GetConsolidatedTotalResponse& r) {
  const bool csv = context.csv();
  auto amount = [&](int64_t fen) { return context.Amount(fen); };
  const std::string unit = absl::StrCat("（", UnitName(context.unit()), "）");
  Table table({false, false, false, false, false, true, true, true});
  table.Row({"item", "receiver", "名称", "direction", "fund", "paid" + unit, "received" + unit,
             "金额" + unit});
  table.Row({"combined", "", "", "", "", "", "", amount(r.combined().amount_fen())});
  for (const a::Transfer& t : r.transfers()) {
    table.Row({"transfer", t.receiving_division_code(), t.name(), t.up() ? "up" : "down", Fund(t),
               amount(t.paid_fen()), amount(t.received_fen()), amount(t.eliminated_fen())});
  }
  table.Row({"eliminated", "", "", "", "", "", "", amount(r.eliminated_fen())});
  table.Row({"consolidated", "", "", "", "", "", "", amount(r.consolidated_fen())});
  csv ? table.PrintCsv(std::cout) : table.Print(std::cout);
  for (const b::Finding& f : r.findings()) PrintFinding(f, std::cerr);
}

}  // namespace

int Consolidated(Context& context, const a::TotalFilter& filter,
                 const a::Consistency& consistency) {
  a::GetConsolidatedTotalRequest request;
  request.set_division_code(filter.division_code());
  request.set_fiscal_year(filter.fiscal_year());
  request.set_stage(filter.stage());
  request.set_direction(filter.direction());
  request.set_fund(filter.fund());
  *request.mutable_consistency() = consistency;
  a::TotalFilter rest = filter;
  rest.clear_division_code();
  rest.clear_fiscal_year();
  rest.clear_stage();
  rest.clear_direction();
  rest.clear_fund();
  if (rest.ByteSizeLong() != 0)
    return Usage(
        "--consolidated is about a whole division: of the filters, only --stage, --direction and "
        "--fund go with it");
  const auto stub = a::AggregationService::NewStub(context.connection().channel());
  a::GetConsolidatedTotalResponse response;
  const grpc::Status status = context.connection().Call(
      [&](grpc::ClientContext* c) { return stub->GetConsolidatedTotal(c, request, &response); });
  if (!status.ok()) return Report(context, status);
  context.json() ? context.Print(response) : PrintTable(context, response);
  return kOk;
}

}  // namespace fiscal::cli
