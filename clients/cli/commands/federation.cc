// fiscal federation status: how the systems below stand.
#include <iostream>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "clients/cli/read/names.h"
#include "clients/cli/shell/context.h"
#include "fiscal/federation/v1/federation_service.grpc.pb.h"

namespace fiscal::cli {
namespace {

namespace fed = fiscal::federation::v1;

std::string State(const fed::Upstream& u) {
  return ShortName(fed::UpstreamState_Name(u.state()), "UPSTREAM_STATE_");
}

// Empty before the first event was taken over.
std::string CommitTime(const fed::Upstream& u) {
  return u.has_commit_time() ? FormatTime(u.commit_time().seconds(), u.commit_time().nanos()) : "";
}

void PrintTable(const Context& context, const fed::GetUpstreamsResponse& r) {
  Table table({false, false, false, true, true, true, false, false, false});
  table.Row({"name", "address", "state", "position", "head", "lag", "commit time", "divisions",
             "message"});
  for (const fed::Upstream& u : r.upstreams()) {
    table.Row({u.name(), u.address(), State(u), u.position(), u.head_position(),
               absl::StrCat(u.lag_count()), CommitTime(u), absl::StrJoin(u.division_codes(), " "),
               u.message()});
  }
  context.output == "csv" ? table.PrintCsv(std::cout) : table.Print(std::cout);
}

int Status(Context& context) {
  const auto stub = fed::FederationService::NewStub(context.connection().channel());
  fed::GetUpstreamsResponse response;
  const grpc::Status status = context.connection().Call([&](grpc::ClientContext* c) {
    return stub->GetUpstreams(c, fed::GetUpstreamsRequest(), &response);
  });
  if (!status.ok()) return Report(context, status);
  context.json() ? context.Print(response) : PrintTable(context, response);
  return kOk;
}

}  // namespace

void AddFederation(CLI::App& app, Context& context) {
  CLI::App* federation = app.add_subcommand("federation", "Systems below that roll up into this");
  federation->require_subcommand(1);
  federation->add_subcommand("status", "How far each system below was taken over")
      ->callback([&context] { context.run = [&context] { return Status(context); }; });
}

}  // namespace fiscal::cli
