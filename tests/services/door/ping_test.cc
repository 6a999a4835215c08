// What a server of the API permits: a client may ping every 10 s, with calls open or without.
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/impl/server_builder_option.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "gtest/gtest.h"
#include "services/door/door.h"

namespace fiscal::services {
namespace {

// Sees the arguments that a server starts with.
class Seen : public grpc::ServerBuilderOption {
 public:
  explicit Seen(std::map<std::string, int>* seen) : seen_(seen) {}
  void UpdateArguments(grpc::ChannelArguments* arguments) override {
    const grpc_channel_args args = arguments->c_channel_args();
    for (size_t i = 0; i < args.num_args; ++i) {
      if (args.args[i].type == GRPC_ARG_INTEGER)
        (*seen_)[args.args[i].key] = args.args[i].value.integer;
    }
  }
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>*) override {}

 private:
  std::map<std::string, int>* seen_;
};

TEST(PingTest, EveryTenSecondsWithAndWithoutCalls) {
  grpc::ServerBuilder builder;
  grpc::CallbackGenericService service;
  builder.RegisterCallbackGenericService(&service);
  const Door::Taker taker = AddDoor(100, grpc::InsecureServerCredentials(), &builder);
  std::map<std::string, int> seen;
  builder.SetOption(std::make_unique<Seen>(&seen));
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  ASSERT_NE(server, nullptr);
  EXPECT_EQ(seen[GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS], 9000);
  EXPECT_EQ(seen[GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS], 1);
  EXPECT_EQ(seen[GRPC_ARG_MAX_CONCURRENT_STREAMS], 100);
  server->Shutdown();
}

}  // namespace
}  // namespace fiscal::services
