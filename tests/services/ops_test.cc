// The parts of operation that need no server.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/trace_context.h"
#include "gtest/gtest.h"
#include "services/ops/data_lock.h"
#include "services/ops/disk_guard.h"
#include "services/ops/metrics.h"
#include "services/ops/stop_mark.h"
#include "services/rpc/status.h"

namespace fiscal::services {
namespace {

class OpsTest : public ::testing::Test {
 protected:
  OpsTest() {
    char name[] = "/tmp/fiscal-ops-XXXXXX";
    dir_ = mkdtemp(name);
  }
  ~OpsTest() override { std::filesystem::remove_all(dir_); }
  std::string dir_;
};

TEST_F(OpsTest, TraceparentIsTakenWholeOrNotAtAll) {
  const std::string id = "0af7651916cd43dd8448eb211c80319c", span = "b7ad6b7169203331";
  struct Case {
    std::string header;
    bool good;
    bool sampled = false;
  };
  for (const Case& c : std::vector<Case>{
           {absl::StrCat("00-", id, "-", span, "-01"), true, true},
           {absl::StrCat("00-", id, "-", span, "-00"), true},
           {absl::StrCat("00-", id, "-", span, "-fe"), true},
           {absl::StrCat("00-", id, "-", span, "-03"), true, true},
           // A later version may say more, this one may not.
           {absl::StrCat("cc-", id, "-", span, "-01-more"), true, true},
           {absl::StrCat("00-", id, "-", span, "-01-more"), false},
           {absl::StrCat("cc-", id, "-", span, "-01more"), false},
           {absl::StrCat("ff-", id, "-", span, "-01"), false},
           {absl::StrCat("00-", std::string(32, '0'), "-", span, "-01"), false},
           {absl::StrCat("00-", id, "-", std::string(16, '0'), "-01"), false},
           {absl::StrCat("00-", "0AF7651916CD43DD8448EB211C80319C", "-", span, "-01"), false},
           {absl::StrCat("00-", id, "-", span, "-0x"), false},
           {absl::StrCat("00-", id, "-", span), false},
           {absl::StrCat("00_", id, "-", span, "-01"), false},
           {"", false}}) {
    TraceContext trace;
    EXPECT_EQ(ParseTraceparent(c.header, &trace), c.good) << c.header;
    if (!c.good) continue;
    EXPECT_EQ(trace.trace_id, id);
    EXPECT_EQ(trace.span_id, span);
    EXPECT_EQ(trace.sampled, c.sampled) << c.header;
  }
  TraceContext parent;
  ASSERT_TRUE(ParseTraceparent(absl::StrCat("00-", id, "-", span, "-01"), &parent));
  const TraceContext child = ChildOf(parent), fresh = NewTrace();
  EXPECT_EQ(child.trace_id, id);
  EXPECT_NE(child.span_id, span);
  EXPECT_TRUE(child.sampled);
  EXPECT_NE(fresh.trace_id, NewTrace().trace_id);
  TraceContext again;
  EXPECT_TRUE(ParseTraceparent(FormatTraceparent(fresh), &again));
  EXPECT_EQ(again.trace_id, fresh.trace_id);
}

TEST_F(OpsTest, TheDiskIsLowUntilThereIsAMarginAgain) {
  DiskGuard::Space space{1000, 5000};
  absl::Status failed;
  DiskGuard guard(100, 50, [&]() -> absl::StatusOr<DiskGuard::Space> {
    if (!failed.ok()) return failed;
    return space;
  });
  auto at = [&](int64_t free) {
    space.free_bytes = free;
    const bool changed = guard.Check();
    return absl::StrCat(guard.low() ? "low" : "fine", changed ? " now" : "");
  };
  EXPECT_EQ(at(1000), "fine");
  EXPECT_EQ(at(100), "fine");
  EXPECT_EQ(at(99), "low now");
  EXPECT_EQ(at(149), "low");
  EXPECT_EQ(at(150), "fine now");
  EXPECT_EQ(at(99), "low now");
  // What can't be asked is what it was.
  failed = absl::UnavailableError("no such file system");
  EXPECT_EQ(at(1000), "low");
  EXPECT_EQ(guard.space().size_bytes, 5000);
  const absl::StatusOr<DiskGuard::Space> real = MeasureOf(dir_)();
  ASSERT_TRUE(real.ok());
  EXPECT_GT(real->free_bytes, 0);
  EXPECT_GE(real->size_bytes, real->free_bytes);
  EXPECT_FALSE(MeasureOf(dir_ + "/nowhere")().ok());
}

TEST_F(OpsTest, AProcessKnowsHowTheOneBeforeItEnded) {
  EXPECT_EQ(StopMark(dir_).previous(), StopReason::kNone);
  // It said nothing when it ended.
  EXPECT_EQ(StopMark(dir_).previous(), StopReason::kCrashed);
  for (const StopReason reason : {StopReason::kDrained, StopReason::kSyncFailed,
                                  StopReason::kFoldFailed, StopReason::kCopyFailed}) {
    StopMark(dir_).Stopping(reason);
    EXPECT_EQ(StopMark(dir_).previous(), reason) << NameOf(reason);
  }
  // One that never served hands on what it was told.
  StopMark(dir_).Stopping(StopReason::kSyncFailed);
  {
    StopMark stillborn(dir_);
    stillborn.Stopping(stillborn.previous());
  }
  EXPECT_EQ(StopMark(dir_).previous(), StopReason::kSyncFailed);
  StopMark(dir_).Stopping(StopReason::kNone);
  EXPECT_EQ(StopMark(dir_).previous(), StopReason::kNone);
  std::ofstream(dir_ + "/last-stop") << "who knows\n";
  EXPECT_EQ(StopMark(dir_).previous(), StopReason::kCrashed);
}

TEST_F(OpsTest, OneProcessOwnsADataDirectory) {
  absl::StatusOr<std::unique_ptr<DataLock>> first = DataLock::Take(dir_);
  ASSERT_TRUE(first.ok()) << first.status();
  const auto second = DataLock::Take(dir_);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(absl::StrContains(second.status().message(), absl::StrCat("(", getpid(), ")")))
      << second.status();
  first->reset();
  EXPECT_TRUE(DataLock::Take(dir_).ok());
  EXPECT_EQ(DataLock::Take(dir_ + "/nowhere").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(OpsTest, ALogFieldIsWhateverItHoldsAndNoMore) {
  EXPECT_EQ(logging::JsonString("预算 a"), "\"预算 a\"");
  EXPECT_EQ(logging::JsonString("a\"b\\c\nd\te"), "\"a\\\"b\\\\c\\nd\\te\"");
  EXPECT_EQ(logging::JsonString(absl::string_view("\0\x1b[31m\x7f", 7)),
            "\"\\u0000\\u001b[31m\\u007f\"");
  // Bytes that are no UTF-8 can't stand in JSON.
  EXPECT_EQ(logging::JsonString("\xff\xfe"), "\"\\u00ff\\u00fe\"");
}

TEST_F(OpsTest, AReasonIsFoundInAStatusOrItsCodeIsNamed) {
  EXPECT_EQ(rpc::ReasonOf(grpc::Status::OK), "");
  EXPECT_EQ(rpc::ReasonOf(grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "no")), "UNIMPLEMENTED");
  EXPECT_EQ(rpc::ReasonOf(grpc::Status(grpc::StatusCode::INTERNAL, "x", "not a status")),
            "INTERNAL");
}

TEST_F(OpsTest, AScrapeAsksItsSamplerAndForgetsItWhenItGoes) {
  Metrics metrics;
  metrics.SetSampler([](Samples* out) {
    out->Gauge("fiscal_watchers", "Open watches.", 2, {{"state", "idle"}});
    out->Gauge("fiscal_watchers", "Open watches.", 3, {{"state", "sending"}});
  });
  const std::string scraped = metrics.Scrape();
  EXPECT_TRUE(absl::StrContains(scraped, "fiscal_watchers{state=\"idle\"} 2\n")) << scraped;
  EXPECT_TRUE(absl::StrContains(scraped, "fiscal_watchers{state=\"sending\"} 3\n"));
  metrics.SetSampler(nullptr);
  EXPECT_FALSE(absl::StrContains(metrics.Scrape(), "fiscal_watchers"));
  EXPECT_TRUE(absl::StrContains(metrics.Scrape(), "process_open_fds"));
}

}  // namespace
}  // namespace fiscal::services
