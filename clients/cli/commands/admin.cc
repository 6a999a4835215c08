// fiscal admin status: how a process is. fiscal admin verify: recomputes what is derived from the
// log. fiscal admin scrub: reads every stored byte once more. fiscal admin quarantine: has totals
// leave out an event. fiscal admin clock accept: says that the server's clock is right. fiscal
// admin key rotate: makes a new signing key. fiscal admin pki: pki.h.
#include <chrono>
#include <cstdio>
#include <functional>
#include <iostream>
#include <memory>
#include <thread>

#include "CLI/CLI.hpp"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "clients/cli/commands/pki.h"
#include "clients/cli/shell/bounds.h"
#include "clients/cli/shell/context.h"
#include "fiscal/admin/v1/admin_service.grpc.pb.h"

namespace fiscal::cli {
namespace {

using Stub = admin::v1::AdminService::Stub;

// Makes a call that takes long; on stderr stands what `says` makes of the process's status
// meanwhile.
grpc::Status Follow(Context& context, Stub& stub,
                    const std::function<grpc::Status(grpc::ClientContext*)>& call,
                    const std::function<std::string(const admin::v1::GetStatusResponse&)>& says) {
  absl::Notification done;
  std::thread teller([&] {
    bool said = false;
    while (!done.WaitForNotificationWithTimeout(absl::Seconds(1))) {
      grpc::ClientContext c;
      context.connection().Prepare(&c);
      c.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(5));
      admin::v1::GetStatusResponse s;
      if (!stub.GetStatus(&c, admin::v1::GetStatusRequest(), &s).ok()) continue;
      said = true;
      std::fprintf(stderr, "\r%s", says(s).c_str());
    }
    if (said) std::fprintf(stderr, "\n");
  });
  const grpc::Status status = context.connection().Call(call, /*deadline=*/false);
  done.Notify();
  teller.join();
  return status;
}

int Verify(Context& context) {
  const auto stub = admin::v1::AdminService::NewStub(context.connection().channel());
  std::cerr << "recomputing what is derived from the first event ...\n";
  admin::v1::VerifyResponse r;
  const grpc::Status status = Follow(
      context, *stub,
      [&](grpc::ClientContext* c) { return stub->Verify(c, admin::v1::VerifyRequest(), &r); },
      [](const admin::v1::GetStatusResponse& s) {
        return absl::StrCat("pass ", s.verify().pass_count(), ": ", s.verify().events_done(),
                            " of ", s.verify().events_total(), " events");
      });
  if (!status.ok()) return Report(context, status);
  if (context.json()) {
    context.Print(r);
  } else {
    std::cout << (r.ok() ? "all totals agree" : "TOTALS DIFFER") << " at position " << r.position()
              << ": " << r.event_count() << " events, " << r.line_count() << " lines, "
              << r.cell_count() << " cells\n";
    for (const std::string& d : r.differences()) std::cout << "  " << d << "\n";
  }
  return r.ok() ? kOk : kFailure;
}

// As 1.5 GiB.
std::string Bytes(int64_t n);

int Scrub(Context& context, int64_t bytes_per_second) {
  const auto stub = admin::v1::AdminService::NewStub(context.connection().channel());
  std::cerr << "reading every stored byte once more ...\n";
  admin::v1::ScrubRequest request;
  request.set_bytes_per_second(bytes_per_second);
  admin::v1::ScrubResponse r;
  const grpc::Status status = Follow(
      context, *stub, [&](grpc::ClientContext* c) { return stub->Scrub(c, request, &r); },
      [](const admin::v1::GetStatusResponse& s) {
        return absl::StrCat(Bytes(s.scrub().bytes_done()), " of about ",
                            Bytes(s.scrub().bytes_total()));
      });
  if (!status.ok()) return Report(context, status);
  if (context.json()) {
    context.Print(r);
  } else {
    std::cout << (r.ok() ? "nothing is damaged: " : "DAMAGED: ") << Bytes(r.bytes_read()) << ", "
              << r.event_count() << " events\n";
    for (const std::string& d : r.findings()) std::cout << "  " << d << "\n";
  }
  return r.ok() ? kOk : kFailure;
}

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

void PrintLine(const char* name, const std::string& text) {
  std::cout << absl::StrFormat("%-12s %s\n", name, text);
}

void PrintProcessAndLog(const admin::v1::GetStatusResponse& s) {
  PrintLine("fiscal",
            absl::StrCat(s.version(), ", role ", s.role(), ", ", s.ready() ? "ready" : "NOT READY",
                         ", ", s.tls() ? "TLS" : "without TLS", ", since ", When(s.start_time()),
                         " (recovered in ", s.recovery_millis(), " ms)"));
  PrintLine("before", absl::StrCat("the last process ",
                                   s.previous_stop() == "none" ? "was none: a new data directory"
                                   : s.previous_stop() == "drained"
                                       ? "drained"
                                       : absl::StrCat("ended badly: ", s.previous_stop())));
  if (s.has_certificate_expiry_time())
    PrintLine("certificate", absl::StrCat("ends ", When(s.certificate_expiry_time())));
  PrintLine(
      "log",
      absl::StrCat("head ", s.log().head_position(),
                   s.log().has_head_time() ? absl::StrCat(" (", Ago(s.log().head_time()), ")") : "",
                   ", ", Bytes(s.log().size_bytes()), ", id ", s.log().log_id()));
  if (!s.log().signing_stopped_message().empty())
    PrintLine("signing", absl::StrCat("STOPPED: ", s.log().signing_stopped_message()));
  if (!s.log().source().empty())
    PrintLine("source",
              absl::StrCat(s.log().source(),
                           s.log().source_connected() ? ", connected" : ", NOT CONNECTED"));
}

void PrintClock(const admin::v1::ClockStatus& c) {
  PrintLine("clock", absl::StrCat(When(c.wall_time()), c.state() == "right" ? ", right" : ""));
  if (!c.message().empty()) PrintLine("", absl::StrCat("WRITES ARE REFUSED: ", c.message()));
}

void PrintTotals(const admin::v1::TotalsStatus& t) {
  PrintLine("totals",
            absl::StrCat("folded to ", t.watermark(), ", ",
                         t.lag_count() == 0 ? "level with the log"
                                            : absl::StrCat(t.lag_count(), " events behind for ",
                                                           t.lag_millis(), " ms"),
                         ", ", Bytes(t.size_bytes()), ", ", t.live_cell_count(), " live cells"));
  if (!t.stopped_position().empty()) {
    PrintLine("", absl::StrCat("TOTALS STAND STILL before event ", t.stopped_position(), ": ",
                               t.stopped_message()));
  }
  PrintLine("readers",
            absl::StrCat(t.watcher_count(), " of ", t.watcher_count_max(), " watchers, ",
                         t.slow_watcher_count(), " not reading; ", t.waiting_read_count(), " of ",
                         t.waiting_read_count_max(), " reads waiting"));
}

void PrintUpstream(const admin::v1::UpstreamStatus& u) {
  PrintLine(
      "upstream",
      absl::StrCat(u.name(), " at ", u.address(), ": ",
                   u.state() == "following" ? u.state() : absl::AsciiStrToUpper(u.state()), ", ",
                   u.lag_count(), " events behind, ",
                   u.has_heard_time() ? absl::StrCat("heard ", Ago(u.heard_time())) : "never heard",
                   u.message().empty() ? "" : absl::StrCat(": ", u.message())));
}

void PrintVerify(const admin::v1::VerifyStatus& v) {
  PrintLine(
      "verify",
      absl::StrCat(v.running() ? absl::StrCat("pass ", v.pass_count(), ", ", v.events_done(),
                                              " of ", v.events_total(), " events; ")
                               : "",
                   !v.has_end_time() ? "never since the start"
                   : v.difference_count() == 0
                       ? absl::StrCat("agreed ", Ago(v.end_time()))
                       : absl::StrCat(v.difference_count(), " DIFFERENCES ", Ago(v.end_time()))));
}

void PrintScrub(const admin::v1::ScrubStatus& scrub) {
  PrintLine(
      "scrub",
      absl::StrCat(scrub.bytes_per_second() > 0
                       ? absl::StrCat(Bytes(scrub.bytes_per_second()), " a second")
                       : "only when asked",
                   scrub.running() ? absl::StrCat(", ", Bytes(scrub.bytes_done()), " of about ",
                                                  Bytes(scrub.bytes_total()))
                                   : "",
                   "; ",
                   !scrub.has_end_time() ? "no whole pass since the start"
                   : scrub.damage_count() == 0
                       ? absl::StrCat("whole ", Ago(scrub.end_time()))
                       : absl::StrCat(scrub.damage_count(), " DAMAGED ", Ago(scrub.end_time()))));
}

void PrintLane(const admin::v1::ReadLaneStatus& lane) {
  PrintLine("reads", absl::StrCat(lane.lane(), ": ", lane.running_count(), " running, ",
                                  lane.waiting_count(), " waiting; since the start ",
                                  lane.refused_count(), " refused, ", lane.too_large_count(),
                                  " too large, ", lane.abandoned_count(), " given up by callers"));
}

void PrintStatus(const admin::v1::GetStatusResponse& s) {
  PrintProcessAndLog(s);
  if (s.has_clock()) PrintClock(s.clock());
  if (s.has_queue()) {
    PrintLine("queue",
              absl::StrCat(s.queue().request_count(), " of ", s.queue().request_count_max(),
                           " requests, ", Bytes(s.queue().size_bytes()), " of ",
                           Bytes(s.queue().size_bytes_max())));
  }
  if (s.has_totals()) PrintTotals(s.totals());
  for (const auto& u : s.upstreams()) PrintUpstream(u);
  PrintLine("disk",
            absl::StrCat(s.disk().data_dir(), ": ", Bytes(s.disk().free_bytes()), " free of ",
                         Bytes(s.disk().size_bytes()),
                         s.disk().low() ? "; LOW, WRITES ARE REFUSED below " : "; refuses below ",
                         Bytes(s.disk().free_bytes_min())));
  for (const auto& c : s.coverages()) {
    PrintLine("coverage", absl::StrCat(c.division_code(), " ", c.fiscal_year(), " ", c.stage(),
                                       ": ", c.missing_count(), " of ", c.agency_count(),
                                       " missing, due ", When(c.due_time())));
  }
  if (s.has_verify()) PrintVerify(s.verify());
  PrintScrub(s.scrub());
  for (const auto& reads : s.read_lanes()) PrintLane(reads);
  PrintLine("connections",
            absl::StrCat(s.connections().open_count(), " of ", s.connections().open_count_max(),
                         " open; since the start ", s.connections().refused_count(), " refused, ",
                         s.connections().cut_count(), " cut for what they cost"));
  PrintLine("memory", Bytes(s.memory_bytes()));
  if (s.request_memory().process_bytes_max() > 0) {
    PrintLine("memory of requests",
              absl::StrCat(Bytes(s.request_memory().reserved_bytes()), " of ",
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
    context.Print(s);
  } else {
    PrintStatus(s);
  }
  return kOk;
}

int Quarantine(Context& context, const admin::v1::QuarantineRequest& request) {
  const auto stub = admin::v1::AdminService::NewStub(context.connection().channel());
  admin::v1::QuarantineResponse r;
  const grpc::Status status = context.connection().Call(
      [&](grpc::ClientContext* c) { return stub->Quarantine(c, request, &r); });
  if (!status.ok()) return Report(context, status);
  if (context.json()) {
    context.Print(r);
  } else {
    std::cout << "event " << request.position() << (r.created() ? " is" : " was already")
              << " left out of all totals, by event " << r.position() << "\n";
  }
  return kOk;
}

int AcceptClock(Context& context, const admin::v1::AcceptClockRequest& request) {
  const auto stub = admin::v1::AdminService::NewStub(context.connection().channel());
  admin::v1::AcceptClockResponse r;
  const grpc::Status status = context.connection().Call(
      [&](grpc::ClientContext* c) { return stub->AcceptClock(c, request, &r); });
  if (!status.ok()) return Report(context, status);
  if (context.json()) {
    std::cout << MessageLine(r, /*every_field=*/true) << "\n";
  } else if (!r.created()) {
    std::cout << "nothing to accept: writes are taken, and the clock is not behind the log\n";
  } else {
    const bool back = r.has_before_time() && r.commit_time().seconds() < r.before_time().seconds();
    std::cout << "commit times go on from " << When(r.commit_time()) << ", by event "
              << r.position()
              << (back ? absl::StrCat("; what the log has at a later time, up to ",
                                      When(r.before_time()), ", counts as committed then")
                       : "")
              << "\n";
  }
  return kOk;
}

int RotateKey(Context& context) {
  const auto stub = admin::v1::AdminService::NewStub(context.connection().channel());
  admin::v1::RotateSigningKeyResponse r;
  const grpc::Status status = context.connection().Call([&](grpc::ClientContext* c) {
    return stub->RotateSigningKey(c, admin::v1::RotateSigningKeyRequest(), &r);
  });
  if (!status.ok()) return Report(context, status);
  if (context.json()) {
    context.Print(r);
  } else {
    std::cout << r.public_key_pem();
    std::cerr << "fiscal: tree heads are signed with this key from now on"
              << (r.position().empty() ? "" : absl::StrCat(", as event ", r.position(), " says"))
              << "; give it to witnesses\n";
  }
  return kOk;
}

}  // namespace

void AddAdmin(CLI::App& app, Context& context) {
  CLI::App* admin = app.add_subcommand("admin", "Operator's commands");
  admin->require_subcommand(1);
  admin->add_subcommand("status", "How the process is: log, totals, queue, upstreams, disk")
      ->callback([&context] { context.run = [&context] { return Status(context); }; });
  auto order = std::make_shared<admin::v1::QuarantineRequest>();
  CLI::App* quarantine = admin->add_subcommand(
      "quarantine", "Have totals leave out an event that they can't take; there is no way back");
  quarantine
      ->add_option_function<std::string>(
          "--position", [order](const std::string& p) { order->set_position(p); }, "The event")
      ->required();
  quarantine
      ->add_option_function<std::string>(
          "--reason", [order](const std::string& r) { order->set_reason(r); },
          "Why, for whoever reads the log")
      ->required();
  quarantine->callback([&context, order] {
    context.run = [&context, order] { return Quarantine(context, *order); };
  });
  auto word = std::make_shared<admin::v1::AcceptClockRequest>();
  CLI::App* clock = admin->add_subcommand("clock", "The clock of the process that writes the log");
  clock->require_subcommand(1);
  CLI::App* accept = clock->add_subcommand(
      "accept", "Say that it is right, when writes are refused for it or the log is ahead of it");
  accept->add_option_function<std::string>(
      "--note", [word](const std::string& note) { word->set_note(note); },
      "Why, for whoever reads the log");
  accept->callback(
      [&context, word] { context.run = [&context, word] { return AcceptClock(context, *word); }; });
  CLI::App* key = admin->add_subcommand("key", "The key that signs tree heads");
  key->require_subcommand(1);
  key->add_subcommand("rotate", "Make a new one, which the log says; prints its public half")
      ->callback([&context] { context.run = [&context] { return RotateKey(context); }; });
  AddPki(*admin, context);
  admin
      ->add_subcommand("verify",
                       "Recompute what is derived from the log; exit 0 only when all agrees")
      ->callback([&context] { context.run = [&context] { return Verify(context); }; });
  CLI::App* scrub = admin->add_subcommand(
      "scrub", "Read every stored byte once more; exit 0 only when nothing is damaged");
  const auto rate = std::make_shared<int64_t>(0);
  scrub->add_option("--rate", *rate, "Bytes a second; 0 for as fast as it goes")->check(AtLeast(0));
  scrub->callback(
      [&context, rate] { context.run = [&context, rate] { return Scrub(context, *rate); }; });
}

}  // namespace fiscal::cli
