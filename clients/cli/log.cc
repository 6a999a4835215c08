// fiscal log: lists the records of the event log.
#include <iostream>
#include <memory>

#include "CLI/CLI.hpp"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "clients/cli/context.h"
#include "clients/cli/names.h"
#include "fiscal/log/v1/event_log_service.grpc.pb.h"

namespace fiscal::cli {
namespace {

struct Flags {
  std::string after;
  int64_t limit = 100;
};

int Run(Context& context, const Flags& f) {
  const grpc::Status connected = context.connection().Connect();
  if (!connected.ok()) return Report(context, connected);
  const auto stub = fiscal::log::v1::EventLogService::NewStub(context.connection().channel());
  fiscal::log::v1::ReadRequest request;
  request.set_after_position(f.after);
  request.set_until_head(true);
  grpc::ClientContext call;
  auto reader = stub->Read(&call, request);
  Table table({true, false, true, false});
  table.Row({"position", "commit time", "bytes", "chain hash"});
  fiscal::log::v1::ReadResponse response;
  int64_t listed = 0;
  bool cut = false;
  while (!cut && reader->Read(&response)) {
    for (const auto& r : response.records()) {
      if (listed++ == f.limit) {
        cut = true;
        break;
      }
      const std::string time = FormatTime(r.commit_time().seconds(), r.commit_time().nanos());
      const std::string hash = absl::BytesToHexString(r.chain_hash());
      if (context.json()) {
        std::cout << "{\"position\": " << JsonString(r.position())
                  << ", \"commit_time\": " << JsonString(time)
                  << ", \"bytes\": " << r.record().size()
                  << ", \"chain_hash\": " << JsonString(hash) << "}\n";
      } else {
        table.Row({r.position(), time, absl::StrCat(r.record().size()), hash});
      }
    }
  }
  if (cut) call.TryCancel();
  const grpc::Status status = reader->Finish();
  if (!cut && !status.ok()) return Report(context, status);
  if (!context.json()) context.output == "csv" ? table.PrintCsv(std::cout) : table.Print(std::cout);
  if (cut)
    std::cerr << "fiscal: only " << f.limit
              << " records are shown; --after and --limit show more\n";
  return kOk;
}

}  // namespace

void AddLog(CLI::App& app, Context& context) {
  auto f = std::make_shared<Flags>();
  CLI::App* c = app.add_subcommand("log", "List the records of the event log");
  c->add_option("--after", f->after, "Start after this position");
  c->add_option("--limit", f->limit, "At most so many")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  c->callback([&context, f] { context.run = [&context, f] { return Run(context, *f); }; });
}

}  // namespace fiscal::cli
