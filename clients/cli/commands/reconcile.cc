// fiscal reconcile: compares an upstream with what was taken over from it, and checks certificates
// of that.
#include <chrono>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "clients/cli/commands/certificate.h"
#include "clients/cli/print/json.h"
#include "clients/cli/read/names.h"
#include "clients/cli/shell/context.h"
#include "fiscal/federation/v1/federation_service.grpc.pb.h"
#include "google/protobuf/util/json_util.h"

namespace fiscal::cli {
namespace {

namespace fed = fiscal::federation::v1;

// All digests of a province are compared, so a call may take longer than others.
constexpr std::chrono::minutes kDeadline(10);

struct Flags {
  std::string upstream, out, check, public_key;
};

std::optional<std::string> ReadFile(const std::string& name) {
  std::ifstream file(name, std::ios::binary);
  if (!file) return std::nullopt;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

bool WriteFile(const std::string& name, const std::string& text) {
  std::ofstream file(name, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  return file.good();
}

int Reconcile(Context& context, const Flags& f) {
  const auto stub = fed::FederationService::NewStub(context.connection().channel());
  fed::ReconcileRequest request;
  request.set_upstream(f.upstream);
  fed::ReconcileResponse r;
  const auto deadline = std::chrono::system_clock::now() + kDeadline;
  const grpc::Status status = context.connection().Call(
      [&](grpc::ClientContext* c) {
        c->set_deadline(deadline);
        return stub->Reconcile(c, request, &r);
      },
      /*deadline=*/false);
  if (!status.ok()) return Report(context, status);
  const fed::Certificate& certificate = r.certificate();
  bool written = true;
  if (!f.out.empty()) {
    written = r.has_certificate() &&
              WriteFile(f.out, MessageLine(certificate, /*every_field=*/false) + "\n");
    if (!written) {
      std::cerr << "fiscal: "
                << (r.has_certificate() ? f.out + ": can't be written"
                                        : "the server gave no certificate")
                << "\n";
    }
  }
  if (context.json()) {
    context.Print(r);
  } else {
    std::cout << f.upstream << ": " << (r.equal() ? "equal" : "DIFFERENT") << " at position "
              << certificate.upstream_position() << " of its log, " << certificate.position()
              << " of this one; " << r.call_count() << " calls\n";
    if (!r.equal()) {
      std::cout << "  first difference: " << r.difference() << "\n  upstream "
                << FormatYuan(r.upstream_fen()) << " 元, here " << FormatYuan(r.local_fen())
                << " 元\n";
    }
  }
  if (!r.equal()) return kRejected;
  return written ? kOk : kFailure;
}

int Refuse(const Context& context, const std::string& reason, const std::string& message,
           const std::string& message_zh) {
  client::Error error;
  error.code = grpc::StatusCode::INVALID_ARGUMENT;
  error.reason = reason;
  error.message = message;
  error.message_zh = message_zh;
  return Report(context, error);
}

// Without a server. The exit code is about the signature; whether the two sides were equal is
// printed.
int Check(Context& context, const Flags& f) {
  const auto json = ReadFile(f.check);
  if (!json) return Usage(f.check + ": can't be opened");
  const auto key = ReadFile(f.public_key);
  if (!key) return Usage(f.public_key + ": can't be opened");
  fed::Certificate certificate;
  const auto parsed = google::protobuf::util::JsonStringToMessage(*json, &certificate);
  if (!parsed.ok())
    return Refuse(context, "MESSAGE_MALFORMED",
                  absl::StrCat(f.check, ": ", std::string(parsed.message())), "证书无法解析");
  const absl::Status checked = CheckSignature(certificate, *key);
  if (checked.code() == absl::StatusCode::kInvalidArgument)
    return Usage(absl::StrCat(f.public_key, ": ", std::string(checked.message())));
  if (!checked.ok())
    return Refuse(context, "SIGNATURE_INVALID",
                  absl::StrCat(f.check, ": ", std::string(checked.message())), "证书签名无效");
  const bool equal = certificate.upstream_root() == certificate.local_root();
  const std::string time =
      FormatTime(certificate.issue_time().seconds(), certificate.issue_time().nanos());
  if (context.json()) {
    context.Print(Json{{"signature_valid", true},
                       {"equal", equal},
                       {"certificate", FieldsOf(certificate, /*every_field=*/true)}});
  } else {
    std::cout << "the signature holds: " << certificate.upstream() << " was "
              << (equal ? "equal" : "DIFFERENT") << " at position "
              << certificate.upstream_position() << " of log " << certificate.upstream_log_id()
              << ", position " << certificate.position() << " of log " << certificate.log_id()
              << ", " << time << "\n";
  }
  return kOk;
}

int Run(Context& context, const Flags& f) {
  if (f.upstream.empty() == f.check.empty()) return Usage("either --upstream or --check");
  if (!f.check.empty() && f.public_key.empty()) return Usage("--check needs --public-key");
  if (f.check.empty() && !f.public_key.empty()) return Usage("--public-key goes with --check");
  if (!f.check.empty() && !f.out.empty()) return Usage("--out goes with --upstream");
  return f.check.empty() ? Reconcile(context, f) : Check(context, f);
}

}  // namespace

void AddReconcile(CLI::App& app, Context& context) {
  auto f = std::make_shared<Flags>();
  CLI::App* c = app.add_subcommand(
      "reconcile",
      "Compare a system below with what was taken over from it; exit 0 when equal, 3 when not");
  c->add_option("--upstream", f->upstream, "The system below, as configured");
  c->add_option("--out", f->out, "Write the certificate here, as JSON");
  c->add_option("--check", f->check,
                "Check the signature of this certificate, without a server; exit 0 when it holds, "
                "3 when not");
  c->add_option("--public-key", f->public_key, "The Ed25519 key to check with, PEM");
  c->callback([&context, f] { context.run = [&context, f] { return Run(context, *f); }; });
}

}  // namespace fiscal::cli
