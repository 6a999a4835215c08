// Watchers hear what concerns them, one message at a time, until they leave or the process stops.
#include "services/aggregation/watch_hub.h"

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "gtest/gtest.h"
#include "tests/support/ledger_script.h"

namespace fiscal::testing {
namespace {

using services::Watch;
using services::WatchHub;
using services::WatchMessage;

// A reader: a message is out once the test has taken it.
class Reader final : public services::Watcher {
 public:
  Reader(WatchHub& hub, std::unique_ptr<Watch> watch)
      : Watcher("a", std::move(watch), absl::InfiniteDuration()), hub_(hub) {}

  void Send(const WatchMessage& message) override {
    absl::MutexLock lock(&mu_);
    EXPECT_FALSE(message_.has_value()) << "one message in flight";
    message_ = message;
  }
  void End(const absl::Status& status) override {
    absl::MutexLock lock(&mu_);
    EXPECT_FALSE(end_.has_value()) << "ends once";
    end_ = status.ok() ? "OK" : SayRefusal(status);
  }

  // Waits for the next message, takes it, and says so to the hub.
  std::string Take() {
    const std::string said = Peek();
    {
      absl::MutexLock lock(&mu_);
      message_.reset();
    }
    hub_.Sent(this, true);
    return said;
  }
  // Waits for the next message and leaves it on its way.
  std::string Peek() {
    absl::MutexLock lock(&mu_);
    auto there = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return message_.has_value(); };
    mu_.Await(absl::Condition(&there));
    static constexpr absl::string_view kNames[] = {"none",     "snapshot",  "change",
                                                   "progress", "caught up", "fell behind"};
    std::string out =
        absl::StrCat(kNames[static_cast<size_t>(message_->event)], " ", At(message_->position));
    for (const auto& change : message_->changes)
      absl::StrAppend(&out, " ", Yuan(change.row.after.amount_fen));
    return out;
  }
  std::string Ended() {
    absl::MutexLock lock(&mu_);
    auto ended = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return end_.has_value(); };
    mu_.Await(absl::Condition(&ended));
    return *end_;
  }

 private:
  WatchHub& hub_;
  absl::Mutex mu_;
  std::optional<WatchMessage> message_ ABSL_GUARDED_BY(mu_);
  std::optional<std::string> end_ ABSL_GUARDED_BY(mu_);
};

class WatchHubTest : public ::testing::Test {
 protected:
  WatchHubTest() {
    EXPECT_SCRIPT(script_, R"(
      divisions 141100 141121<141100             => revised @1, 2 added
      agencies  141100 101001/101                => revised @2, 1 added
      agencies  141121 201001/201                => revised @3, 1 added
      codes     141100 205 20502                 => revised @4, 2 added
      submit r1 141100/101001 l1=20502:10        => created r1 @5, 1 line
      total 141100                               => 10.00 @5
    )");
    hub_ = std::make_unique<WatchHub>(script_.projector(), WatchHub::Options{2});
  }

  std::shared_ptr<Reader> NewReader(const Words& filter) {
    Watch::Options options;
    options.totals.push_back({FilterOf(filter), GroupByOf(filter)});
    return std::make_shared<Reader>(
        *hub_, std::make_unique<Watch>(script_.projector(), script_.reader(), options));
  }
  // Written and folded.
  void Submit(const std::string& row) {
    script_.Run(row);
    script_.Fold({"fold"});
  }

  LedgerScript script_{services::CheckRules};
  std::unique_ptr<WatchHub> hub_;
};

TEST_F(WatchHubTest, AWatcherHearsWhatConcernsIt) {
  const auto city = NewReader({"f", "141100"}), county = NewReader({"f", "141121"});
  ASSERT_TRUE(hub_->Add(city).ok());
  ASSERT_TRUE(hub_->Add(county).ok());
  EXPECT_EQ(city->Take(), "snapshot @5 10.00");
  EXPECT_EQ(city->Take(), "caught up @5");
  EXPECT_EQ(county->Take(), "snapshot @5 0.00");
  EXPECT_EQ(county->Take(), "caught up @5");
  Submit("submit r2 141100/101001 l1=20502:11");
  EXPECT_EQ(city->Take(), "change @6 11.00");
  // The county hears of what is its own next.
  Submit("submit r3 141121/201001 l1=20502:1");
  EXPECT_EQ(city->Take(), "change @7 12.00");
  EXPECT_EQ(county->Take(), "change @7 1.00");
  EXPECT_EQ(hub_->counts().messages_sent, 7);
  hub_->Drain();
  EXPECT_EQ(city->Ended(), "DRAINING");
  EXPECT_EQ(county->Ended(), "DRAINING");
}

// Whoever does not read has one message on its way and costs nobody anything.
TEST_F(WatchHubTest, ASlowReaderDelaysNobody) {
  const auto slow = NewReader({"f", "141100"}), other = NewReader({"f", "141100"});
  ASSERT_TRUE(hub_->Add(slow).ok());
  EXPECT_EQ(slow->Peek(), "snapshot @5 10.00");
  ASSERT_TRUE(hub_->Add(other).ok());
  EXPECT_EQ(other->Take(), "snapshot @5 10.00");
  EXPECT_EQ(other->Take(), "caught up @5");
  Submit("submit r2 141100/101001 l1=20502:11");
  Submit("submit r3 141100/101001 l1=20502:12");
  EXPECT_EQ(other->Take(), "change @6 11.00");
  EXPECT_EQ(other->Take(), "change @7 12.00");
  EXPECT_EQ(hub_->counts().sending, 1u);
  // It hears all of it when it reads again.
  EXPECT_EQ(slow->Take(), "snapshot @5 10.00");
  EXPECT_EQ(slow->Take(), "change @6 11.00");
  EXPECT_EQ(slow->Take(), "change @7 12.00");
  EXPECT_EQ(slow->Take(), "caught up @7");
}

TEST_F(WatchHubTest, ItsNumberIsBoundedAndWhoLeavesMakesRoom) {
  const auto a = NewReader({"f", "141100"}), b = NewReader({"f", "141100"});
  ASSERT_TRUE(hub_->Add(a).ok());
  ASSERT_TRUE(hub_->Add(b).ok());
  EXPECT_EQ(SayRefusal(hub_->Add(NewReader({"f", "141100"}))), "WATCHERS_TOO_MANY");
  // With a message on its way it ends when that is out, or can't be.
  a->Peek();
  hub_->Cancel(a.get());
  hub_->Sent(a.get(), false);
  EXPECT_EQ(a->Ended().substr(0, 9), "CANCELLED");
  const auto c = NewReader({"f", "141100"});
  ASSERT_TRUE(hub_->Add(c).ok());
  for (const auto& reader : {b, c}) {
    EXPECT_EQ(reader->Take(), "snapshot @5 10.00");
    EXPECT_EQ(reader->Take(), "caught up @5");
  }
}

TEST_F(WatchHubTest, AWatchThatCantGoOnEndsItsCall) {
  const auto unknown = NewReader({"f", "149900"});
  ASSERT_TRUE(hub_->Add(unknown).ok());
  EXPECT_EQ(unknown->Ended(), "DIVISION_UNKNOWN");
}

TEST_F(WatchHubTest, NobodyComesAfterADrain) {
  hub_->Drain();
  EXPECT_EQ(SayRefusal(hub_->Add(NewReader({"f", "141100"}))), "DRAINING");
}

}  // namespace
}  // namespace fiscal::testing
