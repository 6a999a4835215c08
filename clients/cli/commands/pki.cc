#include "clients/cli/commands/pki.h"

#include <iostream>
#include <memory>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/time_text.h"
#include "clients/cli/pki/authority.h"
#include "clients/cli/print/json.h"

namespace fiscal::cli {
namespace {

struct Flags {
  std::string dir, trust_domain, name_or_serial;
  int authority_days = 3650;
  pki::Order order;
};

const char* ChineseOf(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kInvalidArgument:
      return "参数不符合要求";
    case absl::StatusCode::kAlreadyExists:
      return "文件或目录已存在，不予覆盖";
    case absl::StatusCode::kNotFound:
      return "没有该名称或序列号的证书";
    case absl::StatusCode::kFailedPrecondition:
      return "目录不是可用的证书机构，或机构有效期不足";
    case absl::StatusCode::kResourceExhausted:
      return "已签发证书过多，请另建证书机构";
    default:
      return "文件无法写入";
  }
}

int Failed(const Context& context, const absl::Status& status) {
  client::Error error;
  error.code = static_cast<grpc::StatusCode>(status.code());
  error.message = std::string(status.message());
  error.message_zh = ChineseOf(status.code());
  const int code = Report(context, error);
  // No server refused it, or is away.
  if (absl::IsInvalidArgument(status)) return kUsage;
  return absl::IsUnavailable(status) || absl::IsResourceExhausted(status) ? kFailure : code;
}

void PrintLine(const char* name, const std::string& text) {
  std::cout << absl::StrFormat("%-12s %s\n", name, text);
}

// Who is given a list that ended can't know what was revoked since: whoever makes one hears when.
std::string RenewBefore(const std::string& dir, absl::Time next_update) {
  return absl::StrCat(dir, "/crl.pem, renew it before ", UtcText(next_update),
                      ": fiscal admin pki crl --dir ", dir);
}

int Init(Context& context, const Flags& f) {
  const absl::StatusOr<absl::Time> next_update =
      pki::Authority::Make(f.dir, f.trust_domain, f.authority_days, absl::Now());
  if (!next_update.ok()) return Failed(context, next_update.status());
  if (context.json()) {
    context.Print(Json{{"authority", f.dir + "/ca.pem"},
                       {"key", f.dir + "/ca-key.pem"},
                       {"crl", f.dir + "/crl.pem"},
                       {"crl_next_update", UtcText(*next_update)},
                       {"trust_domain", f.trust_domain}});
    return kOk;
  }
  PrintLine("authority", f.dir + "/ca.pem");
  PrintLine("key", f.dir + "/ca-key.pem, keep it to yourself");
  PrintLine("revocations", RenewBefore(f.dir, *next_update));
  PrintLine("trust domain", f.trust_domain);
  return kOk;
}

int Issue(Context& context, const Flags& f) {
  absl::StatusOr<pki::Authority> authority = pki::Authority::Open(f.dir);
  if (!authority.ok()) return Failed(context, authority.status());
  const absl::StatusOr<pki::Issued> issued = authority->Issue(f.order, absl::Now());
  if (!issued.ok()) return Failed(context, issued.status());
  if (context.json()) {
    context.Print(Json{{"certificate", issued->certificate_file},
                       {"key", issued->key_file},
                       {"principal", issued->principal},
                       {"serial", issued->serial},
                       {"not_after", UtcText(issued->not_after)}});
    return kOk;
  }
  PrintLine("certificate", issued->certificate_file);
  PrintLine("key", issued->key_file);
  PrintLine("principal", issued->principal);
  PrintLine("serial", issued->serial);
  PrintLine("ends", UtcText(issued->not_after));
  return kOk;
}

void PrintRevoked(const Context& context, const Flags& f, const pki::Revoked& revoked) {
  if (context.json()) {
    context.Print(Json{{"revoked", revoked.count},
                       {"crl", f.dir + "/crl.pem"},
                       {"crl_next_update", UtcText(revoked.next_update)}});
    return;
  }
  PrintLine("revoked", absl::StrCat(revoked.count));
  PrintLine("revocations", RenewBefore(f.dir, revoked.next_update));
}

int Revoke(Context& context, const Flags& f) {
  absl::StatusOr<pki::Authority> authority = pki::Authority::Open(f.dir);
  if (!authority.ok()) return Failed(context, authority.status());
  const absl::StatusOr<pki::Revoked> revoked = authority->Revoke(f.name_or_serial, absl::Now());
  if (!revoked.ok()) return Failed(context, revoked.status());
  PrintRevoked(context, f, *revoked);
  return kOk;
}

int RenewList(Context& context, const Flags& f) {
  absl::StatusOr<pki::Authority> authority = pki::Authority::Open(f.dir);
  if (!authority.ok()) return Failed(context, authority.status());
  const absl::StatusOr<absl::Time> next_update = authority->RenewList(absl::Now());
  if (!next_update.ok()) return Failed(context, next_update.status());
  PrintRevoked(context, f, {0, *next_update});
  return kOk;
}

CLI::App* AddCommand(CLI::App& pki, const char* name, const char* description, Context& context,
                     const std::shared_ptr<Flags>& f, int (*run)(Context&, const Flags&)) {
  CLI::App* command = pki.add_subcommand(name, description);
  command->add_option("--dir", f->dir, "Directory of the authority")->required()->type_name("DIR");
  command->callback(
      [&context, f, run] { context.run = [&context, f, run] { return run(context, *f); }; });
  return command;
}

}  // namespace

void AddPki(CLI::App& admin, Context& context) {
  CLI::App* pki =
      admin.add_subcommand("pki", "A trial authority and its certificates, without a server");
  pki->require_subcommand(1);
  const auto f = std::make_shared<Flags>();
  CLI::App* init =
      AddCommand(*pki, "init", "Make the authority in a new directory", context, f, Init);
  init->add_option("--trust-domain", f->trust_domain,
                   "What its certificates' SPIFFE ids begin with, as fiscal.example")
      ->required();
  init->add_option("--days", f->authority_days, "Days it lasts, 1 to 7300")
      ->capture_default_str()
      ->check(CLI::Range(1, 7300));
  CLI::App* issue = AddCommand(*pki, "issue", "Make a certificate and its key; nothing is replaced",
                               context, f, Issue);
  issue
      ->add_option("name", f->order.name,
                   "Path of the SPIFFE id, as agency/141100/035/submit: lower-case letters, "
                   "digits, - _ . and /")
      ->required();
  issue->add_option("--days", f->order.days, "Days it lasts, 1 to 397")
      ->capture_default_str()
      ->check(CLI::Range(1, pki::kCertificateDaysMax));
  CLI::Option* server = issue->add_flag_callback(
      "--server", [] {}, "For a server too; needs --host");
  CLI::Option* host =
      issue
          ->add_option("--host", f->order.hosts,
                       "DNS name or IP address the server is reached by; may be repeated")
          ->allow_extra_args(false);
  server->needs(host);
  host->needs(server);
  AddCommand(*pki, "revoke", "Put certificates on crl.pem", context, f, Revoke)
      ->add_option("name", f->name_or_serial, "Name, for all of its certificates, or serial of one")
      ->required();
  AddCommand(*pki, "crl", "Renew crl.pem for 30 days; the same are revoked", context, f, RenewList);
}

}  // namespace fiscal::cli
