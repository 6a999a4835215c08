// A store against what must be in it: missing, surplus and other keys are named.
#include "services/ledger/compare/key_check.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/coding.h"
#include "gtest/gtest.h"
#include "storage/memory/memory_kv.h"

namespace fiscal::services {
namespace {

std::string Name(absl::string_view key) { return absl::StrCat("key ", std::string(key)); }

class KeyCheckTest : public ::testing::Test {
 protected:
  KeyCheckTest() : kv_(*storage::MemoryKv::Open(disk_, {true, nullptr})) {}
  void Put(const std::string& key, const std::string& value) {
    storage::Batch batch;
    batch.Put(key, value);
    ASSERT_TRUE(kv_->Write(batch, false).ok());
  }
  std::string Found() const { return absl::StrJoin(differences_.list(), "; "); }

  storage::MemoryDisk disk_;
  std::unique_ptr<storage::MemoryKv> kv_;
  Differences differences_;
};

TEST_F(KeyCheckTest, KeysInOrderAreComparedOneByOne) {
  for (const char* key : {"b1", "b2", "b4", "c1"}) Put(key, "v");
  OrderedKeys keys(*kv_, "b", "c", Name, differences_);
  ASSERT_TRUE(keys.Expect("b1", "v").ok());
  ASSERT_TRUE(keys.Expect("b3", "v").ok());
  ASSERT_TRUE(keys.Expect("b4", "other").ok());
  ASSERT_TRUE(keys.Finish().ok());
  EXPECT_EQ(Found(), "key b2: surplus; key b3: missing; key b4: not the same");
}

TEST_F(KeyCheckTest, WhereNoneIsExpectedAllAreSurplus) {
  Put("b1", "v");
  Put("c1", "v");
  OrderedKeys keys(*kv_, "b", "c", Name, differences_);
  ASSERT_TRUE(keys.Finish().ok());
  EXPECT_EQ(Found(), "key b1: surplus");
}

// A key with its stride behind it, inverted.
std::string At(const std::string& key, uint64_t stride) {
  std::string bytes = key;
  PutU64(&bytes, ~stride);
  return bytes;
}

TEST_F(KeyCheckTest, StatesAreComparedByTheSumOfTheirHashes) {
  const auto never = [] { return absl::OkStatus(); };
  for (uint64_t stride : std::vector<uint64_t>{1, 2, 9}) Put(At("same", stride), absl::StrCat("v", stride));
  Put(At("other", 1), "v");
  Put(At("surplus", 1), "v");
  Put(At("young", 9), "v");
  StateSums sums;
  // In any order; what is younger than the stride is not compared.
  sums.Add(At("same", 2), "v2");
  sums.Add(At("same", 1), "v1");
  sums.Add(At("other", 1), "w");
  sums.Add(At("gone", 1), "v");
  EXPECT_GT(sums.bytes(), 0u);
  ASSERT_TRUE(sums.Compare(*kv_, "a", "z", 5, Name, never, &differences_).ok());
  EXPECT_EQ(Found(), "key other: not the same; key surplus: surplus; key gone: missing");
  EXPECT_EQ(sums.bytes(), 0u);
}

TEST_F(KeyCheckTest, WhatIsForgottenIsNotMissed) {
  Put(At("kept", 1), "v");
  StateSums sums;
  sums.Add(At("kept", 1), "v");
  sums.Add(At("forgotten", 1), "v");
  sums.Forget([](absl::string_view key) { return key == "kept"; });
  ASSERT_TRUE(sums.Compare(
                      *kv_, "a", "z", 5, Name, [] { return absl::OkStatus(); }, &differences_)
                  .ok());
  EXPECT_EQ(Found(), "");
}

TEST_F(KeyCheckTest, OnlyTheFirstDifferencesAreTold) {
  for (size_t i = 0; i < 2 * Differences::kMax; ++i) differences_.Add(absl::StrCat(i));
  EXPECT_EQ(differences_.list().size(), Differences::kMax);
  EXPECT_EQ(differences_.list()[0], "0");
}

}  // namespace
}  // namespace fiscal::services
