#include "tests/bench/yardsticks.h"

#include "absl/synchronization/mutex.h"
#include "fiscal/submission/v1/submission_service.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "services/rpc/raw.h"

namespace fiscal::bench {
namespace {

using grpc::ByteBuffer;
namespace sub = fiscal::submission::v1;
using Generated = sub::SubmissionService::WithRawCallbackMethod_SubmitBudget<
    sub::SubmissionService::WithRawCallbackMethod_StreamBudgets<sub::SubmissionService::Service>>;

class Sink final : public grpc::ServerBidiReactor<ByteBuffer, ByteBuffer> {
 public:
  Sink() {
    answer_ = services::rpc::ToBuffer(sub::StreamBudgetsResponse());
    StartRead(&frame_);
  }
  void OnReadDone(bool ok) override {
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
  ByteBuffer frame_, answer_;
  absl::Mutex mu_;
  int owed_ ABSL_GUARDED_BY(mu_) = 0;
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
};

class NullService final : public Generated {
 public:
  grpc::ServerUnaryReactor* SubmitBudget(grpc::CallbackServerContext* context, const ByteBuffer*,
                                         ByteBuffer* response) override {
    *response = services::rpc::ToBuffer(sub::SubmitBudgetResponse());
    auto* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
  grpc::ServerBidiReactor<ByteBuffer, ByteBuffer>* StreamBudgets(
      grpc::CallbackServerContext*) override {
    return new Sink();
  }
};

class NullServerImpl final : public NullServer {
 public:
  NullServerImpl() {
    grpc::ServerBuilder builder;
    builder.SetMaxReceiveMessageSize(static_cast<int>(services::rpc::kUnaryBytesMax));
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
  }
  ~NullServerImpl() override {
    server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(1));
  }
  int port() const override { return port_; }

 private:
  int port_ = 0;
  NullService service_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace

std::unique_ptr<NullServer> NullServer::Start() { return std::make_unique<NullServerImpl>(); }

}  // namespace fiscal::bench
