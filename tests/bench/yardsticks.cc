#include "tests/bench/yardsticks.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "fiscal/submission/v1/submission_service.grpc.pb.h"
#include "google/protobuf/arena.h"
#include "grpcpp/grpcpp.h"
#include "services/rpc/raw.h"
#include "storage/rocks/rocks_kv.h"
#include "tests/bench/results.h"

namespace fiscal::bench {
namespace {

using grpc::ByteBuffer;
namespace sub = fiscal::submission::v1;
using Raw = sub::SubmissionService::WithRawCallbackMethod_SubmitBudget<
    sub::SubmissionService::WithRawCallbackMethod_StreamBudgets<sub::SubmissionService::Service>>;

class Sink final : public grpc::ServerBidiReactor<ByteBuffer, ByteBuffer> {
 public:
  explicit Sink(bool parse)
      : parse_(parse), answer_(services::rpc::ToBuffer(sub::StreamBudgetsResponse())) {
    StartRead(&frame_);
  }
  void OnReadDone(bool ok) override {
    if (ok && parse_) {
      const services::rpc::FlatBytes bytes(frame_);
      google::protobuf::Arena arena;
      auto* message = google::protobuf::Arena::CreateMessage<sub::StreamBudgetsRequest>(&arena);
      if (!message->ParseFromArray(bytes.view().data(), static_cast<int>(bytes.view().size())))
        std::abort();
    }
    absl::MutexLock lock(&mu_);
    if (!ok) {
      ended_ = true;
    } else {
      ++owed_;
      StartRead(&frame_);
    }
    Advance();
  }
  void OnWriteDone(bool) override {
    absl::MutexLock lock(&mu_);
    writing_ = false;
    Advance();
  }
  void OnDone() override { delete this; }

 private:
  void Advance() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (!writing_ && owed_ > 0) {
      --owed_;
      writing_ = true;
      StartWrite(&answer_);
    } else if (!writing_ && ended_) {
      Finish(grpc::Status::OK);
    }
  }
  const bool parse_;
  ByteBuffer frame_, answer_;
  absl::Mutex mu_;
  int owed_ ABSL_GUARDED_BY(mu_) = 0;
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
};

class NullService final : public Raw {
 public:
  explicit NullService(bool parse) : parse_(parse) {}
  grpc::ServerUnaryReactor* SubmitBudget(grpc::CallbackServerContext* context, const ByteBuffer*,
                                         ByteBuffer* response) override {
    *response = services::rpc::ToBuffer(sub::SubmitBudgetResponse());
    auto* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
  grpc::ServerBidiReactor<ByteBuffer, ByteBuffer>* StreamBudgets(
      grpc::CallbackServerContext*) override {
    return new Sink(parse_);
  }

 private:
  const bool parse_;
};

}  // namespace

int ServeNull(bool parse) {
  NullService service(parse);
  grpc::ServerBuilder builder;
  int port = 0;
  builder.SetMaxReceiveMessageSize(static_cast<int>(services::rpc::kUnaryBytesMax));
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  std::fprintf(stderr, "serving nothing on port %d\n", port);
  while (true) pause();
}

double WriteRaw(const std::string& directory, const std::vector<sub::StreamBudgetsRequest>& frames,
                size_t group) {
  std::filesystem::remove_all(directory);
  storage::RocksOptions options;
  options.path = directory;
  auto kv = storage::RocksKv::Open(options);
  std::vector<std::string> values;
  for (const auto& f : frames) values.push_back(f.SerializeAsString());
  const absl::Time start = absl::Now();
  storage::Batch batch;
  for (size_t i = 0; i < values.size(); ++i) {
    batch.Put(storage::Key::Encoded(absl::StrCat("k", absl::Dec(i, absl::kZeroPad8))),
              std::move(values[i]));
    if ((i + 1) % group != 0 && i + 1 != values.size()) continue;
    if (!(*kv)->Write(batch, /*sync=*/true).ok()) std::abort();
    batch.Clear();
  }
  const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
  kv->reset();
  std::filesystem::remove_all(directory);
  return seconds;
}

double ParseRate(const sub::SubmitBudgetRequest& budget) {
  const std::string bytes = budget.SerializeAsString();
  // The median of some runs: one falls into whatever the machine does at that moment.
  Sample rate;
  for (int run = 0; run < 9; ++run) {
    const absl::Time start = absl::Now();
    const int parses = 100;
    for (int i = 0; i < parses; ++i) {
      google::protobuf::Arena arena;
      if (!google::protobuf::Arena::CreateMessage<sub::SubmitBudgetRequest>(&arena)
               ->ParseFromString(bytes))
        std::abort();
    }
    rate.Add(parses * static_cast<double>(budget.line_items_size()) /
             absl::ToDoubleSeconds(absl::Now() - start));
  }
  return rate.median();
}

}  // namespace fiscal::bench
