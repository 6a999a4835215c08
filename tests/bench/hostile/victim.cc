#include "tests/bench/hostile/victim.h"

#include <cstdlib>
#include <functional>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "fiscal/aggregation/v1/aggregation_service.grpc.pb.h"
#include "fiscal/submission/v1/submission_service.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "tests/bench/watching.h"

namespace fiscal::bench {
namespace {

namespace agg = fiscal::aggregation::v1;
namespace sub = fiscal::submission::v1;

constexpr int kLines = 20;
constexpr absl::Duration kPatience = absl::Seconds(5);

agg::GetTotalRequest PointRead() {
  agg::GetTotalRequest request;
  request.mutable_filter()->set_division_code("140000");
  request.mutable_filter()->set_fiscal_year(Province::kYear);
  request.mutable_filter()->set_stage(budget::v1::STAGE_REQUESTED);
  request.mutable_filter()->set_direction(budget::v1::DIRECTION_EXPENDITURE);
  request.mutable_filter()->set_functional_code("2080505");
  return request;
}

grpc::Status Read(agg::AggregationService::Stub* stub, const agg::GetTotalRequest& request,
                  absl::Duration limit) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + limit));
  agg::GetTotalResponse response;
  return stub->GetTotal(&context, request, &response);
}

grpc::Status Submit(sub::SubmissionService::Stub* stub, const sub::SubmitBudgetRequest& request,
                    absl::Duration limit, sub::SubmitBudgetResponse* response) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + limit));
  return stub->SubmitBudget(&context, request, response);
}

}  // namespace

void Lived::Add(const Lived& more) {
  read_ms.values.insert(read_ms.values.end(), more.read_ms.values.begin(),
                        more.read_ms.values.end());
  submit_ms.values.insert(submit_ms.values.end(), more.submit_ms.values.begin(),
                          more.submit_ms.values.end());
  reads += more.reads;
  submits += more.submits;
  failed += more.failed;
  seconds += more.seconds;
  if (first_error.empty()) first_error = more.first_error;
}

Lived Victims::Live(int port, absl::Duration how_long, int readers, int submitters) const {
  Lived lived;
  absl::Mutex mu;
  const absl::Time start = absl::Now(), until = start + how_long;
  auto loop = [&](const std::function<grpc::Status()>& call, Sample* sample, int64_t* answered) {
    // The first call's time is the connection's too: where none can be made, that is what the
    // caller lives through.
    bool tried = false;
    for (absl::Time begun = start; begun < until || !tried; begun = absl::Now()) {
      tried = true;
      const grpc::Status status = call();
      const double ms = absl::ToDoubleMilliseconds(absl::Now() - begun);
      absl::MutexLock lock(&mu);
      sample->Add(ms);
      ++(status.ok() ? *answered : lived.failed);
      if (!status.ok() && lived.first_error.empty())
        lived.first_error = absl::StrCat(status.error_code(), " ", status.error_message());
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < readers; ++i) {
    threads.emplace_back([&] {
      const auto stub = agg::AggregationService::NewStub(ConnectTo(port));
      const agg::GetTotalRequest request = PointRead();
      loop([&] { return Read(stub.get(), request, kPatience); }, &lived.read_ms, &lived.reads);
    });
  }
  for (int i = 0; i < submitters; ++i) {
    threads.emplace_back([&] {
      const auto stub = sub::SubmissionService::NewStub(ConnectTo(port));
      sub::SubmitBudgetRequest request;
      loop(
          [&] {
            request.Clear();
            province_.Fill((*next_)++, kLines, 0, &request);
            sub::SubmitBudgetResponse response;
            return Submit(stub.get(), request, kPatience, &response);
          },
          &lived.submit_ms, &lived.submits);
    });
  }
  for (std::thread& thread : threads) thread.join();
  lived.seconds = absl::ToDoubleSeconds(absl::Now() - start);
  return lived;
}

std::string Victims::SubmitAndSee(int port, absl::Duration limit) const {
  const absl::Time until = absl::Now() + limit;
  const auto channel = ConnectTo(port);
  const auto submission = sub::SubmissionService::NewStub(channel);
  const auto totals = agg::AggregationService::NewStub(channel);
  sub::SubmitBudgetRequest request;
  province_.Fill((*next_)++, kLines, 0, &request);
  sub::SubmitBudgetResponse receipt;
  grpc::Status status = Submit(submission.get(), request, until - absl::Now(), &receipt);
  if (!status.ok()) return absl::StrCat("the statement: ", status.error_message());
  agg::GetTotalRequest question = PointRead();
  question.mutable_consistency()->set_at_least(receipt.position());
  status = Read(totals.get(), question, until - absl::Now());
  return status.ok() ? "" : absl::StrCat("its total: ", status.error_message());
}

}  // namespace fiscal::bench
