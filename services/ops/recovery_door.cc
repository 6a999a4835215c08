#include "services/ops/recovery_door.h"

#include <chrono>

#include "absl/strings/str_cat.h"
#include "domain/reason.h"
#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/grpcpp.h"
#include "grpcpp/health_check_service_interface.h"
#include "services/door/message_counter.h"
#include "services/rpc/status.h"

namespace fiscal::services {
namespace {

class Later final : public grpc::ServerGenericBidiReactor {
 public:
  explicit Later(const absl::Status& status) { Finish(rpc::ToGrpc(status)); }
  void OnDone() override { delete this; }
};

class RecoveryDoorImpl final : public RecoveryDoor, private grpc::CallbackGenericService {
 public:
  RecoveryDoorImpl(Door& door, std::function<std::string()> progress)
      : door_(door), progress_(std::move(progress)) {}
  ~RecoveryDoorImpl() override {
    door_.HandTo(nullptr);
    if (server_ == nullptr) return;
    server_->Shutdown(std::chrono::system_clock::now());
    server_->Wait();
  }

  absl::Status Start(int64_t streams_max, std::shared_ptr<grpc::ServerCredentials> credentials,
                     const std::vector<std::string>& services) {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::ServerBuilder builder;
    Door::Taker taker = AddDoor(streams_max, std::move(credentials), &builder);
    std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> creators;
    creators.push_back(MakeMessageCounter(door_));
    builder.experimental().SetInterceptorCreators(std::move(creators));
    builder.RegisterCallbackGenericService(this);
    server_ = builder.BuildAndStart();
    if (server_ == nullptr) return absl::InternalError("gRPC's server does not start");
    grpc::HealthCheckServiceInterface* health = server_->GetHealthCheckService();
    for (const std::string& service : services) health->SetServingStatus(service, false);
    health->SetServingStatus(false);
    door_.HandTo(std::move(taker));
    return absl::OkStatus();
  }

 private:
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override {
    return new Later(domain::Refuse(domain::Reason::kRecovering,
                                    absl::StrCat("the service recovers: ", progress_())));
  }

  Door& door_;
  const std::function<std::string()> progress_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<RecoveryDoor>> RecoveryDoor::Open(
    Door& door, int64_t streams_max, std::shared_ptr<grpc::ServerCredentials> credentials,
    const std::vector<std::string>& services, std::function<std::string()> progress) {
  auto recovery = std::make_unique<RecoveryDoorImpl>(door, std::move(progress));
  const absl::Status started = recovery->Start(streams_max, std::move(credentials), services);
  if (!started.ok()) return started;
  return std::unique_ptr<RecoveryDoor>(std::move(recovery));
}

}  // namespace fiscal::services
