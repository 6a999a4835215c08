// What authority costs: single submits and point totals against a server that enforces grants, and
// against one that lets everybody in by the same certificates; nine interleaved pairs, medians.
//
//   build/release/bin/fiscal-authority-cost [--pairs N]
//
// Ends with 1 when a ratio is above 1.05.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "fiscal/aggregation/v1/aggregation_service.grpc.pb.h"
#include "fiscal/submission/v1/submission_service.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "tests/integration/tenants.h"
#include "tests/support/catalog.h"

namespace fiscal::testing {
namespace {

namespace agg = fiscal::aggregation::v1;
namespace sub = fiscal::submission::v1;

constexpr char kCaller[] = "agency/141100/bureau";
constexpr int kAgencies = 40, kThreads = 4, kSubmits = 100, kTotals = 4000, kLines = 20;
constexpr double kBound = 1.05;

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "authority_cost: %s\n", what.c_str());
  std::exit(2);
}

// A server with some grants beside those that count, as a living one has.
struct Side {
  explicit Side(const std::string& mode)
      : tenants(mode, [](config::v1::ServerConfig* server) {
          // The caller is busier than any share.
          config::v1::ShareConfig& share = *server->add_shares();
          share.set_role("everybody");
          share.set_requests_per_second(1000000000);
          share.set_cost_per_second(1000000000000);
        }) {
    tenants.Grant("catalogs", "catalog-owner");
    if (!ImportTwoCities(tenants.As("catalogs"), kAgencies)) Die("the catalog was not taken");
    for (int i = 0; i < 200; ++i) {
      tenants.Grant(absl::StrCat("agency/141100/", i), "submitter",
                    Tenants::Scope("141100", DepartmentCode(i % kAgencies)));
    }
    tenants.Grant(kCaller, "submitter", Tenants::Scope("141100"));
    for (int i = 0; i < kThreads; ++i) channels.push_back(tenants.Connect(kCaller));
  }

  // Microseconds a submit, of kThreads callers at once.
  double Submits() {
    ++round;
    const absl::Time start = absl::Now();
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        const auto stub = sub::SubmissionService::NewStub(channels[static_cast<size_t>(t)]);
        for (int i = 0; i < kSubmits; ++i) {
          grpc::ClientContext context;
          sub::SubmitBudgetResponse response;
          const grpc::Status status =
              stub->SubmitBudget(&context,
                                 MakeBudget((t * kSubmits + i) % kAgencies, kLines,
                                            static_cast<uint64_t>(round * 100000 + t * 1000 + i),
                                            absl::StrCat("c-", round, "-", t, "-", i)),
                                 &response);
          if (!status.ok()) Die(status.error_message());
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    return absl::ToDoubleMicroseconds(absl::Now() - start) / (kThreads * kSubmits);
  }

  // Microseconds a point total, one after the other.
  double Totals() {
    const auto stub = agg::AggregationService::NewStub(channels[0]);
    agg::GetTotalRequest request;
    request.mutable_filter()->set_division_code("141100");
    request.mutable_filter()->set_fiscal_year(2024);
    request.mutable_filter()->set_stage(budget::v1::STAGE_APPROVED);
    request.mutable_filter()->set_direction(budget::v1::DIRECTION_EXPENDITURE);
    const absl::Time start = absl::Now();
    for (int i = 0; i < kTotals; ++i) {
      grpc::ClientContext context;
      agg::GetTotalResponse response;
      const grpc::Status status = stub->GetTotal(&context, request, &response);
      if (!status.ok()) Die(status.error_message());
    }
    return absl::ToDoubleMicroseconds(absl::Now() - start) / kTotals;
  }

  Tenants tenants;
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  int round = 0;
};

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// True when the row keeps its bound.
bool Print(const char* row, const std::vector<double>& off, const std::vector<double>& enforced) {
  std::vector<double> ratios;
  for (size_t i = 0; i < off.size(); ++i) ratios.push_back(enforced[i] / off[i]);
  const double ratio = Median(ratios);
  std::printf("%-14s off %8.2f us   enforced %8.2f us   ratio %.3f (bound %.2f)\n", row,
              Median(off), Median(enforced), ratio, kBound);
  return ratio <= kBound;
}

int Run(int pairs) {
  Side off("off"), enforced("enforce");
  std::vector<double> submits[2], totals[2];
  // Warm-up, then pairs in turns.
  for (int pair = -1; pair < pairs; ++pair) {
    for (int turn = 0; turn < 2; ++turn) {
      const int which = (pair + turn) & 1;
      Side& side = which == 0 ? off : enforced;
      const double submit = side.Submits(), total = side.Totals();
      if (pair < 0) continue;
      submits[which].push_back(submit);
      totals[which].push_back(total);
    }
  }
  const bool writes = Print("single submit", submits[0], submits[1]);
  const bool reads = Print("point total", totals[0], totals[1]);
  return writes && reads ? 0 : 1;
}

}  // namespace
}  // namespace fiscal::testing

int main(int argc, char** argv) {
  const int pairs = argc == 3 && std::strcmp(argv[1], "--pairs") == 0 ? std::atoi(argv[2]) : 9;
  return fiscal::testing::Run(std::max(pairs, 1));
}
