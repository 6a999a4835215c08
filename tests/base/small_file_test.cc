#include "base/small_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace fiscal {
namespace {

class SmallFileTest : public ::testing::Test {
 protected:
  SmallFileTest()
      : folder_((std::filesystem::temp_directory_path() /
                 absl::StrCat("fiscal-small-file-test-", getpid()))
                    .string()) {
    std::filesystem::create_directory(folder_);
  }
  ~SmallFileTest() override { std::filesystem::remove_all(folder_); }

  int Files() const {
    int files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) files += entry.exists();
    return files;
  }

  const std::string folder_;
};

TEST_F(SmallFileTest, IsWrittenWholeOrNotAtAll) {
  const std::string path = folder_ + "/a";
  ASSERT_TRUE(WriteWholeFile(path, "first", 0644, IfThere::kReplace).ok());
  ASSERT_TRUE(WriteWholeFile(path, "second", 0644, IfThere::kReplace).ok());
  EXPECT_EQ(*ReadSmallFile(path), "second");
  EXPECT_TRUE(
      absl::IsUnavailable(WriteWholeFile(folder_ + "/none/a", "x", 0644, IfThere::kReplace)));
  // What can't take its name is removed.
  std::filesystem::create_directory(folder_ + "/taken");
  ASSERT_TRUE(WriteWholeFile(folder_ + "/taken/b", "x", 0644, IfThere::kReplace).ok());
  EXPECT_TRUE(
      absl::IsUnavailable(WriteWholeFile(folder_ + "/taken", "x", 0644, IfThere::kReplace)));
  EXPECT_EQ(Files(), 2);
}

TEST_F(SmallFileTest, AFileThatIsThereIsKept) {
  const std::string path = folder_ + "/key";
  ASSERT_TRUE(WriteWholeFile(path, "first", 0600, IfThere::kRefuse).ok());
  struct stat info;
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  const absl::Status again = WriteWholeFile(path, "second", 0600, IfThere::kRefuse);
  EXPECT_TRUE(absl::IsAlreadyExists(again)) << again;
  EXPECT_EQ(*ReadSmallFile(path), "first");
  EXPECT_EQ(Files(), 1);
}

}  // namespace
}  // namespace fiscal
