#include "services/rpc/status.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/text.h"
#include "domain/reason.h"
#include "google/rpc/error_details.pb.h"

namespace fiscal::services::rpc {
namespace {

using domain::Explained;
using domain::Reason;

constexpr absl::string_view kTypes = "type.googleapis.com/";
constexpr absl::string_view kDomain = "fiscal";
constexpr absl::string_view kLocale = "zh-CN";
// ErrorInfo.metadata: how many violations are left out.
constexpr absl::string_view kOmittedKey = "violations_omitted";

// Bytes that grpc-message and grpc-status-details-bin may take together. Clients (gRPC in C++ and
// Java) take 8 KB of trailers; the rest is for names, other trailers and 32 bytes that HTTP/2 adds
// to each.
constexpr size_t kTrailersMax = 7 << 10;
// Of an answer that is cut to that. With both, and what domain::ToStatus leaves of metadata, there
// is always room for an answer without violations.
constexpr size_t kMessageMax = 2 << 10;
constexpr size_t kLocalizedMax = 1 << 10;
// Of bounds that are free again when other calls end.
constexpr absl::Duration kRetryAfter = absl::Seconds(1);
// Violations that the Chinese message names.
constexpr size_t kLocalizedViolations = 5;

template <typename Message>
void AddDetail(const Message& detail, google::rpc::Status* out) {
  google::protobuf::Any* any = out->add_details();
  any->set_type_url(absl::StrCat(kTypes, Message::descriptor()->full_name()));
  detail.SerializeToString(any->mutable_value());
}

google::rpc::LocalizedMessage Chinese(std::string text) {
  google::rpc::LocalizedMessage message;
  message.set_locale(std::string(kLocale));
  message.set_message(std::move(text));
  return message;
}

// A byte in grpc-message, where all but printable ASCII is written as three characters.
size_t PercentEncoded(char c) { return c >= ' ' && c <= '~' && c != '%' ? 1 : 3; }

size_t PercentEncoded(absl::string_view text) {
  size_t size = 0;
  for (const char c : text) size += PercentEncoded(c);
  return size;
}

// `text`, or as much of its beginning as takes `encoded_max` in grpc-message, and "...".
std::string CutEncoded(std::string text, size_t encoded_max) {
  size_t end = 0, encoded = 0;
  for (; end < text.size(); ++end) {
    encoded += PercentEncoded(text[end]);
    if (encoded > encoded_max) break;
  }
  return Cut(std::move(text), end);
}

// Bytes of a status in trailers, where its details are base64.
size_t TrailerBytes(const google::rpc::Status& status) {
  return PercentEncoded(status.message()) + (status.ByteSizeLong() + 2) / 3 * 4;
}

std::string ChineseOf(const domain::Violation& v) {
  return v.message_zh.empty() ? std::string(domain::InfoOf(v.reason).zh) : v.message_zh;
}

google::rpc::BadRequest::FieldViolation FieldViolation(const domain::Violation& violation) {
  const domain::ReasonInfo& info = domain::InfoOf(violation.reason);
  google::rpc::BadRequest::FieldViolation out;
  out.set_field(violation.field);
  out.set_description(absl::StrCat(
      info.id, violation.line_id.empty() ? "" : absl::StrCat(" (line_id ", violation.line_id, ")"),
      ": ", violation.message));
  out.set_reason(std::string(info.id));
  *out.mutable_localized_message() = Chinese(ChineseOf(violation));
  return out;
}

std::string ChineseText(const domain::Refusal& refusal) {
  // With what was sent, where that is said; else what the reason always means.
  if (!refusal.message_zh.empty()) return refusal.message_zh;
  std::string zh(domain::InfoOf(refusal.reason).zh);
  for (size_t i = 0; i < refusal.violations.size() && i < kLocalizedViolations; ++i) {
    const domain::Violation& v = refusal.violations[i];
    absl::StrAppend(&zh, i == 0 ? "：" : "；", v.field,
                    v.line_id.empty() ? "" : absl::StrCat("（行 ", v.line_id, "）"), " ",
                    ChineseOf(v));
  }
  return zh;
}

// After how long what was refused may be sent again as it is; zero where waiting does not help.
absl::Duration RetryAfter(const domain::Refusal& refusal) {
  switch (refusal.reason) {
    case Reason::kQueueFull:
    case Reason::kMemoryFull:
    case Reason::kCallsTooMany:
    case Reason::kWatchersTooMany:
      return kRetryAfter;
    default:
      return refusal.retry_after;
  }
}

// The refusal with its first `shown` violations, and at most so many bytes of Chinese. `code` is
// the status', which a read may change.
google::rpc::Status Tell(absl::StatusCode code, const domain::Refusal& refusal, size_t shown,
                         size_t localized_max = std::string::npos) {
  google::rpc::Status out;
  out.set_code(static_cast<int>(code));
  out.set_message(refusal.message);
  google::rpc::ErrorInfo info;
  info.set_domain(std::string(kDomain));
  info.set_reason(std::string(domain::InfoOf(refusal.reason).id));
  for (const auto& [key, value] : refusal.metadata) (*info.mutable_metadata())[key] = value;
  if (shown < refusal.violations.size()) {
    (*info.mutable_metadata())[std::string(kOmittedKey)] =
        absl::StrCat(refusal.violations.size() - shown);
  }
  AddDetail(info, &out);
  if (shown > 0) {
    google::rpc::BadRequest bad;
    for (size_t i = 0; i < shown; ++i)
      *bad.add_field_violations() = FieldViolation(refusal.violations[i]);
    AddDetail(bad, &out);
  }
  AddDetail(Chinese(Cut(ChineseText(refusal), localized_max)), &out);
  const int64_t delay_ms = absl::ToInt64Milliseconds(RetryAfter(refusal));
  if (delay_ms > 0) {
    google::rpc::RetryInfo retry;
    retry.mutable_retry_delay()->set_seconds(delay_ms / 1000);
    retry.mutable_retry_delay()->set_nanos(static_cast<int32_t>(delay_ms % 1000) * 1000000);
    AddDetail(retry, &out);
  }
  return out;
}

// The refusal with as many of its violations as fit into trailers.
google::rpc::Status TellInTrailers(absl::StatusCode code, domain::Refusal refusal) {
  refusal.message = CutEncoded(std::move(refusal.message), kMessageMax);
  // The more are shown the longer it is: halve what may be the most.
  size_t fits = 0, most = refusal.violations.size();
  while (fits < most) {
    const size_t shown = (fits + most + 1) / 2;
    if (TrailerBytes(Tell(code, refusal, shown, kLocalizedMax)) <= kTrailersMax) {
      fits = shown;
    } else {
      most = shown - 1;
    }
  }
  return Tell(code, refusal, fits, kLocalizedMax);
}

// The explanation that the caller gets. A status that is none of our refusals is damage or a bug:
// the engine's text goes to the log and not to the caller.
Explained ExplainToCaller(const absl::Status& status, absl::StatusCode* code) {
  Explained e = domain::Explain(status);
  *code = status.code();
  if (e.reason_known) return e;
  const bool ended = absl::IsCancelled(status) || absl::IsDeadlineExceeded(status);
  if (!ended) logging::Error("an error that is not a refusal", {{"status", status.ToString()}});
  if (absl::IsDataLoss(status)) {
    e.refusal.reason = Reason::kStorageDamaged;
    e.refusal.message = "stored bytes are damaged";
  } else if (ended || absl::IsUnavailable(status)) {
    e.refusal.reason = absl::IsCancelled(status)     ? Reason::kCancelled
                       : absl::IsUnavailable(status) ? Reason::kDraining
                                                     : Reason::kDeadlineExceeded;
  } else {
    *code = absl::StatusCode::kInternal;
    e.refusal.reason = Reason::kInternal;
    e.refusal.message = "an internal error; the log has its cause";
  }
  return e;
}

}  // namespace

google::rpc::Status ToProto(const absl::Status& status) {
  absl::StatusCode code = absl::StatusCode::kOk;
  const Explained e = ExplainToCaller(status, &code);
  return Tell(code, e.refusal, e.refusal.violations.size());
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
  absl::StatusCode code = absl::StatusCode::kOk;
  Explained e = ExplainToCaller(status, &code);
  google::rpc::Status proto = Tell(code, e.refusal, e.refusal.violations.size());
  if (TrailerBytes(proto) > kTrailersMax) proto = TellInTrailers(code, std::move(e.refusal));
  return grpc::Status(static_cast<grpc::StatusCode>(proto.code()), proto.message(),
                      proto.SerializeAsString());
}

}  // namespace fiscal::services::rpc
