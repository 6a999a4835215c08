#include "services/ops/recovery_door.h"

#include <chrono>

#include "absl/strings/str_cat.h"
#include "domain/reason.h"
#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/grpcpp.h"
#include "grpcpp/health_check_service_interface.h"
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
  explicit RecoveryDoorImpl(std::function<std::string()> progress)
      : progress_(std::move(progress)) {}
  ~RecoveryDoorImpl() override {
    if (server_ == nullptr) return;
    server_->Shutdown(std::chrono::system_clock::now());
    server_->Wait();
  }

  absl::Status Listen(const std::string& listen,
                      std::shared_ptr<grpc::ServerCredentials> credentials,
                      const std::vector<std::string>& services) {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::ServerBuilder builder;
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.AddListeningPort(listen, std::move(credentials), &port_);
    builder.RegisterCallbackGenericService(this);
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port_ == 0)
      return absl::FailedPreconditionError(
          absl::StrCat("can't listen on ", listen, ": is the port in use?"));
    grpc::HealthCheckServiceInterface* health = server_->GetHealthCheckService();
    for (const std::string& service : services) health->SetServingStatus(service, false);
    health->SetServingStatus(false);
    return absl::OkStatus();
  }

  int port() const override { return port_; }

 private:
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override {
    return new Later(domain::Refuse(domain::Reason::kRecovering,
                                    absl::StrCat("the service recovers: ", progress_())));
  }

  const std::function<std::string()> progress_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<RecoveryDoor>> RecoveryDoor::Open(
    const std::string& listen, std::shared_ptr<grpc::ServerCredentials> credentials,
    const std::vector<std::string>& services, std::function<std::string()> progress) {
  auto door = std::make_unique<RecoveryDoorImpl>(std::move(progress));
  const absl::Status listening = door->Listen(listen, std::move(credentials), services);
  if (!listening.ok()) return listening;
  return std::unique_ptr<RecoveryDoor>(std::move(door));
}

}  // namespace fiscal::services
