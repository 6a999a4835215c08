#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "fiscal/aggregation/v1/aggregation_service.grpc.pb.h"
#include "fiscal/disclosure/v1/disclosure_service.grpc.pb.h"
#include "fiscal/submission/v1/submission_service.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "tests/bench/phases.h"

namespace fiscal::bench {

namespace sub = fiscal::submission::v1;
namespace agg = fiscal::aggregation::v1;
namespace dis = fiscal::disclosure::v1;
namespace {

// The 13 tables of the whole province: rows for each unit and project among them.
void MeasureTables(Bench& b, const agg::TotalFilter& filter) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  const auto stub = dis::DisclosureService::NewStub(grpc::CreateCustomChannel(
      absl::StrCat("127.0.0.1:", b.server->port()), grpc::InsecureChannelCredentials(), arguments));
  dis::GetTablesRequest request;
  request.mutable_subject()->set_division_code(filter.division_code());
  request.mutable_subject()->set_fiscal_year(filter.fiscal_year());
  request.mutable_subject()->set_stage(filter.stage());
  int rows = 0;
  size_t bytes = 0;
  const Sample us = Latencies(3, [&](int) {
    grpc::ClientContext context;
    dis::GetTablesResponse response;
    const grpc::Status status = stub->GetTables(&context, request, &response);
    if (!status.ok()) std::fprintf(stderr, "%s\n", status.error_message().c_str());
    rows = 0;
    bytes = response.ByteSizeLong();
    for (const dis::StatutoryTable& table : response.tables()) rows += table.rows_size();
    return status.ok();
  });
  Sample ms;
  ms.Add(us.median() / 1000);
  b.results.Add({"tables_ms",
                 "the 13 tables of the province, from the leaf cells of 20,000 agencies, p50, ms",
                 absl::StrFormat("%d rows, %.1f MB", rows, bytes / 1e6), "", ms, 1200, 2000,
                 false});
}

}  // namespace

void MeasureReads(Bench& b) {
  const int count = b.options.quick ? 2000 : 10000;
  const auto totals = agg::AggregationService::NewStub(Connect(b.server->port()));
  const auto echo_stub = sub::SubmissionService::NewStub(Connect(b.null->port()));
  const agg::GetTotalRequest request = b.PointTotal();
  sub::SubmitBudgetRequest small;
  small.set_request_id("echo");
  auto echo = [&](int) {
    grpc::ClientContext context;
    sub::SubmitBudgetResponse response;
    return echo_stub->SubmitBudget(&context, small, &response).ok();
  };
  std::string position;
  auto point = [&](int) {
    grpc::ClientContext context;
    agg::GetTotalResponse response;
    const bool ok = totals->GetTotal(&context, request, &response).ok();
    position = response.position();
    return ok;
  };
  Latencies(500, echo);
  Latencies(500, point);
  const int64_t head = std::atoll(position.c_str());
  Sample point_ratio, past_ratio, e, p, old;
  for (int round = 0; round < 5; ++round) {
    const Sample echo_us = Latencies(count / 5, echo), point_us = Latencies(count / 5, point);
    // In the first half of the log: that many lines back at least.
    agg::GetTotalRequest past = request;
    const Sample past_us = Latencies(count / 5, [&](int i) {
      past.mutable_consistency()->set_exactly(
          absl::StrCat(head / 10 + (int64_t{i} * 7919 + round * 131) % (head * 4 / 10)));
      grpc::ClientContext context;
      agg::GetTotalResponse response;
      return totals->GetTotal(&context, past, &response).ok();
    });
    point_ratio.Add(point_us.median() / echo_us.median());
    past_ratio.Add(past_us.Quantile(0.99) / point_us.Quantile(0.99));
    for (double v : echo_us.values) e.Add(v);
    for (double v : point_us.values) p.Add(v);
    for (double v : past_us.values) old.Add(v);
  }
  b.results.Add({"point_total_vs_echo_p50", "point total against unary echo, p50",
                 absl::StrFormat("%.0f µs (p99 %.0f)", p.median(), p.Quantile(0.99)),
                 absl::StrFormat("%.0f µs (p99 %.0f)", e.median(), e.Quantile(0.99)), point_ratio,
                 1.15, 1.2, false});
  b.results.Add({"as_of_vs_current_p99",
                 absl::StrFormat("a total as of a position at least %.1f M lines back against the "
                                 "current one, p99",
                                 b.lines / 2e6),
                 absl::StrFormat("%.0f µs (p50 %.0f)", old.Quantile(0.99), old.median()),
                 absl::StrFormat("%.0f µs", p.Quantile(0.99)), past_ratio, 2, 2.5, false});
  auto list = [&](const std::string& what, int repeats,
                  std::vector<std::pair<agg::Dimension, int>> by, bool past) {
    agg::ListTotalsRequest r;
    *r.mutable_filter() = request.filter();
    r.mutable_filter()->clear_functional_code();
    r.set_page_size(10000);
    for (const auto& [dimension, depth] : by) {
      r.add_group_by()->set_dimension(dimension);
      r.mutable_group_by(r.group_by_size() - 1)->set_depth(depth);
    }
    if (past) r.mutable_consistency()->set_exactly(absl::StrCat(head / 3));
    int rows = 0;
    const Sample us = Latencies(repeats, [&](int) {
      grpc::ClientContext context;
      agg::ListTotalsResponse response;
      const grpc::Status status = totals->ListTotals(&context, r, &response);
      if (!status.ok()) std::fprintf(stderr, "%s\n", status.error_message().c_str());
      rows = response.totals_size();
      return status.ok();
    });
    const std::string said = absl::StrFormat("%d rows, p50 %.2f ms, p99 %.2f ms", rows,
                                             us.median() / 1000, us.Quantile(0.99) / 1000);
    if (repeats > 3) {
      b.results.Note(what, said);
      return;
    }
    Sample ms;
    ms.Add(us.median() / 1000);
    b.results.Add({"pivot_ms", absl::StrCat(what, ", p50, ms"), said, "", ms, 100, 200, false});
  };
  list("province by functional, all levels", 200, {{agg::DIMENSION_FUNCTIONAL, 0}}, false);
  list("the same, two thirds of the log back", 200, {{agg::DIMENSION_FUNCTIONAL, 0}}, true);
  list("province by division, all levels", 50, {{agg::DIMENSION_DIVISION, 0}}, false);
  list(
      "pivot by functional 类 and department's economic 类 over the leaf cells of 20,000 "
      "agencies",
      3, {{agg::DIMENSION_FUNCTIONAL, 1}, {agg::DIMENSION_DEPT_ECONOMIC, 1}}, false);
  MeasureTables(b, request.filter());
}

