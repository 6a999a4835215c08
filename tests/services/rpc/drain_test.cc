// Open calls are told once that the process stops; later ones are not let in.
#include "services/rpc/drain.h"

#include "gtest/gtest.h"

namespace fiscal::services::rpc {
namespace {

class OpenCall final : public Drainable {
 public:
  void OnDrain() override { ++told; }
  int told = 0;
};

TEST(DrainSignalTest, TellsEachOpenCallOnce) {
  DrainSignal signal;
  OpenCall open, left, late;
  EXPECT_TRUE(signal.Add(&open));
  EXPECT_TRUE(signal.Add(&left));
  signal.Remove(&left);
  signal.Drain();
  EXPECT_EQ(open.told, 1);
  EXPECT_EQ(left.told, 0) << "it had ended";
  EXPECT_FALSE(signal.Add(&late));
  signal.Drain();
  EXPECT_EQ(open.told, 1);
  EXPECT_EQ(late.told, 0);
  // Its end after that is no surprise.
  signal.Remove(&open);
}

}  // namespace
}  // namespace fiscal::services::rpc
