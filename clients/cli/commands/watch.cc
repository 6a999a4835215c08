// fiscal watch: follows totals, one line a message, and goes on by itself when the server goes
// away.
#include <csignal>
#include <iostream>
#include <memory>
#include <thread>

#include "CLI/CLI.hpp"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "clients/cli/commands/filter_flags.h"
#include "clients/cli/print/rows.h"
#include "clients/cli/read/names.h"
#include "clients/cli/shell/context.h"
#include "clients/cpp/resumable_watch.h"

namespace fiscal::cli {
namespace {

namespace a = fiscal::aggregation::v1;

struct Flags {
  FilterFlags filter;
  GroupFlags group;
  std::string resume;
  bool conflated = false;
  bool previous = false;
  int interval_seconds = 10;
  bool once = false;
};

std::string TypeOf(const a::WatchTotalsResponse& message) {
  return absl::AsciiStrToLower(ShortName(a::WatchEvent_Name(message.event()), "WATCH_EVENT_"));
}

void Print(const Context& context, const a::WatchTotalsResponse& message) {
  if (context.json()) {
    context.Print(message);
    std::cout.flush();
    return;
  }
  std::cout << message.position() << "  " << TypeOf(message) << "\n";
  for (const a::TotalChange& change : message.changes()) {
    std::string codes;
    for (const std::string& cell : GroupCells(change.total().group(), /*csv=*/true))
      absl::StrAppend(&codes, cell, "  ");
    std::cout << "    " << codes << context.Amount(change.total().amount_fen());
    if (change.has_previous_amount_fen())
      std::cout << "  (" << context.Amount(change.previous_amount_fen()) << ")";
    std::cout << "\n";
  }
  std::cout.flush();
}

int Run(Context& context, const Flags& f) {
  a::WatchTotalsRequest request;
  a::WatchFilter* filter = request.add_filters();
  if (!f.filter.Fill(filter->mutable_filter()) || !f.group.Fill(filter->mutable_group_by()))
    return kUsage;
  if (f.interval_seconds < 1 || f.interval_seconds > 60)
    return Usage("--progress: 1 to 60 seconds");
  request.mutable_progress_interval()->set_seconds(f.interval_seconds);
  request.set_resume_token(f.resume);
  request.set_mode(f.conflated ? a::WATCH_MODE_CONFLATED : a::WATCH_MODE_LOSSLESS);
  request.set_previous_amounts(f.previous);
  // Blocked before the channel starts its threads, so that sigwait gets them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  const grpc::Status connected = context.connection().Connect();
  if (!connected.ok()) return Report(context, connected);
  client::ResumableWatch watch(context.connection(), std::move(request));
  std::thread waiter([&] {
    int signal = 0;
    sigwait(&signals, &signal);
    watch.Cancel();
  });
  a::WatchTotalsResponse message;
  bool level = false;
  while (!level && watch.Read(&message)) {
    Print(context, message);
    level = f.once && message.event() == a::WATCH_EVENT_CAUGHT_UP;
  }
  pthread_kill(waiter.native_handle(), SIGUSR1);
  waiter.join();
  if (level || watch.status().error_code() == grpc::StatusCode::CANCELLED) return kOk;
  return Report(context, watch.status());
}

}  // namespace

void AddWatch(CLI::App& app, Context& context) {
  auto f = std::make_shared<Flags>();
  CLI::App* c = app.add_subcommand("watch", "Follow totals: a snapshot, then every change");
  f->filter.AddTo(c);
  f->group.AddTo(c);
  c->add_option("--resume", f->resume, "Go on behind the message with this resume token");
  c->add_flag("--conflated", f->conflated,
              "Latest values only, when changes come faster than they are read");
  c->add_flag("--previous", f->previous, "Also say what each amount was");
  c->add_option("--progress", f->interval_seconds, "Seconds between signs of life")
      ->capture_default_str();
  c->add_flag("--once", f->once, "End when everything there is has been told");
  c->callback([&context, f] { context.run = [&context, f] { return Run(context, *f); }; });
}

}  // namespace fiscal::cli
