#include "tests/bench/hostile/sink.h"

#include <unistd.h>

#include <cstdio>
#include <memory>

#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/grpcpp.h"
#include "services/rpc/raw.h"

namespace fiscal::bench {
namespace {

class SinkCall final : public grpc::ServerGenericBidiReactor {
 public:
  SinkCall() { StartRead(&bytes_); }
  void OnReadDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    bytes_.Clear();
    StartRead(&bytes_);
  }
  void OnDone() override { delete this; }

 private:
  grpc::ByteBuffer bytes_;
};

class SinkService final : public grpc::CallbackGenericService {
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override {
    return new SinkCall;
  }
};

}  // namespace

int ServeSink() {
  SinkService service;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.SetMaxReceiveMessageSize(static_cast<int>(services::rpc::kUnaryBytesMax));
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterCallbackGenericService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  std::fprintf(stderr, "serving nothing on port %d\n", port);
  while (true) pause();
}

}  // namespace fiscal::bench
