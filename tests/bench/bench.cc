#include "tests/bench/bench.h"

#include <unistd.h>

#include <filesystem>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "fiscal/admin/v1/admin_service.grpc.pb.h"
#include "fiscal/aggregation/v1/aggregation_service.grpc.pb.h"
#include "fiscal/catalog/v1/catalog_service.grpc.pb.h"
#include "fiscal/submission/v1/submission_service.grpc.pb.h"
#include "grpcpp/grpcpp.h"

namespace fiscal::bench {

namespace sub = fiscal::submission::v1;
namespace agg = fiscal::aggregation::v1;

Bench::Bench(Options asked, std::string program)
    : options(std::move(asked)), self(std::move(program)), province(".") {
  directory =
      (std::filesystem::temp_directory_path() / absl::StrCat("fiscal-bench-", getpid())).string();
  std::filesystem::remove_all(directory);
  std::filesystem::create_directories(directory);
  results.quick = options.quick;
  results.commit = options.commit;
  results.machine = DescribeMachine();
  results.date = absl::FormatTime("%Y-%m-%d", absl::Now(), absl::UTCTimeZone());
  null = std::make_unique<ServerProcess>(std::vector<std::string>{self, "--serve-null", "bytes"});
  null_parsed =
      std::make_unique<ServerProcess>(std::vector<std::string>{self, "--serve-null", "parse"});
}

Bench::~Bench() {
  server.reset();
  std::filesystem::remove_all(directory);
}

void Bench::StartServer() {
  const std::string fiscal = (std::filesystem::path(self).parent_path() / "fiscal").string();
  server = std::make_unique<ServerProcess>(std::vector<std::string>{
      fiscal, "serve", "--data-dir", data_dir(), "--listen", "127.0.0.1:0"});
}

void Bench::Fresh(Arrival order) {
  arrival = order;
  server.reset();
  std::filesystem::remove_all(data_dir());
  next = 0;
  lines = wire_bytes = 0;
  StartServer();
  ImportCatalog();
}

void Bench::ImportCatalog() {
  const auto stub = catalog::v1::CatalogService::NewStub(Connect(server->port()));
  // A year holds each agency's budget in every stage: some 8 million lines of small ones.
  const int years = options.hundred ? 16 : 4;
  for (int year = Province::kYear; year < Province::kYear + years; ++year) {
    for (const auto& request : province.Catalog(year)) {
      grpc::ClientContext context;
      catalog::v1::ImportCatalogResponse response;
      const grpc::Status status = stub->ImportCatalog(&context, request, &response);
      if (!status.ok()) Die(absl::StrCat("the catalog was refused: ", status.error_message()));
    }
  }
}

Frames Bench::Make(double wanted, int each) {
  Frames frames;
  double made = 0;
  while (made < wanted) {
    const uint64_t n = province.Nth(next++, arrival);
    const int count = each > 0 ? each : Province::LinesOf(n);
    frames.emplace_back();
    province.Fill(n, count, 0, frames.back().mutable_budget());
    made += count;
    wire_bytes += static_cast<double>(frames.back().budget().ByteSizeLong());
  }
  lines += made;
  return frames;
}

double LinesIn(const Frames& frames) {
  double lines = 0;
  for (const auto& f : frames) lines += f.budget().line_items_size();
  return lines;
}

void Bench::Load(const Frames& frames, Loads* loads) {
  const double sent = LinesIn(frames), before = server->cpu_seconds();
  const absl::Time start = absl::Now();
  Stream(server->port(), frames);
  WaitVisible();
  loads->rate.Add(sent / SecondsSince(start));
  loads->cpu.Add((server->cpu_seconds() - before) / sent * 1e6);
}

void Bench::WaitVisible() {
  const auto totals = agg::AggregationService::NewStub(Connect(server->port()));
  const auto stub = sub::SubmissionService::NewStub(Connect(server->port()));
  auto one = Make(1, 1);
  grpc::ClientContext context;
  sub::SubmitBudgetResponse receipt;
  if (!stub->SubmitBudget(&context, one[0].budget(), &receipt).ok()) Die("a submit failed");
  agg::GetTotalRequest request = PointTotal();
  request.mutable_consistency()->set_at_least(receipt.position());
  agg::GetTotalResponse response;
  grpc::ClientContext read;
  if (!totals->GetTotal(&read, request, &response).ok()) Die("a read failed");
}

agg::GetTotalRequest Bench::PointTotal() const {
  agg::GetTotalRequest request;
  request.mutable_filter()->set_division_code("140000");
  request.mutable_filter()->set_fiscal_year(Province::kYear);
  request.mutable_filter()->set_stage(budget::v1::STAGE_REQUESTED);  // the first stated
  request.mutable_filter()->set_direction(budget::v1::DIRECTION_EXPENDITURE);
  request.mutable_filter()->set_functional_code("2080505");
  return request;
}

void Bench::Verify() {
  const auto admin = admin::v1::AdminService::NewStub(Connect(server->port()));
  admin::v1::VerifyResponse response;
  grpc::ClientContext context;
  const absl::Time start = absl::Now();
  const grpc::Status status = admin->Verify(&context, {}, &response);
  if (!status.ok() || !response.ok()) {
    for (const std::string& d : response.differences()) std::fprintf(stderr, "%s\n", d.c_str());
    Die(absl::StrCat("verify does not agree: ", status.error_message()));
  }
  results.Note("admin verify agrees",
               absl::StrFormat("%d events, %d lines, %d cells, %.1f s", response.event_count(),
                               response.line_count(), response.cell_count(), SecondsSince(start)));
  if (static_cast<double>(response.line_count()) != lines)
    Die(absl::StrFormat("verify counts %d lines, %.0f were acknowledged", response.line_count(),
                        lines));
}

}  // namespace fiscal::bench
