#include "clients/cli/shell/context.h"

#include <iostream>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/text.h"
#include "base/tls_files.h"
#include "base/trace_context.h"
#include "clients/cli/print/json.h"
#include "clients/cli/shell/transport_fault.h"

namespace fiscal::cli {
namespace {

std::string CodeName(grpc::StatusCode code) {
  return absl::StatusCodeToString(static_cast<absl::StatusCode>(code));
}

}  // namespace

client::Connection& Context::connection() {
  if (made == nullptr) {
    client::Connection::Options options;
    options.server = server;
    options.tls = tls;
    options.traceparent = traceparent;
    options.call_timeout = absl::Seconds(timeout_seconds);
    made = std::make_unique<client::Connection>(options);
  }
  return *made;
}

void Context::Print(const Json& value) const {
  output == "yaml" ? PrintYaml(value, std::cout) : PrintLine(value, std::cout);
}

void Context::Print(const google::protobuf::Message& message) const {
  if (output == "yaml") {
    PrintYaml(FieldsOf(message, /*every_field=*/true), std::cout);
  } else {
    std::cout << MessageLine(message, /*every_field=*/true) << "\n";
  }
}

std::string WrongConnection(const Context& context) {
  for (const absl::Status& status :
       {CheckAuthorities({"--tls-ca", context.tls.ca_file}),
        CheckCertificate({"--tls-certificate", context.tls.certificate_file},
                         {"--tls-key", context.tls.key_file})}) {
    if (!status.ok()) return std::string(status.message());
  }
  TraceContext trace;
  if (!context.traceparent.empty() && !ParseTraceparent(context.traceparent, &trace)) {
    return absl::StrCat("--traceparent ", Shown(context.traceparent),
                        ": must be as W3C says, 00-<32 digits>-<16 digits>-01, hexadecimal");
  }
  return "";
}

int ExitCodeOf(grpc::StatusCode code) {
  switch (code) {
    case grpc::OK:
      return kOk;
    case grpc::INVALID_ARGUMENT:
    case grpc::FAILED_PRECONDITION:
    case grpc::OUT_OF_RANGE:
      return kRejected;
    case grpc::NOT_FOUND:
      return kNotFound;
    case grpc::ABORTED:
    case grpc::ALREADY_EXISTS:
      return kConflict;
    case grpc::UNAVAILABLE:
    case grpc::DEADLINE_EXCEEDED:
    case grpc::RESOURCE_EXHAUSTED:
      return kUnavailable;
    case grpc::PERMISSION_DENIED:
    case grpc::UNAUTHENTICATED:
      return kDenied;
    default:
      return kFailure;
  }
}

int Report(const Context& context, const client::Error& error) {
  std::cerr << "fiscal: " << (error.reason.empty() ? CodeName(error.code) : error.reason) << ": "
            << error.message << "\n";
  if (!error.message_zh.empty()) std::cerr << "  " << error.message_zh << "\n";
  for (const auto& v : error.violations)
    std::cerr << "  " << v.field << ": " << v.description << "\n";
  const auto omitted = error.metadata.find("violations_omitted");
  if (omitted != error.metadata.end()) std::cerr << "  and " << omitted->second << " more\n";
  if (context.json()) {
    Json told = {{"code", CodeName(error.code)},
                 {"reason", error.reason},
                 {"message", error.message},
                 {"message_zh", error.message_zh},
                 {"violations", JsonList(error.violations, [](const client::Error::Violation& v) {
                    return Json{{"field", v.field},
                                {"description", v.description},
                                {"reason", v.reason},
                                {"message_zh", v.message_zh}};
                  })}};
    if (omitted != error.metadata.end()) told["violations_omitted"] = omitted->second;
    context.Print(Json{{"error", told}});
  }
  return error.reason == "MESSAGE_TOO_LARGE" ? kRejected : ExitCodeOf(error.code);
}

int Report(const Context& context, const grpc::Status& status) {
  client::Error error = client::ToError(status);
  if (error.reason.empty() && error.violations.empty()) {
    const TransportFault fault = TransportFaultOf(status);
    error.reason = fault.reason;
    if (!fault.next.empty()) {
      error.message = absl::StrCat(absl::StripSuffix(error.message, "."), "; ", fault.next);
    }
    error.message_zh = fault.message_zh;
  }
  return Report(context, error);
}

int Usage(const std::string& message) {
  std::cerr << "fiscal: " << message << "\n";
  return kUsage;
}

}  // namespace fiscal::cli
