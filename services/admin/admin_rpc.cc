#include "services/admin/admin_rpc.h"

#include <atomic>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "domain/reason.h"
#include "domain/shapes.h"
#include "fiscal/admin/v1/admin_service.pb.h"
#include "services/ledger/moments.h"
#include "services/rpc/service.h"
#include "services/wire/text_wire.h"
#include "storage/record_codec.h"

namespace fiscal::services {
namespace {

namespace pb = fiscal::admin::v1;
using domain::Reason;

// Tells a long call whether its caller still waits.
class Waiting final : public rpc::Drainable {
 public:
  Waiting(const rpc::Call& call, rpc::DrainSignal& drain)
      : call_(call), drain_(drain), draining_(!drain.Add(this)) {}
  ~Waiting() override { drain_.Remove(this); }
  void OnDrain() override { draining_ = true; }

  std::function<bool()> Cancelled() {
    return [this] { return draining_ || call_.cancelled(); };
  }
  absl::Status Answer(const absl::Status& status) const {
    if (!absl::IsCancelled(status) || !draining_) return status;
    return domain::Refuse(domain::Reason::kDraining, "the process stops: ask again");
  }

 private:
  const rpc::Call& call_;
  rpc::DrainSignal& drain_;
  std::atomic<bool> draining_;
};

// A long call has a thread of gRPC's own, and does not hold up the callbacks of other services.
class AdminRpc final : public rpc::Service {
 public:
  AdminRpc(rpc::Calls& calls, AdminParts parts) : Service(calls), parts_(std::move(parts)) {
    Serve(&AdminRpc::GetStatus);
    Serve(&AdminRpc::Verify);
    Serve(&AdminRpc::Scrub);
    Serve(&AdminRpc::Quarantine);
    Serve(&AdminRpc::AcceptClock);
    Serve(&AdminRpc::RotateSigningKey);
  }

  absl::Status GetStatus(const rpc::Call&, const pb::GetStatusRequest*,
                         pb::GetStatusResponse* response) {
    parts_.status(response);
    return absl::OkStatus();
  }

  absl::Status RotateSigningKey(const rpc::Call& call, const pb::RotateSigningKeyRequest*,
                                pb::RotateSigningKeyResponse* response) {
    FISCAL_ASSIGN_OR_RETURN(
        const SigningKey key,
        parts_.signer.Rotate([&](const domain::KeyEvent& event) -> absl::Status {
          // A copy writes no events.
          if (parts_.committer == nullptr) return absl::OkStatus();
          FISCAL_ASSIGN_OR_RETURN(const domain::RequestReceipt receipt,
                                  parts_.committer->SubmitAndWait(
                                      call.key(), domain::KeyOrder{call.caller().principal, event},
                                      event.public_key_pem.size()));
          response->set_position(MomentOf(parts_.log, receipt.receipt).Text());
          return absl::OkStatus();
        }));
    response->set_public_key_pem(key.public_key_pem());
    return absl::OkStatus();
  }

  absl::Status Verify(const rpc::Call& call, const pb::VerifyRequest*,
                      pb::VerifyResponse* response) {
    if (parts_.verifier == nullptr) {
      return domain::Refuse(domain::Reason::kTotalsNotHere,
                            "this process keeps no totals: ask the aggregation process");
    }
    Waiting waiting(call, parts_.drain);
    const absl::StatusOr<VerifyResult> result = parts_.verifier->Run(waiting.Cancelled());
    if (!result.ok()) return waiting.Answer(result.status());
    response->set_ok(result->differences.empty());
    FISCAL_ASSIGN_OR_RETURN(const domain::Moment at, MomentAt(parts_.log, result->position));
    response->set_position(at.Text());
    response->set_event_count(result->event_count);
    response->set_line_count(result->line_count);
    response->set_cell_count(result->cell_count);
    response->set_pass_count(result->pass_count);
    for (const std::string& d : result->differences) response->add_differences(d);
    return absl::OkStatus();
  }

