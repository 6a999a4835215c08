// fiscal admin verify: recomputes every total from the log.
#include <iostream>

#include "CLI/CLI.hpp"
#include "clients/cli/context.h"
#include "fiscal/admin/v1/admin_service.grpc.pb.h"

namespace fiscal::cli {
namespace {

int Verify(Context& context) {
  const auto stub = admin::v1::AdminService::NewStub(context.connection().channel());
  std::cerr << "recomputing every total from the first event ...\n";
  admin::v1::VerifyResponse r;
  const grpc::Status status = context.connection().Call(
      [&](grpc::ClientContext* c) { return stub->Verify(c, admin::v1::VerifyRequest(), &r); },
      /*deadline=*/false);
  if (!status.ok()) return Report(context, status);
  if (context.json()) {
    std::cout << "{\"ok\": " << (r.ok() ? "true" : "false")
              << ", \"position\": " << JsonString(r.position())
              << ", \"events\": " << r.event_count() << ", \"lines\": " << r.line_count()
              << ", \"cells\": " << r.cell_count() << ", \"differences\": [";
    for (int i = 0; i < r.differences_size(); ++i)
      std::cout << (i == 0 ? "" : ", ") << JsonString(r.differences(i));
    std::cout << "]}\n";
  } else {
    std::cout << (r.ok() ? "all totals agree" : "TOTALS DIFFER") << " at position "
              << (r.position().empty() ? "0" : r.position()) << ": " << r.event_count()
              << " events, " << r.line_count() << " lines, " << r.cell_count() << " cells\n";
    for (const std::string& d : r.differences()) std::cout << "  " << d << "\n";
  }
  return r.ok() ? kOk : kFailure;
}

}  // namespace

void AddAdmin(CLI::App& app, Context& context) {
  CLI::App* admin = app.add_subcommand("admin", "Operator's commands");
  admin->require_subcommand(1);
  admin->add_subcommand("verify", "Recompute every total from the log; exit 0 only when all agree")
      ->callback([&context] { context.run = [&context] { return Verify(context); }; });
}

}  // namespace fiscal::cli