void MeasureVisible(Bench& b) {
  Loads warm;
  for (int round = 0; round < 3; ++round)
    b.Load(b.Make(b.options.quick ? 100000 : 300000, 0), &warm);
  // The slowest: what is measured beside a load hangs on the load.
  const double rate = warm.rate.Quantile(0);
  b.results.Note("lines a second before half load is set, three times, to the last total",
                 absl::StrCat(Rate(rate), " … ", Rate(warm.rate.Quantile(1))));
  const Frames load = b.Make(rate * (b.options.quick ? 1.5 : 4), 0);
  std::atomic<bool> loading{true};
  std::thread loader([&] {
    Stream(b.server->port(), load, rate / 2);
    loading = false;
  });
  const auto channel = Connect(b.server->port());
  const auto stub = sub::SubmissionService::NewStub(channel);
  const auto totals = agg::AggregationService::NewStub(channel);
  Sample lag;
  while (loading) {
    const Frames one = b.Make(100, 100);
    sub::SubmitBudgetResponse receipt;
    grpc::ClientContext context;
    if (!stub->SubmitBudget(&context, one[0].budget(), &receipt).ok()) Die("submit failed");
    const absl::Time start = absl::Now();
    agg::GetTotalRequest total = b.PointTotal();
    total.mutable_consistency()->set_at_least(receipt.position());
    agg::GetTotalResponse response;
    grpc::ClientContext read;
    read.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    if (!totals->GetTotal(&read, total, &response).ok()) Die("read failed");
    lag.Add(absl::ToDoubleMilliseconds(absl::Now() - start));
  }
  loader.join();
  Sample p99;
  p99.Add(lag.Quantile(0.99));
  b.results.Add({"visible_p99_ms",
                 "receipt to visible total, the read included, p99 at half load, ms",
                 absl::StrFormat("p50 %.2f ms, load %s lines", lag.median(), Rate(rate / 2)), "",
                 p99, 10, 20, false});
}

}  // namespace fiscal::bench