  absl::Status Scrub(const rpc::Call& call, const pb::ScrubRequest* request,
                     pb::ScrubResponse* response) {
    if (request->bytes_per_second() < 0) {
      return domain::Refuse(
          {{domain::Reason::kFieldNotAllowed, "bytes_per_second", "", "a rate is not negative"}});
    }
    Waiting waiting(call, parts_.drain);
    const absl::StatusOr<ScrubResult> result =
        parts_.scrubber.Run(request->bytes_per_second(), waiting.Cancelled());
    if (!result.ok()) return waiting.Answer(result.status());
    response->set_ok(result->damage.empty());
    response->set_bytes_read(result->bytes_read);
    response->set_event_count(result->event_count);
    for (const std::string& d : result->damage) response->add_findings(d);
    return absl::OkStatus();
  }

  absl::Status AcceptClock(const rpc::Call& call, const pb::AcceptClockRequest* request,
                           pb::AcceptClockResponse* response) {
    if (parts_.committer == nullptr) {
      return domain::Refuse(Reason::kNotTheWriter,
                            "this process copies the log: ask the submission process");
    }
    if (!domain::IsNote(request->note())) {
      return domain::Refuse({{Reason::kTextInvalid, "note", "", domain::kNoteShape}});
    }
    FISCAL_ASSIGN_OR_RETURN(
        const domain::RequestReceipt receipt,
        parts_.committer->SubmitAndWait(
            call.key(), domain::ClockOrder{call.caller().principal, request->note()},
            request->ByteSizeLong()));
    response->set_position(MomentOf(parts_.log, receipt.receipt).Text());
    response->set_created(receipt.receipt.result == domain::Result::kCreated);
    FISCAL_ASSIGN_OR_RETURN(const storage::LogEntry entry,
                            parts_.log.Read(receipt.receipt.position));
    FISCAL_ASSIGN_OR_RETURN(const domain::Event event, storage::DecodeRecord(entry.record));
    wire::ToTimestamp(event.header.commit_time_us, response->mutable_commit_time());
    if (response->created() && event.clock.before_us != 0)
      wire::ToTimestamp(event.clock.before_us, response->mutable_before_time());
    return absl::OkStatus();
  }

  absl::Status Quarantine(const rpc::Call& call, const pb::QuarantineRequest* request,
                          pb::QuarantineResponse* response) {
    if (parts_.committer == nullptr) {
      return domain::Refuse(Reason::kNotTheWriter,
                            "this process copies the log: ask the submission process");
    }
    domain::QuarantineOrder order;
    FISCAL_ASSIGN_OR_RETURN(const domain::Moment asked,
                            wire::ParsePosition(request->position(), "position"));
    if (request->reason().empty())
      return domain::Refuse(
          {{Reason::kRequiredFieldMissing, "reason", "", "a reason is required"}});
    if (!domain::IsNote(request->reason())) {
      return domain::Refuse({{Reason::kTextInvalid, "reason", "",
                              "a reason has at most 500 characters and no controls"}});
    }
    FISCAL_RETURN_IF_ERROR(CheckMoment(parts_.log, asked));
    order.position = asked.position();
    order.principal = call.caller().principal;
    order.reason = request->reason();
    if (parts_.projector != nullptr) order.stopped_at = parts_.projector->stopped_at();
    FISCAL_ASSIGN_OR_RETURN(
        const domain::RequestReceipt receipt,
        parts_.committer->SubmitAndWait(call.key(), std::move(order), request->ByteSizeLong()));
    response->set_position(MomentOf(parts_.log, receipt.receipt).Text());
    response->set_created(receipt.receipt.result == domain::Result::kCreated);
    return absl::OkStatus();
  }

 private:
  const AdminParts parts_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeAdminService(rpc::Calls& calls, AdminParts parts) {
  return std::make_unique<AdminRpc>(calls, std::move(parts));
}

}  // namespace fiscal::services
