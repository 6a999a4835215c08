// One caller who keeps the rules and leaves no room.
#include <functional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "fiscal/aggregation/v1/aggregation_service.grpc.pb.h"
#include "fiscal/catalog/v1/catalog_service.grpc.pb.h"
#include "fiscal/submission/v1/submission_service.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "tests/bench/hostile/attack.h"
#include "tests/bench/hostile/situations.h"
#include "tests/bench/watching.h"
#include "tests/support/children.h"
#include "tests/support/http.h"

namespace fiscal::bench {
namespace {

namespace agg = fiscal::aggregation::v1;
namespace sub = fiscal::submission::v1;

constexpr int kTries = 3;

// How many of three tries of others fail while one holds what `plan` holds.
void Beside(Scene& scene, const char* key, const char* what, const AttackPlan& plan, int port,
            const std::function<std::string()>& attempt) {
  AttackProcess attack(plan, port);
  attack.AwaitActing(absl::Seconds(20));
  int failed = 0;
  std::string error;
  for (int i = 0; i < kTries; ++i) {
    const std::string now = attempt();
    if (now.empty()) continue;
    ++failed;
    error = now;
  }
  scene.report.Add({key, what, static_cast<double>(failed), 0, false,
                    absl::StrCat("of ", kTries, error.empty() ? "" : "; ", error)});
}

// A watch of the province that gets level.
std::string WatchOnce(int port) {
  const auto stub = agg::AggregationService::NewStub(ConnectTo(port));
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(5)));
  auto stream = stub->WatchTotals(&context, WatchOf({"140000", ""}));
  agg::WatchTotalsResponse response;
  while (stream->Read(&response)) {
    if (response.event() == agg::WATCH_EVENT_CAUGHT_UP) return "";
  }
  return stream->Finish().error_message();
}

// Milliseconds of a list of the budgets of `count` divisions, none of which has any.
double ListDivisions(int port, int year, int count) {
  const auto channel = ConnectTo(port);
  catalog::v1::ImportCatalogRequest list;
  list.set_request_id(absl::StrCat("divisions-", year));
  list.set_division_code("500000");
  list.set_fiscal_year(year);
  list.set_list(catalog::v1::CATALOG_LIST_DIVISION);
  for (int i = 0; i <= count; ++i) {
    catalog::v1::CatalogEntry* entry = list.add_entries();
    entry->set_code(absl::StrCat(500000 + i));
    entry->set_name(entry->code());
    if (i > 0) entry->set_parent_code("500000");
  }
  {
    grpc::ClientContext context;
    catalog::v1::ImportCatalogResponse response;
    const auto status =
        catalog::v1::CatalogService::NewStub(channel)->ImportCatalog(&context, list, &response);
    if (!status.ok()) std::fprintf(stderr, "divisions: %s\n", status.error_message().c_str());
  }
  const auto stub = sub::SubmissionService::NewStub(channel);
  sub::ListBudgetsRequest request;
  request.set_division_code("500000");
  request.set_fiscal_year(year);
  request.set_include_children(true);
  Sample ms;
  for (int i = 0; i < 3; ++i) {
    grpc::ClientContext context;
    sub::ListBudgetsResponse response;
    const absl::Time start = absl::Now();
    const grpc::Status status = stub->ListBudgets(&context, request, &response);
    ms.Add(absl::ToDoubleMilliseconds(absl::Now() - start));
    if (!status.ok()) std::fprintf(stderr, "list: %s\n", status.error_message().c_str());
  }
  return ms.median();
}

// Statements of the first division with amounts from 2^62 down to 1: whatever sum is bounded is
// used up.
int StateEnormousAmounts(Scene& scene) {
  const auto stub = sub::SubmissionService::NewStub(ConnectTo(scene.arena.port()));
  auto state = [&](const char* name, uint64_t n, int64_t amount) {
    sub::SubmitBudgetRequest request;
    scene.arena.province().Fill(n, 1, 0, &request);
    request.set_request_id(absl::StrCat(name, "-", n));
    request.mutable_line_items(0)->set_amount_fen(amount);
    grpc::ClientContext context;
    sub::SubmitBudgetResponse response;
    return stub->SubmitBudget(&context, request, &response).ok();
  };
  // What these agencies stated before leaves no gap.
  for (uint64_t n = 1; n < 64; ++n) state("nothing", n, 1);
  int taken = 0;
  for (uint64_t n = 1; n < 64; ++n) {
    if (state("enormous", n, (int64_t{1} << (63 - n)) - (n == 1 ? 1 : 0))) ++taken;
  }
  return taken;
}

}  // namespace

void ShutOut(Scene& scene) {
  scene.report.Situation("Shut out within the rules");
  const absl::Duration within = absl::Seconds(15);
  Arena& arena = scene.arena;
  const int admin = testing::FreePort();
  arena.Restart({0, {"--admin-listen", absl::StrCat("127.0.0.1:", admin)}});
  auto see = [&] { return arena.victims().SubmitAndSee(arena.port(), absl::Seconds(3)); };
  Beside(scene, "waiting_reads",
         "8,300 reads of what never comes; others' read of what they wrote, failed",
         {"waiting-reads", 1, absl::ZeroDuration(), within}, arena.port(), see);
  Beside(scene, "watches", "21,000 watches of one caller; others' watch, failed",
         {"watches", 1, absl::ZeroDuration(), within}, arena.port(),
         [&] { return WatchOnce(arena.port()); });
  arena.Restart({0, {"--admin-listen", absl::StrCat("127.0.0.1:", admin)}});
  Beside(scene, "admin_silent", "64 silent connections to the admin port; probes failed",
         {"silent-64", 1, absl::ZeroDuration(), within}, admin, [&]() -> std::string {
           const absl::Time start = absl::Now();
           const testing::HttpAnswer answer = testing::HttpGet(admin, "/healthz");
           const double ms = absl::ToDoubleMilliseconds(absl::Now() - start);
           if (answer.status == 200 && ms < 1000) return "";
           return absl::StrFormat("status %d after %.0f ms", answer.status, ms);
         });
  const double few = ListDivisions(arena.port(), 2031, 2000),
               many = ListDivisions(arena.port(), 2030, 20000);
  scene.report.Add({"list_budgets_growth",
                    "ListBudgets with include_children over 20,000 divisions against 2,000",
                    many / few, 15, false, absl::StrFormat("%.1f ms against %.1f ms", many, few),
                    true});
  const int taken = StateEnormousAmounts(scene);
  int failed = 0;
  std::string error;
  for (int i = 0; i < kTries; ++i) {
    const std::string now = see();
    if (now.empty()) continue;
    ++failed;
    error = now;
  }
  scene.report.Add({"enormous_amounts",
                    "one division states 2^62 fen, 2^61, ... 1; others' statements, failed",
                    static_cast<double>(failed), 0, false,
                    absl::StrCat("of ", kTries, "; ", taken, " of these taken",
                                 error.empty() ? "" : "; ", error)});
}

}  // namespace fiscal::bench
