#include "services/rpc/status.h"

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "domain/reason.h"
#include "google/rpc/error_details.pb.h"

namespace fiscal::services::rpc {
namespace {

constexpr absl::string_view kTypes = "type.googleapis.com/";

template <typename Message>
void AddDetail(const Message& detail, google::rpc::Status* out) {
  google::protobuf::Any* any = out->add_details();
  any->set_type_url(absl::StrCat(kTypes, Message::descriptor()->full_name()));
  detail.SerializeToString(any->mutable_value());
}

}  // namespace

google::rpc::Status ToProto(const absl::Status& status) {
  google::rpc::Status out;
  domain::Explained e = domain::Explain(status);
  out.set_code(static_cast<int>(status.code()));
  out.set_message(e.refusal.message);
  google::rpc::ErrorInfo info;
  info.set_domain("fiscal");
  google::rpc::LocalizedMessage localized;
  localized.set_locale("zh-CN");
  if (!e.reason_known) {
    // Not one of ours: damage or a bug. What the engine says is for the log, not for the caller.
    if (!absl::IsCancelled(status) && !absl::IsDeadlineExceeded(status))
      logging::Error("an error that is not a refusal", {{"status", status.ToString()}});
    const bool damaged = absl::IsDataLoss(status);
    if (absl::IsCancelled(status) || absl::IsDeadlineExceeded(status) ||
        absl::IsUnavailable(status)) {
      info.set_reason(absl::IsUnavailable(status) ? "DRAINING"
                                                  : absl::StatusCodeToString(status.code()));
    } else {
      if (!damaged) out.set_code(static_cast<int>(absl::StatusCode::kInternal));
      out.set_message(damaged ? "stored bytes are damaged"
                              : "an internal error; the log has its cause");
      info.set_reason(damaged ? "STORAGE_DAMAGED" : "INTERNAL");
    }
    localized.set_message(damaged ? "存储的数据已损坏" : "系统内部错误");
    AddDetail(info, &out);
    AddDetail(localized, &out);
    return out;
  }
  info.set_reason(std::string(domain::InfoOf(e.refusal.reason).id));
  for (const auto& [key, value] : e.refusal.metadata) (*info.mutable_metadata())[key] = value;
  AddDetail(info, &out);
  if (!e.refusal.violations.empty()) {
    google::rpc::BadRequest bad;
    for (const domain::Violation& v : e.refusal.violations) {
      auto* field = bad.add_field_violations();
      field->set_field(v.field);
      field->set_description(absl::StrCat(
          domain::InfoOf(v.reason).id,
          v.line_id.empty() ? "" : absl::StrCat(" (line_id ", v.line_id, ")"), ": ", v.message));
    }
    AddDetail(bad, &out);
  }
  std::string zh(domain::InfoOf(e.refusal.reason).zh);
  for (size_t i = 0; i < e.refusal.violations.size() && i < 5; ++i) {
    const domain::Violation& v = e.refusal.violations[i];
    absl::StrAppend(&zh, i == 0 ? "：" : "；", v.field,
                    v.line_id.empty() ? "" : absl::StrCat("（行 ", v.line_id, "）"), " ",
                    domain::InfoOf(v.reason).zh);
  }
  localized.set_message(zh);
  AddDetail(localized, &out);
  return out;
}

std::string ReasonOf(const google::rpc::Status& status) {
  if (status.code() == 0) return "";
  for (const google::protobuf::Any& detail : status.details()) {
    google::rpc::ErrorInfo info;
    if (detail.UnpackTo(&info) && !info.reason().empty()) return info.reason();
  }
  return absl::StatusCodeToString(static_cast<absl::StatusCode>(status.code()));
}

std::string ReasonOf(const grpc::Status& status) {
  google::rpc::Status details;
  if (!status.ok() && details.ParseFromString(status.error_details()) && details.code() != 0)
    return ReasonOf(details);
  details.Clear();
  details.set_code(status.error_code());
  return ReasonOf(details);
}

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const google::rpc::Status proto = ToProto(status);
  return grpc::Status(static_cast<grpc::StatusCode>(proto.code()), proto.message(),
                      proto.SerializeAsString());
}

}  // namespace fiscal::services::rpc
