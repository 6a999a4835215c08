// A disk that is nearly full is low until there is a margin again.
#include "services/ops/disk_guard.h"

#include <cstdlib>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace fiscal::services {
namespace {

class DiskGuardTest : public ::testing::Test {
 protected:
  DiskGuardTest() {
    char name[] = "/tmp/fiscal-ops-XXXXXX";
    dir_ = mkdtemp(name);
  }
  ~DiskGuardTest() override { std::filesystem::remove_all(dir_); }
  std::string dir_;
};

TEST_F(DiskGuardTest, TheDiskIsLowUntilThereIsAMarginAgain) {
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

}  // namespace
}  // namespace fiscal::services
