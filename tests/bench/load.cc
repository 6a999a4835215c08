#include "tests/bench/load.h"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "fiscal/submission/v1/submission_service.grpc.pb.h"

namespace fiscal::bench {

namespace sub = fiscal::submission::v1;

constexpr int kStreams = Province::kStreams;

void Die(const std::string& what) {
  std::fprintf(stderr, "fiscal-bench: %s\n", what.c_str());
  std::exit(1);
}

double SecondsSince(absl::Time start) { return absl::ToDoubleSeconds(absl::Now() - start); }

std::shared_ptr<grpc::Channel> Connect(int port) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxSendMessageSize(16 << 20);
  auto channel = grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", port),
                                           grpc::InsecureChannelCredentials(), arguments);
  channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(10));
  return channel;
}

double Stream(int port, const Frames& frames, double rate) {
  const auto channel = Connect(port);
  const absl::Time start = absl::Now();
  std::atomic<int64_t> sent{0};
  std::vector<std::thread> threads;
  for (size_t s = 0; s < kStreams; ++s) {
    threads.emplace_back([&, s] {
      const auto stub = sub::SubmissionService::NewStub(channel);
      grpc::ClientContext context;
      auto stream = stub->StreamBudgets(&context);
      std::thread reader([&] {
        sub::StreamBudgetsResponse response;
        while (stream->Read(&response)) {
          if (response.has_error())
            Die(absl::StrCat("a budget was refused: ", response.error().message()));
        }
      });
      for (size_t i = s; i < frames.size(); i += kStreams) {
        if (rate > 0) {
          const int64_t before = sent.fetch_add(frames[i].budget().line_items_size());
          absl::SleepFor(start + absl::Seconds(static_cast<double>(before) / rate) - absl::Now());
        }
        if (!stream->Write(frames[i])) break;
      }
      stream->WritesDone();
      reader.join();
      const grpc::Status status = stream->Finish();
      if (!status.ok()) Die(absl::StrCat("stream: ", status.error_message()));
    });
  }
  for (std::thread& t : threads) t.join();
  return SecondsSince(start);
}

double Unary(int port, const std::vector<sub::SubmitBudgetRequest>& requests, int in_flight,
             Sample* latency) {
  const auto channel = Connect(port);
  const auto stub = sub::SubmissionService::NewStub(channel);
  struct Call {
    grpc::ClientContext context;
    sub::SubmitBudgetResponse response;
    absl::Time start;
  };
  absl::Mutex mu;
  size_t next = 0, done = 0;
  std::function<void()> launch = [&] {
    size_t i;
    {
      absl::MutexLock lock(&mu);
      if (next == requests.size()) return;
      i = next++;
    }
    auto* call = new Call;
    call->start = absl::Now();
    stub->async()->SubmitBudget(
        &call->context, &requests[i], &call->response, [&, call](grpc::Status status) {
          if (!status.ok()) Die(absl::StrCat("submit: ", status.error_message()));
          const double ms = absl::ToDoubleMilliseconds(absl::Now() - call->start);
          delete call;
          launch();
          absl::MutexLock lock(&mu);
          if (latency != nullptr) latency->Add(ms);
          ++done;
        });
  };
  const absl::Time start = absl::Now();
  for (int i = 0; i < in_flight; ++i) launch();
  absl::MutexLock lock(&mu);
  auto all = [&] { return done == requests.size(); };
  mu.Await(absl::Condition(&all));
  return static_cast<double>(requests.size()) / SecondsSince(start);
}

Sample Latencies(int count, const std::function<bool(int)>& call) {
  Sample sample;
  for (int i = 0; i < count; ++i) {
    const absl::Time start = absl::Now();
    if (!call(i)) Die("a call failed");
    sample.Add(absl::ToDoubleMicroseconds(absl::Now() - start));
  }
  return sample;
}

std::string Rate(double per_second) {
  return per_second >= 1e6 ? absl::StrFormat("%.2f M/s", per_second / 1e6)
                           : absl::StrFormat("%.0f/s", per_second);
}

}  // namespace fiscal::bench
