#include "services/admin/admin_rpc.h"

#include "fiscal/admin/v1/admin_service.grpc.pb.h"
#include "services/admin/verify.h"
#include "services/rpc/status.h"
#include "services/wire/text_wire.h"

namespace fiscal::services {
namespace {

namespace pb = fiscal::admin::v1;

class AdminRpc final : public pb::AdminService::Service {
 public:
  explicit AdminRpc(const Projector& projector) : projector_(projector) {}

  // Synchronous on purpose: it takes long, and gRPC gives it a thread of its own.
  grpc::Status Verify(grpc::ServerContext*, const pb::VerifyRequest*,
                      pb::VerifyResponse* response) override {
    const absl::StatusOr<VerifyResult> result = services::Verify(projector_);
    if (!result.ok()) return rpc::ToGrpc(result.status());
    response->set_ok(result->differences.empty());
    response->set_position(wire::FormatPosition(result->position));
    response->set_event_count(result->event_count);
    response->set_line_count(result->line_count);
    response->set_cell_count(result->cell_count);
    for (const std::string& d : result->differences) response->add_differences(d);
    return grpc::Status::OK;
  }

 private:
  const Projector& projector_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeAdminService(const Projector& projector) {
  return std::make_unique<AdminRpc>(projector);
}

}  // namespace fiscal::services
