// A server whose clock is set forward and back while it runs and before it starts: what it takes,
// what it answers, and how an operator brings it back.
//
// The clock of the children is this program's own clock_gettime, which adds what a file says.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "clients/cpp/error.h"
#include "fiscal/admin/v1/admin_service.grpc.pb.h"
#include "fiscal/aggregation/v1/aggregation_service.grpc.pb.h"
#include "fiscal/submission/v1/submission_service.grpc.pb.h"
#include "gtest/gtest.h"
#include "tests/integration/deployment.h"
#include "tests/support/catalog.h"
#include "tests/support/children.h"
#include "tests/support/http.h"

namespace {

// Names the file in the environment of a child.
constexpr char kShiftFile[] = "FISCAL_TEST_CLOCK_SHIFT";
// Seconds; null where the clock is the machine's.
std::atomic<int64_t>* shift = nullptr;

std::atomic<int64_t>* MapShift(const char* path) {
  const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || ftruncate(fd, sizeof(int64_t)) != 0) std::abort();
  void* mapped = mmap(nullptr, sizeof(int64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) std::abort();
  close(fd);
  return static_cast<std::atomic<int64_t>*>(mapped);
}

}  // namespace

// In place of libc's.
extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
  const int result = static_cast<int>(syscall(SYS_clock_gettime, clock, time));
  const bool wall = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
  if (result == 0 && wall && shift != nullptr) time->tv_sec += shift->load();
  return result;
}

namespace fiscal::testing {
namespace {

namespace adm = fiscal::admin::v1;
namespace agg = fiscal::aggregation::v1;
namespace sub = fiscal::submission::v1;

constexpr int64_t kDay = 86400;

class ClockTest : public ::testing::Test {
 protected:
  ClockTest() {
    const std::string file = dir_.path() + "/shift";
    shift_ = MapShift(file.c_str());
    setenv(kShiftFile, file.c_str(), 1);
    options_.data_dir = dir_.path() + "/data";
    options_.listen = absl::StrCat("127.0.0.1:", FreePort());
    options_.admin_listen = absl::StrCat("127.0.0.1:", admin_port_);
    Start(0);
    EXPECT_TRUE(ImportSmallCatalog(channel_, 3));
  }

  void Set(int64_t seconds) { shift_->store(seconds); }
  // A new process, whose clock is so much ahead. What the one before kept is there.
  void Start(int64_t seconds) {
    if (server_ != nullptr) server_->End(SIGKILL);
    Set(seconds);
    server_ = std::make_unique<ServerChild>(options_.Config(), dir_.path() + "/stderr");
    channel_ = ConnectTo(options_.listen);
    ASSERT_TRUE(AwaitServing(channel_));
  }

