// fiscal audit: who asked for what, and whether he was let.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>

#include "CLI/CLI.hpp"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/time_text.h"
#include "clients/cli/print/json.h"
#include "clients/cli/read/names.h"
#include "clients/cli/shell/bounds.h"
#include "clients/cli/shell/context.h"
#include "fiscal/audit/v1/audit_service.grpc.pb.h"

namespace fiscal::cli {
namespace {

namespace pb = fiscal::audit::v1;

// The most that a page has.
constexpr int32_t kPage = 1000;

struct Flags {
  std::string from, to, principal, outcome, method, out;
  int64_t limit = 100;
};

std::string Time(const google::protobuf::Timestamp& time) {
  return FormatTime(time.seconds(), time.nanos());
}

std::string NameOf(pb::Outcome outcome) {
  return absl::AsciiStrToLower(ShortName(pb::Outcome_Name(outcome), "OUTCOME_"));
}

std::optional<pb::Outcome> ParseOutcome(const std::string& text) {
  static constexpr const char* kChinese[] = {"允许", "拒绝", "将拒绝", "失败", "丢失"};
  for (int i = 0; i < 5; ++i) {
    const pb::Outcome outcome = static_cast<pb::Outcome>(i + 1);
    const std::string name = absl::StrReplaceAll(absl::AsciiStrToLower(text), {{"-", "_"}});
    if (text == kChinese[i] || name == NameOf(outcome)) return outcome;
  }
  return std::nullopt;
}

// A date alone means the whole day: its start, or its end.
bool SetTime(const std::string& text, bool end, google::protobuf::Timestamp* out) {
  std::optional<absl::Time> time = ParseTimeOrDate(text);
  if (!time) return false;
  const bool date = text.size() == 10;
  if (date) *time += absl::Microseconds(1);
  if (date && !end) *time -= absl::Hours(24);
  const int64_t micros = absl::ToUnixMicros(*time);
  const int64_t seconds = absl::ToUnixSeconds(*time);
  out->set_seconds(seconds);
  out->set_nanos(static_cast<int32_t>((micros - seconds * 1000000) * 1000));
  return true;
}

Json ToJson(const pb::AuditEntry& e) {
  Json object = {{"sequence", e.sequence()},
                 {"end_time", Time(e.end_time())},
                 {"outcome", NameOf(e.outcome())}};
  AddIfAny("principal", e.principal(), &object);
  AddIfAny("connection", e.connection(), &object);
  AddIfAny("method", e.method(), &object);
  AddIfAny("reason", e.reason(), &object);
  AddIfAny("missing_verb", e.missing_verb(), &object);
  AddIfAny("scope", e.scope(), &object);
  AddIfAny("request_id", e.request_id(), &object);
  AddIfAny("trace_id", e.trace_id(), &object);
  if (e.outcome() == pb::OUTCOME_LOST) {
    object["lost_count"] = e.lost_count();
    object["lost_from_time"] = Time(e.lost_from_time());
    object["lost_to_time"] = Time(e.lost_to_time());
  }
  object["leaf_hash"] = absl::BytesToHexString(e.leaf_hash());
  return object;
}

// What stands beside outcome and method.
std::string Details(const pb::AuditEntry& e) {
  if (e.outcome() == pb::OUTCOME_LOST) {
    return absl::StrCat(e.lost_count(), " entries lost from ", Time(e.lost_from_time()), " to ",
                        Time(e.lost_to_time()));
  }
  std::string text = e.reason();
  for (const std::string& part : {e.missing_verb(), e.scope()}) {
    if (!part.empty()) absl::StrAppend(&text, text.empty() ? "" : " ", part);
  }
  if (!e.request_id().empty())
    absl::StrAppend(&text, text.empty() ? "" : " ", "request ", e.request_id());
  return text;
}

grpc::Status Fetch(Context& context, const pb::ListRequest& request, pb::ListResponse* response) {
  const auto stub = pb::AuditService::NewStub(context.connection().channel());
  response->Clear();
  return context.connection().Call(
      [&](grpc::ClientContext* c) { return stub->List(c, request, response); });
}

int List(Context& context, const Flags& f) {
  pb::ListRequest request;
  if (!f.from.empty() && !SetTime(f.from, /*end=*/false, request.mutable_from_time()))
    return Usage("--from: a date, 2026-01-31, or a time with a zone");
  if (!f.to.empty() && !SetTime(f.to, /*end=*/true, request.mutable_to_time()))
    return Usage("--to: a date, 2026-01-31, or a time with a zone");
  if (!f.outcome.empty()) {
    const std::optional<pb::Outcome> outcome = ParseOutcome(f.outcome);
    if (!outcome)
      return Usage(
          "--outcome: allowed (允许), denied (拒绝), would_deny (将拒绝), failed (失败) "
          "or lost (丢失)");
    request.set_outcome(*outcome);
  }
  request.set_principal(f.principal);
  request.set_method(f.method);
  Table table({true, false, false, false, false, false, false});
  table.Row({"sequence", "time", "outcome", "principal", "connection", "method", "details"});
  int64_t left = f.limit;
  do {
    request.set_page_size(static_cast<int32_t>(std::min<int64_t>(left, kPage)));
    pb::ListResponse response;
    const grpc::Status status = Fetch(context, request, &response);
    if (!status.ok()) return Report(context, status);
    for (const pb::AuditEntry& e : response.entries()) {
      if (context.json()) {
        context.Print(ToJson(e));
      } else {
        table.Row({absl::StrCat(e.sequence()), Time(e.end_time()), NameOf(e.outcome()),
                   e.principal(), e.connection(), e.method(), Details(e)});
      }
    }
    left -= response.entries_size();
    request.set_page_token(response.next_page_token());
  } while (left > 0 && !request.page_token().empty());
  if (!context.json()) context.output == "csv" ? table.PrintCsv(std::cout) : table.Print(std::cout);
  if (!request.page_token().empty())
    std::cerr << "fiscal: only " << f.limit << " entries are shown; --limit shows more\n";
  return kOk;
}

// Writes the entries up to `head`, and it.
grpc::Status WriteEntries(Context& context, const pb::GetAuditHeadResponse& head,
                          std::ostream& out) {
  pb::ListRequest request;
  request.set_oldest_first(true);
  request.set_page_size(kPage);
  Progress progress("entries");
  int64_t next = head.first_sequence();
  while (next <= head.tree_size()) {
    pb::ListResponse response;
    const grpc::Status status = Fetch(context, request, &response);
    if (!status.ok()) return status;
    for (const pb::AuditEntry& e : response.entries()) {
      if (next > head.tree_size()) break;
      if (e.sequence() != next++) {
        return {grpc::StatusCode::ABORTED,
                "entries grew too old and were removed meanwhile: export again"};
      }
      out << OneLine(ToJson(e)) << "\n";
    }
    progress.Count(next - head.first_sequence());
    request.set_page_token(response.next_page_token());
    if (request.page_token().empty() && next <= head.tree_size())
      return {grpc::StatusCode::DATA_LOSS, "the audit log ends before its head"};
  }
  out << OneLine(Json{{"tree_size", head.tree_size()},
                      {"root_hash", absl::BytesToHexString(head.root_hash())},
                      {"first_sequence", head.first_sequence()}})
      << "\n";
  return grpc::Status::OK;
}

int Export(Context& context, const Flags& f) {
  const auto stub = pb::AuditService::NewStub(context.connection().channel());
  pb::GetAuditHeadResponse head;
  grpc::Status status = context.connection().Call([&](grpc::ClientContext* c) {
    return stub->GetAuditHead(c, pb::GetAuditHeadRequest(), &head);
  });
  if (!status.ok()) return Report(context, status);
  // It takes its name when it is whole.
  const std::string part = f.out + ".part";
  std::ofstream out(part, std::ios::binary | std::ios::trunc);
  if (!out) return Usage(absl::StrCat("can't write ", part));
  status = WriteEntries(context, head, out);
  out.close();
  if (status.ok() && (!out || std::rename(part.c_str(), f.out.c_str()) != 0))
    status = {grpc::StatusCode::UNAVAILABLE, absl::StrCat("can't write ", f.out)};
  if (!status.ok()) {
    std::remove(part.c_str());
    return Report(context, status);
  }
  std::cerr << "fiscal: " << head.tree_size() + 1 - head.first_sequence() << " entries up to "
            << head.tree_size() << ", root " << absl::BytesToHexString(head.root_hash()) << "\n";
  return kOk;
}

}  // namespace

void AddAudit(CLI::App& app, Context& context) {
  CLI::App* audit = app.add_subcommand("audit", "Who asked for what, and whether he was let");
  audit->require_subcommand(1);
  auto f = std::make_shared<Flags>();
  CLI::App* list = audit->add_subcommand("list", "Entries of this process, the newest first");
  list->add_option("--from", f->from, "From this time or date (Asia/Shanghai) on");
  list->add_option("--to", f->to, "Before this time, or up to the end of this date");
  list->add_option("--principal", f->principal, "Of this caller; NAME* for all that begin so");
  list->add_option(
      "--outcome", f->outcome,
      "allowed (允许), denied (拒绝), would_deny (将拒绝), failed (失败), lost (丢失)");
  list->add_option("--method", f->method,
                   "Of this method: fiscal.submission.v1.SubmissionService/SubmitBudget");
  list->add_option("--limit", f->limit, "The most entries to show")
      ->capture_default_str()
      ->check(AtLeast(1));
  list->callback([&context, f] { context.run = [&context, f] { return List(context, *f); }; });
  CLI::App* all = audit->add_subcommand(
      "export", "All entries as JSON lines, the oldest first, and the root that stands for them");
  all->add_option("--out", f->out, "The file to write")->required();
  all->callback([&context, f] { context.run = [&context, f] { return Export(context, *f); }; });
}

}  // namespace fiscal::cli
