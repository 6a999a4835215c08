#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "fiscal/aggregation/v1/aggregation_service.grpc.pb.h"
#include "fiscal/submission/v1/submission_service.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "tests/bench/phases.h"

namespace fiscal::bench {

namespace sub = fiscal::submission::v1;
namespace agg = fiscal::aggregation::v1;
namespace {

constexpr int kReaders = 16;

// Each on a connection of its own, pages through one budget again and again until it is destroyed.
class Readers {
 public:
  Readers(int port, const budget::v1::BudgetKey& budget, int page_size) {
    for (int r = 0; r < kReaders; ++r) {
      threads_.emplace_back([this, port, budget, page_size] {
        const auto stub = sub::SubmissionService::NewStub(Connect(port));
        sub::ListLineItemsRequest request;
        *request.mutable_budget() = budget;
        request.set_page_size(page_size);
        while (!stop_) {
          grpc::ClientContext context;
          sub::ListLineItemsResponse response;
          const grpc::Status status = stub->ListLineItems(&context, request, &response);
          if (!status.ok()) Die(absl::StrCat("a page: ", status.error_message()));
          request.set_page_token(response.next_page_token());
          ++pages_;
        }
      });
    }
    // All of them read.
    while (pages_ < 4 * kReaders) std::this_thread::yield();
  }
  ~Readers() {
    stop_ = true;
    for (std::thread& t : threads_) t.join();
  }
  int64_t pages() const { return pages_; }

 private:
  std::atomic<bool> stop_{false};
  std::atomic<int64_t> pages_{0};
  std::vector<std::thread> threads_;
};

budget::v1::BudgetKey Statement(Bench& b, int lines) {
  sub::SubmitBudgetRequest whole;
  b.province.Fill(b.next++, lines, 0, &whole);
  Unary(b.server->port(), {whole}, 1);
  b.lines += lines;
  b.wire_bytes += static_cast<double>(whole.ByteSizeLong());
  return whole.budget();
}

// Pages of 10 lines, each from another place of the budget.
Sample TenLines(const Bench& b, const budget::v1::BudgetKey& budget, int count) {
  const auto stub = sub::SubmissionService::NewStub(Connect(b.server->port()));
  sub::ListLineItemsRequest request;
  *request.mutable_budget() = budget;
  request.set_page_size(10);
  return Latencies(count, [&](int) {
    grpc::ClientContext context;
    sub::ListLineItemsResponse response;
    const bool ok = stub->ListLineItems(&context, request, &response).ok();
    request.set_page_token(response.next_page_token());
    return ok;
  });
}

// What single submits and point totals take, with readers beside them and without, in turns.
void MeasureBeside(Bench& b, const budget::v1::BudgetKey& large, int page_size) {
  const int rounds = 3, count = b.options.quick ? 200 : 600;
  const auto submits = sub::SubmissionService::NewStub(Connect(b.server->port()));
  const auto totals = agg::AggregationService::NewStub(Connect(b.server->port()));
  const agg::GetTotalRequest point = b.PointTotal();
  Sample submit[2], total[2], submit_ratio, total_ratio, rate;
  for (int round = 0; round < rounds; ++round) {
    Sample p50[2];
    for (const bool beside : {false, true}) {
      const Frames alone = b.Make(count, 1);
      std::unique_ptr<Readers> readers;
      if (beside) readers = std::make_unique<Readers>(b.server->port(), large, page_size);
      const absl::Time start = absl::Now();
      const int64_t pages = beside ? readers->pages() : 0;
      const Sample s = Latencies(count, [&](int i) {
        grpc::ClientContext context;
        sub::SubmitBudgetResponse response;
        return submits->SubmitBudget(&context, alone[static_cast<size_t>(i)].budget(), &response)
            .ok();
      });
      const Sample t = Latencies(count, [&](int) {
        grpc::ClientContext context;
        agg::GetTotalResponse response;
        return totals->GetTotal(&context, point, &response).ok();
      });
      if (beside) rate.Add(static_cast<double>(readers->pages() - pages) / SecondsSince(start));
      for (double v : s.values) submit[beside].Add(v);
      for (double v : t.values) total[beside].Add(v);
      p50[beside].values = {s.median(), t.median()};
    }
    submit_ratio.Add(p50[1].values[0] / p50[0].values[0]);
    total_ratio.Add(p50[1].values[1] / p50[0].values[1]);
  }
  const std::string beside =
      absl::StrFormat("%d readers page a budget of 100,000 lines by %d", kReaders, page_size);
  const auto say = [](const Sample& s) {
    return absl::StrFormat("%.0f µs (p99 %.0f)", s.median(), s.Quantile(0.99));
  };
  b.results.Add({absl::StrCat("submit_beside_pages_", page_size),
                 absl::StrCat("single-line submit while ", beside, ", against without them, p50"),
                 say(submit[1]), say(submit[0]), submit_ratio, 3, 0, false});
  b.results.Add({absl::StrCat("total_beside_pages_", page_size),
                 absl::StrCat("point total while ", beside, ", against without them, p50"),
                 say(total[1]), say(total[0]), total_ratio, 2, 0, false});
  b.results.Note(absl::StrCat(beside, ", pages a second"), absl::StrFormat("%.0f", rate.median()));
}

}  // namespace

void MeasurePages(Bench& b) {
  const budget::v1::BudgetKey small = Statement(b, 28), large = Statement(b, 100000);
  const int count = b.options.quick ? 500 : 2000;
  TenLines(b, large, 200);
  Sample ratio, of_small, of_large;
  for (int round = 0; round < 5; ++round) {
    const Sample s = TenLines(b, small, count / 5), l = TenLines(b, large, count / 5);
    ratio.Add(l.median() / s.median());
    for (double v : s.values) of_small.Add(v);
    for (double v : l.values) of_large.Add(v);
  }
  b.results.Add({"page_of_100000_vs_28",
                 "page of 10 lines, of a budget of 100,000 lines against one of 28, p50",
                 absl::StrFormat("%.0f µs (p99 %.0f)", of_large.median(), of_large.Quantile(0.99)),
                 absl::StrFormat("%.0f µs (p99 %.0f)", of_small.median(), of_small.Quantile(0.99)),
                 ratio, 3, 0, false});
  for (const int page_size : {10, 1000}) MeasureBeside(b, large, page_size);
}

}  // namespace fiscal::bench
