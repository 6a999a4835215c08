#include "services/admin/admin_rpc.h"

#include <atomic>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "domain/reason.h"
#include "domain/shapes.h"
#include "fiscal/admin/v1/admin_service.grpc.pb.h"
#include "services/ledger/answer/past_head.h"
#include "services/rpc/bounded_reads.h"
#include "services/rpc/status.h"
#include "services/wire/text_wire.h"

namespace fiscal::services {
namespace {

namespace pb = fiscal::admin::v1;
using domain::Reason;

// Tells a long call whether its caller still waits.
class Waiting final : public rpc::Drainable {
 public:
  Waiting(grpc::ServerContext& context, rpc::DrainSignal& drain)
      : context_(context), drain_(drain), draining_(!drain.Add(this)) {}
  ~Waiting() override { drain_.Remove(this); }
  void OnDrain() override { draining_ = true; }

  std::function<bool()> Cancelled() {
    return [this] { return draining_ || context_.IsCancelled(); };
  }
  grpc::Status Answer(const absl::Status& status) const {
    if (!absl::IsCancelled(status)) return rpc::ToGrpc(status);
    if (!draining_) return grpc::Status::CANCELLED;
    return rpc::ToGrpc(domain::Refuse(domain::Reason::kDraining, "the process stops: ask again"));
  }

 private:
  grpc::ServerContext& context_;
  rpc::DrainSignal& drain_;
  std::atomic<bool> draining_;
};

// Synchronous on purpose: a long call then has a thread of gRPC's own, and does not hold up the
// callbacks of other services.
class AdminRpc final : public rpc::BoundedReads<grpc::Service> {
 public:
  AdminRpc(rpc::Calls& calls, AdminParts parts)
      : calls_(calls, pb::AdminService::service_full_name()), parts_(std::move(parts)) {
    Bound(&AdminRpc::GetStatus);
    Bound(&AdminRpc::Verify);
    Bound(&AdminRpc::Scrub);
    Bound(&AdminRpc::Quarantine);
    Bound(&AdminRpc::RotateSigningKey);
  }

  grpc::Status GetStatus(grpc::ServerContext* context, const pb::GetStatusRequest*,
                         pb::GetStatusResponse* response) {
    const auto open = calls_.Open(*context, "GetStatus");
    if (!open.ok()) return rpc::ToGrpc(open.status());
    parts_.status(response);
    return grpc::Status::OK;
  }

  grpc::Status RotateSigningKey(grpc::ServerContext* context, const pb::RotateSigningKeyRequest*,
                                pb::RotateSigningKeyResponse* response) {
    const auto open = calls_.Open(*context, "RotateSigningKey");
    if (!open.ok()) return rpc::ToGrpc(open.status());
    const absl::StatusOr<SigningKey> key =
        parts_.signer.Rotate([&](const domain::KeyEvent& event) -> absl::Status {
          // A copy writes no events.
          if (parts_.committer == nullptr) return absl::OkStatus();
          FISCAL_ASSIGN_OR_RETURN(
              const domain::RequestReceipt receipt,
              parts_.committer->SubmitAndWait((*open)->caller().key(),
                                              domain::KeyOrder{(*open)->caller().principal, event},
                                              event.public_key_pem.size()));
          response->set_position(wire::FormatPosition(receipt.receipt.position));
          return absl::OkStatus();
        });
    if (!key.ok()) return rpc::ToGrpc(key.status());
    response->set_public_key_pem(key->public_key_pem());
    return grpc::Status::OK;
  }

  grpc::Status Verify(grpc::ServerContext* context, const pb::VerifyRequest*,
                      pb::VerifyResponse* response) {
    const auto open = calls_.Open(*context, "Verify");
    if (!open.ok()) return rpc::ToGrpc(open.status());
    if (parts_.verifier == nullptr) {
      return rpc::ToGrpc(
          domain::Refuse(domain::Reason::kTotalsNotHere,
                         "this process keeps no totals: ask the aggregation process"));
    }
    Waiting waiting(*context, parts_.drain);
    const absl::StatusOr<VerifyResult> result = parts_.verifier->Run(waiting.Cancelled());
    if (!result.ok()) return waiting.Answer(result.status());
    response->set_ok(result->differences.empty());
    response->set_position(wire::FormatPosition(result->position));
    response->set_event_count(result->event_count);
    response->set_line_count(result->line_count);
    response->set_cell_count(result->cell_count);
    response->set_pass_count(result->pass_count);
    for (const std::string& d : result->differences) response->add_differences(d);
    return grpc::Status::OK;
  }

  grpc::Status Quarantine(grpc::ServerContext* context, const pb::QuarantineRequest* request,
                          pb::QuarantineResponse* response) {
    const auto open = calls_.Open(*context, "Quarantine");
    if (!open.ok()) return rpc::ToGrpc(open.status());
    return rpc::ToGrpc(Decide(*request, (*open)->caller(), response));
  }

  grpc::Status Scrub(grpc::ServerContext* context, const pb::ScrubRequest* request,
                     pb::ScrubResponse* response) {
    const auto open = calls_.Open(*context, "Scrub");
    if (!open.ok()) return rpc::ToGrpc(open.status());
    if (request->bytes_per_second() < 0) {
      return rpc::ToGrpc(domain::Refuse(
          {{domain::Reason::kFieldNotAllowed, "bytes_per_second", "", "a rate is not negative"}}));
    }
    Waiting waiting(*context, parts_.drain);
    const absl::StatusOr<ScrubResult> result =
        parts_.scrubber.Run(request->bytes_per_second(), waiting.Cancelled());
    if (!result.ok()) return waiting.Answer(result.status());
    response->set_ok(result->damage.empty());
    response->set_bytes_read(result->bytes_read);
    response->set_event_count(result->event_count);
    for (const std::string& d : result->damage) response->add_findings(d);
    return grpc::Status::OK;
  }

 private:
  absl::Status Decide(const pb::QuarantineRequest& request, const rpc::Caller& caller,
                      pb::QuarantineResponse* response) {
    if (parts_.committer == nullptr) {
      return domain::Refuse(Reason::kNotTheWriter,
                            "this process copies the log: ask the submission process");
    }
    domain::QuarantineOrder order;
    FISCAL_ASSIGN_OR_RETURN(order.position, wire::ParsePosition(request.position()));
    if (request.reason().empty())
      return domain::Refuse(
          {{Reason::kRequiredFieldMissing, "reason", "", "a reason is required"}});
    if (!domain::IsNote(request.reason())) {
      return domain::Refuse({{Reason::kTextInvalid, "reason", "",
                              "a reason has at most 500 characters and no controls"}});
    }
    if (order.position > parts_.log.head().position)
      return PastHead(parts_.log, absl::StrCat("the log ends at ", parts_.log.head().position));
    order.principal = caller.principal;
    order.reason = request.reason();
    if (parts_.projector != nullptr) order.stopped_at = parts_.projector->stopped_at();
    FISCAL_ASSIGN_OR_RETURN(
        const domain::RequestReceipt receipt,
        parts_.committer->SubmitAndWait(caller.key(), std::move(order), request.ByteSizeLong()));
    response->set_position(wire::FormatPosition(receipt.receipt.position));
    response->set_created(receipt.receipt.result == domain::Result::kCreated);
    return absl::OkStatus();
  }

  const rpc::ServiceCalls calls_;
  const AdminParts parts_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeAdminService(rpc::Calls& calls, AdminParts parts) {
  return std::make_unique<AdminRpc>(calls, std::move(parts));
}

}  // namespace fiscal::services
