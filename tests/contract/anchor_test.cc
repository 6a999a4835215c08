#include "storage/anchor.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace fiscal::storage {
namespace {

AnchorState State(uint64_t position) {
  AnchorState s{"0123456789abcdef", domain::Position(position), {}};
  s.chain_hash[0] = static_cast<uint8_t>(position);
  return s;
}

TEST(AnchorTest, TheFileHoldsTheLastStateAcrossOpenings) {
  const std::string path =
      (std::filesystem::temp_directory_path() / absl::StrCat("fiscal-anchor-", getpid())).string();
  std::filesystem::remove(path);
  EXPECT_TRUE(absl::IsNotFound(FileAnchor(path).Read().status()));
  for (uint64_t p = 1; p <= 5; ++p) {
    FileAnchor anchor(path);
    ASSERT_TRUE(anchor.Write(State(p)).ok());
    ASSERT_TRUE(anchor.Write(State(p + 10)).ok());
    FileAnchor other(path);
    EXPECT_EQ(*other.Read(), State(p + 10));
  }
  // Both slots damaged: said, not guessed.
  {
    std::ofstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    for (size_t offset : {size_t{20}, kAnchorSlotBytes + 20}) {
      file.seekp(static_cast<std::streamoff>(offset));
      file.put('\x5a');
      file.put('\xa5');
    }
  }
  EXPECT_TRUE(absl::IsDataLoss(FileAnchor(path).Read().status()));
  std::filesystem::remove(path);
}

TEST(AnchorTest, ATornWriteLeavesTheStateBeforeOrAfter) {
  for (size_t bytes = 0; bytes <= kAnchorSlotBytes; bytes += 32) {
    MemoryAnchorDisk disk;
    MemoryAnchor anchor(disk);
    ASSERT_TRUE(anchor.Write(State(1)).ok());
    ASSERT_TRUE(anchor.Write(State(2)).ok());
    disk.FailWrite(1, absl::UnavailableError("power"), bytes);
    EXPECT_FALSE(anchor.Write(State(3)).ok());
    EXPECT_FALSE(anchor.Write(State(4)).ok());  // refuses until opened anew
    MemoryAnchor after(disk);
    const auto state = after.Read();
    ASSERT_TRUE(state.ok()) << bytes;
    EXPECT_TRUE(*state == State(2) || *state == State(3)) << bytes;
    if (bytes == kAnchorSlotBytes) {
      EXPECT_EQ(*state, State(3));
    }
    if (bytes == 0) {
      EXPECT_EQ(*state, State(2));
    }
  }
}

TEST(AnchorTest, EveryFlippedByteLeavesAWholeState) {
  MemoryAnchorDisk disk;
  MemoryAnchor anchor(disk);
  ASSERT_TRUE(anchor.Write(State(1)).ok());
  ASSERT_TRUE(anchor.Write(State(2)).ok());
  const std::string image = disk.image();
  ASSERT_EQ(image.size(), kAnchorFileBytes);
  for (size_t i = 0; i < image.size(); ++i) {
    std::string damaged = image;
    damaged[i] ^= '\x40';
    disk.set_image(damaged);
    MemoryAnchor reader(disk);
    const auto state = reader.Read();
    ASSERT_TRUE(state.ok()) << i;
    EXPECT_TRUE(*state == State(1) || *state == State(2)) << i;
  }
}

}  // namespace
}  // namespace fiscal::storage