  // The reason of a refusal; empty when it was taken.
  std::string Submit(uint64_t salt) {
    grpc::ClientContext context;
    sub::SubmitBudgetResponse receipt;
    const client::Error error =
        client::ToError(sub::SubmissionService::NewStub(channel_)->SubmitBudget(
            &context, MakeBudget(1, 2, salt, absl::StrCat("r", salt)), &receipt));
    if (error.code == grpc::OK) {
      last_ = receipt.position();
      return "";
    }
    return error.reason;
  }
  adm::GetStatusResponse Status() {
    grpc::ClientContext context;
    adm::GetStatusResponse status;
    EXPECT_TRUE(adm::AdminService::NewStub(channel_)->GetStatus(&context, {}, &status).ok());
    return status;
  }
  adm::AcceptClockResponse Accept() {
    grpc::ClientContext context;
    adm::AcceptClockRequest request;
    request.set_note("somebody looked");
    adm::AcceptClockResponse response;
    const grpc::Status status =
        adm::AdminService::NewStub(channel_)->AcceptClock(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  // The position that answers as of so many seconds from now stand at.
  std::string AsOf(int64_t seconds) {
    agg::GetTotalRequest request;
    request.mutable_filter()->set_division_code("141100");
    request.mutable_filter()->set_fiscal_year(2024);
    request.mutable_filter()->set_stage(budget::v1::STAGE_APPROVED);
    request.mutable_filter()->set_direction(budget::v1::DIRECTION_EXPENDITURE);
    request.mutable_consistency()->mutable_as_of()->set_seconds(absl::ToUnixSeconds(absl::Now()) +
                                                                seconds);
    grpc::ClientContext context;
    agg::GetTotalResponse response;
    const grpc::Status status =
        agg::AggregationService::NewStub(channel_)->GetTotal(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.position();
  }
  // How far the last commit is from now.
  int64_t HeadAhead() {
    return Status().log().head_time().seconds() - absl::ToUnixSeconds(absl::Now());
  }

  TempDir dir_;
  ServeOptions options_;
  const int admin_port_ = FreePort();
  std::atomic<int64_t>* shift_;
  std::unique_ptr<ServerChild> server_;
  std::shared_ptr<grpc::Channel> channel_;
  // The position of what was taken last.
  std::string last_;
};

TEST_F(ClockTest, WhileItIsAheadNothingIsKeptAndThenItGoesOn) {
  ASSERT_EQ(Submit(1), "");
  const std::string head = Status().log().head_position();
  EXPECT_EQ(Status().clock().state(), "right");
  Set(73 * 365 * kDay);
  EXPECT_EQ(Submit(2), "CLOCK_STEPPED");
  const adm::GetStatusResponse status = Status();
  EXPECT_TRUE(status.ready());
  EXPECT_EQ(status.clock().state(), "stepped");
  EXPECT_TRUE(absl::StrContains(status.clock().message(), "`fiscal admin clock accept`"));
  EXPECT_EQ(status.log().head_position(), head);
  const std::string metrics = HttpGet(admin_port_, "/metrics").body;
  EXPECT_TRUE(absl::StrContains(metrics, "fiscal_clock_state{state=\"stepped\"} 1\n"));
  // Reads go on.
  EXPECT_EQ(AsOf(kDay), last_);
  Set(0);
  EXPECT_EQ(Submit(2), "");
  EXPECT_LE(HeadAhead(), 0);
}

TEST_F(ClockTest, AStartFarFromTheLogIsReadOnlyUntilAnOperatorSaysSo) {
  ASSERT_EQ(Submit(1), "");
  const std::string before = last_;
  Start(401 * kDay);
  EXPECT_EQ(Submit(2), "CLOCK_NOT_ACCEPTED");
  EXPECT_EQ(Status().clock().state(), "not_accepted");
  EXPECT_EQ(AsOf(kDay), before);
  EXPECT_TRUE(absl::StrContains(ReadFile(dir_.path() + "/stderr"),
                                "the clock is not believed: writes are refused"));
  const adm::AcceptClockResponse accepted = Accept();
  EXPECT_TRUE(accepted.created());
  EXPECT_LT(accepted.before_time().seconds(), accepted.commit_time().seconds());
  EXPECT_FALSE(Accept().created());
  EXPECT_EQ(Submit(2), "");
  EXPECT_EQ(AsOf(kDay), before);
}

// What field cases met: a log that has events of a year to come.
TEST_F(ClockTest, ALogThatIsAheadIsBroughtBack) {
  ASSERT_EQ(Submit(1), "");
  const std::string before = last_;
  Start(401 * kDay);
  Accept();
  ASSERT_EQ(Submit(2), "");
  Start(0);
  EXPECT_EQ(Submit(3), "CLOCK_NOT_ACCEPTED");
  EXPECT_GT(HeadAhead(), 400 * kDay);
  EXPECT_EQ(AsOf(kDay), before);
  const adm::AcceptClockResponse accepted = Accept();
  EXPECT_TRUE(accepted.created());
  EXPECT_GT(accepted.before_time().seconds(), accepted.commit_time().seconds());
  ASSERT_EQ(Submit(3), "");
  EXPECT_LE(HeadAhead(), 0);
  EXPECT_EQ(AsOf(1), last_);
  EXPECT_EQ(AsOf(401 * kDay), last_);
  // The next process finds nothing wrong, and the same answers.
  Start(0);
  EXPECT_EQ(Status().clock().state(), "right");
  EXPECT_EQ(AsOf(1), last_);
  ASSERT_EQ(Submit(4), "");
  grpc::ClientContext context;
  adm::VerifyResponse verified;
  ASSERT_TRUE(adm::AdminService::NewStub(channel_)->Verify(&context, {}, &verified).ok());
  EXPECT_TRUE(verified.ok());
}

// A copy takes over the correction, and answers the same.
TEST_F(ClockTest, ACopyGoesBackWithItsLog) {
  Start(401 * kDay);
  Accept();
  ASSERT_EQ(Submit(1), "");
  Start(0);
  Accept();
  ASSERT_EQ(Submit(2), "");
  ServeOptions copy = options_;
  copy.role = "aggregation";
  copy.log_address = options_.listen;
  copy.data_dir = dir_.path() + "/copy";
  copy.listen = absl::StrCat("127.0.0.1:", FreePort());
  copy.admin_listen = "";
  ServerChild reader(copy);
  channel_ = ConnectTo(copy.listen);
  ASSERT_TRUE(AwaitServing(channel_));
  agg::GetTotalRequest request;
  request.mutable_filter()->set_division_code("141100");
  request.mutable_filter()->set_fiscal_year(2024);
  request.mutable_filter()->set_stage(budget::v1::STAGE_APPROVED);
  request.mutable_filter()->set_direction(budget::v1::DIRECTION_EXPENDITURE);
  request.mutable_consistency()->set_at_least(last_);
  grpc::ClientContext context;
  agg::GetTotalResponse response;
  ASSERT_TRUE(
      agg::AggregationService::NewStub(channel_)->GetTotal(&context, request, &response).ok());
  EXPECT_EQ(AsOf(1), last_);
  EXPECT_FALSE(Status().has_clock());
  grpc::ClientContext refused;
  adm::AcceptClockResponse unused;
  EXPECT_EQ(
      client::ToError(adm::AdminService::NewStub(channel_)->AcceptClock(&refused, {}, &unused))
          .reason,
      "NOT_THE_WRITER");
}

}  // namespace
}  // namespace fiscal::testing

int main(int argc, char** argv) {
  if (const char* file = std::getenv(kShiftFile); file != nullptr) shift = MapShift(file);
  if (const auto code = fiscal::testing::ServeIfAsked(argc, argv)) return *code;
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
