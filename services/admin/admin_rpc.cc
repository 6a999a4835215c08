#include "services/admin/admin_rpc.h"

#include "domain/reason.h"
#include "fiscal/admin/v1/admin_service.grpc.pb.h"
#include "services/admin/verify.h"
#include "services/rpc/status.h"
#include "services/wire/text_wire.h"

namespace fiscal::services {
namespace {

namespace pb = fiscal::admin::v1;

class AdminRpc final : public pb::AdminService::Service {
 public:
  AdminRpc(const Projector* projector, std::function<void(pb::GetStatusResponse*)> status)
      : projector_(projector), status_(std::move(status)) {}

  grpc::Status GetStatus(grpc::ServerContext*, const pb::GetStatusRequest*,
                         pb::GetStatusResponse* response) override {
    status_(response);
    return grpc::Status::OK;
  }

  // Synchronous on purpose: it takes long, and gRPC gives it a thread of its own.
  grpc::Status Verify(grpc::ServerContext*, const pb::VerifyRequest*,
                      pb::VerifyResponse* response) override {
    if (projector_ == nullptr) {
      return rpc::ToGrpc(
          domain::Refuse(domain::Reason::kTotalsNotHere,
                         "this process keeps no totals: ask the aggregation process"));
    }
    const absl::StatusOr<VerifyResult> result = services::Verify(*projector_);
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
  const Projector* const projector_;
  const std::function<void(pb::GetStatusResponse*)> status_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeAdminService(
    const Projector* projector, std::function<void(pb::GetStatusResponse*)> status) {
  return std::make_unique<AdminRpc>(projector, std::move(status));
}

}  // namespace fiscal::services
