#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "fiscal/submission/v1/submission_service.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "tests/bench/phases.h"

namespace fiscal::bench {

namespace sub = fiscal::submission::v1;
namespace {

Sample SyncCost(const Bench& b, bool rewrite) {
  const std::string path = b.directory + "/sync-probe";
  const int file = open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  char block[4096] = {};
  Sample sample = Latencies(300, [&](int i) {
    return pwrite(file, block, sizeof(block), rewrite ? 0 : int64_t{i} * 4096) == 4096 &&
           fdatasync(file) == 0;
  });
  close(file);
  std::filesystem::remove(path);
  return sample;
}

}  // namespace

void MeasureSingles(Bench& b) {
  const int rounds = b.options.quick ? 3 : 5;
  const size_t count = b.options.quick ? 8000 : 30000;
  Sample ours, echo, ratio, cpu;
  for (int round = 0; round < rounds; ++round) {
    const Frames frames = b.Make(static_cast<double>(count), 1);
    std::vector<sub::SubmitBudgetRequest> requests;
    for (const auto& f : frames) requests.push_back(f.budget());
    echo.Add(Unary(b.null->port(), requests, 256));
    const double before = b.server->cpu_seconds();
    ours.Add(Unary(b.server->port(), requests, 256));
    cpu.Add((b.server->cpu_seconds() - before) / static_cast<double>(count) * 1e6);
    ratio.Add(ours.values.back() / echo.values.back());
  }
  b.results.Add({"single_vs_echo", "single-line durable submits against unary echo, 256 in flight",
                 Rate(ours.median()), Rate(echo.median()), ratio, 0.52, 0.48, true});
  b.results.Note("server's processor time, single submits",
                 absl::StrFormat("%.1f µs a submit", cpu.median()));
  const Sample append = SyncCost(b, false), rewrite = SyncCost(b, true);
  // One at a time: what nobody shares a sync with waits for.
  const auto stub = sub::SubmissionService::NewStub(Connect(b.server->port()));
  const auto echo_stub = sub::SubmissionService::NewStub(Connect(b.null->port()));
  const Frames alone = b.Make(b.options.quick ? 300 : 1000, 1);
  auto submit = [&alone](sub::SubmissionService::Stub& to, int i) {
    grpc::ClientContext context;
    sub::SubmitBudgetResponse response;
    return to.SubmitBudget(&context, alone[static_cast<size_t>(i)].budget(), &response).ok();
  };
  const int singles = static_cast<int>(alone.size());
  const Sample echo_us = Latencies(singles, [&](int i) { return submit(*echo_stub, i); });
  const Sample submit_us = Latencies(singles, [&](int i) { return submit(*stub, i); });
  Sample alone_ratio;
  alone_ratio.Add(submit_us.median() / (append.median() + echo_us.median()));
  b.results.Add(
      {"single_alone",
       "single-line durable submit, one in flight, against one sync and an echo, p50",
       absl::StrFormat("%.0f µs (p99 %.0f)", submit_us.median(), submit_us.Quantile(0.99)),
       absl::StrFormat("%.0f + %.0f µs", append.median(), echo_us.median()), alone_ratio, 1.5, 0,
       false});
  b.results.Note("fdatasync of 4 KB on this disk, appended / rewritten in place, p50 (p99)",
                 absl::StrFormat("%.0f (%.0f) / %.0f (%.0f) µs", append.median(),
                                 append.Quantile(0.99), rewrite.median(), rewrite.Quantile(0.99)));
}

void MeasureAmendments(Bench& b) {
  const size_t count = b.options.quick ? 4000 : 15000;
  Sample ratio, small, large;
  std::vector<sub::SubmitBudgetRequest> statements(2);
  for (size_t k = 0; k < 2; ++k) {
    const int lines = k == 0 ? 100 : 100000;
    sub::SubmitBudgetRequest& whole = statements[k];
    const uint64_t n = b.next++;
    b.province.Fill(n, lines, 0, &whole);
    Unary(b.server->port(), {whole}, 1);
    b.lines += lines;
    b.wire_bytes += static_cast<double>(whole.ByteSizeLong());
  }
  int64_t amount = 1;
  for (int round = 0; round < 3; ++round) {
    double rates[2];
    for (size_t k = 0; k < 2; ++k) {
      const sub::SubmitBudgetRequest& whole = statements[k];
      std::vector<sub::SubmitBudgetRequest> patches(count);
      for (size_t i = 0; i < count; ++i) {
        sub::SubmitBudgetRequest& p = patches[i];
        p.set_request_id(absl::StrCat("patch-", k, "-", amount));
        *p.mutable_budget() = whole.budget();
        p.set_mode(sub::WRITE_MODE_PATCH);
        *p.add_line_items() = whole.line_items(
            static_cast<int>(i * 7919 % static_cast<size_t>(whole.line_items_size())));
        p.mutable_line_items(0)->set_amount_fen(amount++);
      }
      rates[k] = Unary(b.server->port(), patches, 64);
      (k == 0 ? small : large).Add(rates[k]);
    }
    ratio.Add(rates[0] / rates[1]);
  }
  b.results.Add(
      {"patch_100000_vs_100",
       "PATCH of one line, cost in a statement of 100,000 lines against one of 100, 64 in "
       "flight",
       Rate(large.median()), Rate(small.median()), ratio, 3, 0, false});
}

}  // namespace fiscal::bench
