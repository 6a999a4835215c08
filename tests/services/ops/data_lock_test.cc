// One process owns a data directory; who comes second is told who the first is.
#include "services/ops/data_lock.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace fiscal::services {
namespace {

class DataLockTest : public ::testing::Test {
 protected:
  DataLockTest() {
    char name[] = "/tmp/fiscal-ops-XXXXXX";
    dir_ = mkdtemp(name);
  }
  ~DataLockTest() override { std::filesystem::remove_all(dir_); }
  std::string dir_;
};

TEST_F(DataLockTest, OneProcessOwnsADataDirectory) {
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

}  // namespace
}  // namespace fiscal::services
