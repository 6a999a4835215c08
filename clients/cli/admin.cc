// fiscal admin status: how a process is. fiscal admin verify: recomputes every total from the log.
#include <iostream>

#include "CLI/CLI.hpp"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "clients/cli/context.h"
#include "fiscal/admin/v1/admin_service.grpc.pb.h"
#include "google/protobuf/util/json_util.h"

namespace fiscal::cli {
namespace {

int Verify(Context& context) {
  const auto stub = admin::v1::AdminService::NewStub(context.connection().channel());
  std::cerr << "recomputing every total from the first event ...\n";
  admin::v1::VerifyResponse r;
  const grpc::Status status = context.connection().Call(
      [&](grpc::ClientContext* c) { return stub->Verify(c, admin::v1::VerifyRequest(), &r); },
      /*deadline=*/false);
  if (!status.ok()) return Report(context, status);
  if (context.json()) {
    std::cout << "{\"ok\": " << (r.ok() ? "true" : "false")
              << ", \"position\": " << JsonString(r.position())
              << ", \"events\": " << r.event_count() << ", \"lines\": " << r.line_count()
              << ", \"cells\": " << r.cell_count() << ", \"differences\": [";
    for (int i = 0; i < r.differences_size(); ++i)
      std::cout << (i == 0 ? "" : ", ") << JsonString(r.differences(i));
    std::cout << "]}\n";
  } else {
    std::cout << (r.ok() ? "all totals agree" : "TOTALS DIFFER") << " at position "
              << (r.position().empty() ? "0" : r.position()) << ": " << r.event_count()
              << " events, " << r.line_count() << " lines, " << r.cell_count() << " cells\n";
    for (const std::string& d : r.differences()) std::cout << "  " << d << "\n";
  }
  return r.ok() ? kOk : kFailure;
}

// As 1.5 GiB.
std::string Bytes(int64_t n) {
  static const char* const kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(n);
  size_t unit = 0;
  while (value >= 1024 && unit < 4) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 ? absl::StrCat(n, " B") : absl::StrFormat("%.1f %s", value, kUnits[unit]);
}

// In the machine's own zone, as an operator's clock has it.
std::string When(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S %Ez", absl::FromUnixSeconds(time.seconds()),
                          absl::LocalTimeZone());
}

std::string Ago(const google::protobuf::Timestamp& time) {
  const absl::Duration ago = absl::Now() - absl::FromUnixSeconds(time.seconds());
  return absl::StrCat(absl::FormatDuration(absl::Trunc(ago, absl::Seconds(1))), " ago");
}

std::string OrNone(const std::string& position) { return position.empty() ? "none" : position; }

void PrintStatus(const admin::v1::GetStatusResponse& s) {
  auto line = [](const char* name, const std::string& text) {
    std::cout << absl::StrFormat("%-12s %s\n", name, text);
  };
  line("fiscal",
       absl::StrCat(s.version(), ", role ", s.role(), ", ", s.ready() ? "ready" : "NOT READY", ", ",
                    s.tls() ? "TLS" : "without TLS", ", since ", When(s.start_time()),
                    " (recovered in ", s.recovery_millis(), " ms)"));
  line("before", absl::StrCat("the last process ",
                              s.previous_stop() == "none" ? "was none: a new data directory"
                              : s.previous_stop() == "drained"
                                  ? "drained"
                                  : absl::StrCat("ended badly: ", s.previous_stop())));
  if (s.has_certificate_expiry_time())
    line("certificate", absl::StrCat("ends ", When(s.certificate_expiry_time())));
  line("log", absl::StrCat(
                  "head ", OrNone(s.log().head_position()),
                  s.log().has_head_time() ? absl::StrCat(" (", Ago(s.log().head_time()), ")") : "",
                  ", ", Bytes(s.log().size_bytes()), ", id ", s.log().log_id()));
  if (!s.log().source().empty())
    line("source", absl::StrCat(s.log().source(),
                                s.log().source_connected() ? ", connected" : ", NOT CONNECTED"));
  if (s.has_queue()) {
    line("queue", absl::StrCat(s.queue().request_count(), " of ", s.queue().request_count_max(),
                               " requests, ", Bytes(s.queue().size_bytes()), " of ",
                               Bytes(s.queue().size_bytes_max())));
  }
  if (s.has_totals()) {
    const auto& t = s.totals();
    line("totals",
         absl::StrCat("folded to ", OrNone(t.watermark()), ", ",
                      t.lag_count() == 0 ? "level with the log"
                                         : absl::StrCat(t.lag_count(), " events behind for ",
                                                        t.lag_millis(), " ms"),
                      ", ", Bytes(t.size_bytes()), ", ", t.live_cell_count(), " live cells"));
    line("readers", absl::StrCat(t.watcher_count(), " of ", t.watcher_count_max(), " watchers, ",
                                 t.slow_watcher_count(), " not reading; ", t.waiting_read_count(),
                                 " of ", t.waiting_read_count_max(), " reads waiting"));
  }
  for (const auto& u : s.upstreams()) {
    line("upstream",
         absl::StrCat(
             u.name(), " at ", u.address(), ": ",
             u.state() == "following" ? u.state() : absl::AsciiStrToUpper(u.state()), ", ",
             u.lag_count(), " events behind, ",
             u.has_heard_time() ? absl::StrCat("heard ", Ago(u.heard_time())) : "never heard",
             u.message().empty() ? "" : absl::StrCat(": ", u.message())));
  }
  line("disk",
       absl::StrCat(s.disk().data_dir(), ": ", Bytes(s.disk().free_bytes()), " free of ",
                    Bytes(s.disk().size_bytes()),
                    s.disk().low() ? "; LOW, WRITES ARE REFUSED below " : "; refuses below ",
                    Bytes(s.disk().free_bytes_min())));
  for (const auto& c : s.coverages()) {
    line("coverage", absl::StrCat(c.division_code(), " ", c.fiscal_year(), " ", c.stage(), ": ",
                                  c.missing_count(), " of ", c.agency_count(), " missing, due ",
                                  When(c.due_time())));
  }
  line("memory", Bytes(s.memory_bytes()));
  if (s.request_memory().process_bytes_max() > 0) {
    line("memory of requests", absl::StrCat(Bytes(s.request_memory().reserved_bytes()), " of ",
                                            Bytes(s.request_memory().reserved_bytes_max()), ", ",
                                            s.request_memory().refused_count(), " refused"));
  }
}

int Status(Context& context) {
  const auto stub = admin::v1::AdminService::NewStub(context.connection().channel());
  admin::v1::GetStatusResponse s;
  const grpc::Status status = context.connection().Call([&](grpc::ClientContext* c) {
    return stub->GetStatus(c, admin::v1::GetStatusRequest(), &s);
  });
  if (!status.ok()) return Report(context, status);
  if (context.json()) {
    google::protobuf::util::JsonPrintOptions options;
    options.preserve_proto_field_names = true;
    options.always_print_primitive_fields = true;
    std::string json;
    if (!google::protobuf::util::MessageToJsonString(s, &json, options).ok()) return kFailure;
    std::cout << json << "\n";
  } else {
    PrintStatus(s);
  }
  return kOk;
}

}  // namespace

void AddAdmin(CLI::App& app, Context& context) {
  CLI::App* admin = app.add_subcommand("admin", "Operator's commands");
  admin->require_subcommand(1);
  admin->add_subcommand("status", "How the process is: log, totals, queue, upstreams, disk")
      ->callback([&context] { context.run = [&context] { return Status(context); }; });
  admin->add_subcommand("verify", "Recompute every total from the log; exit 0 only when all agree")
      ->callback([&context] { context.run = [&context] { return Verify(context); }; });
}

}  // namespace fiscal::cli
