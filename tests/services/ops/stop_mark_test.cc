// A process knows how the one before it ended, whatever that had time to say.
#include "services/ops/stop_mark.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "gtest/gtest.h"

namespace fiscal::services {
namespace {

class StopMarkTest : public ::testing::Test {
 protected:
  StopMarkTest() {
    char name[] = "/tmp/fiscal-ops-XXXXXX";
    dir_ = mkdtemp(name);
  }
  ~StopMarkTest() override { std::filesystem::remove_all(dir_); }
  std::string dir_;
};

TEST_F(StopMarkTest, AProcessKnowsHowTheOneBeforeItEnded) {
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

}  // namespace
}  // namespace fiscal::services
