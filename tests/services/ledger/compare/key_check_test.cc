// A store against what must be in it: missing, surplus and other keys are named.
#include "services/ledger/compare/key_check.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "storage/memory/memory_kv.h"
#include "storage/schema.h"

namespace fiscal::services {
namespace {

class KeyCheckTest : public ::testing::Test {
 protected:
  KeyCheckTest() : kv_(*storage::MemoryKv::Open(disk_, {true, nullptr})) {}
  void Put(storage::Key key, const std::string& value) {
    storage::Batch batch;
    batch.Put(std::move(key), value);
    ASSERT_TRUE(kv_->Write(batch, false).ok());
  }
  std::string Found() const { return absl::StrJoin(differences_.list(), "; "); }

  storage::MemoryDisk disk_;
  std::unique_ptr<storage::MemoryKv> kv_;
  Differences differences_;
};

TEST_F(KeyCheckTest, KeysInOrderAreComparedOneByOne) {
  for (uint64_t p : {1, 2, 4}) Put(storage::PostingKey(domain::Position(p)), "v");
  Put(storage::PostingKey(domain::Position(1)), "v");
  OrderedKeys keys(*kv_, storage::KeysOf(storage::KeyKind::kPosting), differences_);
  ASSERT_TRUE(keys.Expect(storage::PostingKey(domain::Position(1)), "v").ok());
  ASSERT_TRUE(keys.Expect(storage::PostingKey(domain::Position(3)), "v").ok());
  ASSERT_TRUE(keys.Expect(storage::PostingKey(domain::Position(4)), "other").ok());
  ASSERT_TRUE(keys.Finish().ok());
  EXPECT_EQ(Found(), "posting 2: surplus; posting 3: missing; posting 4: not the same");
}

TEST_F(KeyCheckTest, WhereNoneIsExpectedAllAreSurplus) {
  Put(storage::PostingKey(domain::Position(1)), "v");
  Put(storage::PostingKey(domain::Position(1)), "v");
  OrderedKeys keys(*kv_, storage::KeysOf(storage::KeyKind::kPosting), differences_);
  ASSERT_TRUE(keys.Finish().ok());
  EXPECT_EQ(Found(), "posting 1: surplus");
}

// The status of an agency at a position.
storage::Key At(const std::string& agency, domain::Position position) {
  return storage::StatusKey({141100, 2024, domain::Stage::kApproved, agency}, position);
}
storage::KeyRange All() { return storage::KeysOf(storage::KeyKind::kStatus); }
std::string Named(const std::string& agency) {
  return absl::StrCat("status of year 2024 stage 3 division 141100 agency ", agency);
}

TEST_F(KeyCheckTest, StatesAreComparedByTheSumOfTheirHashes) {
  const auto never = [] { return absl::OkStatus(); };
  for (uint64_t at : {1, 2, 9}) Put(At("same", domain::Position(at)), absl::StrCat("v", at));
  Put(At("other", domain::Position(1)), "v");
  Put(At("surplus", domain::Position(1)), "v");
  Put(At("young", domain::Position(9)), "v");
  StateSums sums;
  // In any order; what is younger than the position is not compared.
  sums.Add(At("same", domain::Position(2)), "v2");
  sums.Add(At("same", domain::Position(1)), "v1");
  sums.Add(At("other", domain::Position(1)), "w");
  sums.Add(At("gone", domain::Position(1)), "v");
  EXPECT_GT(sums.bytes(), 0u);
  ASSERT_TRUE(sums.Compare(*kv_, All(), domain::Position(5), never, &differences_).ok());
  EXPECT_EQ(Found(), absl::StrCat(Named("other"), ": not the same; ", Named("surplus"),
                                  ": surplus; ", Named("gone"), ": missing"));
  EXPECT_EQ(sums.bytes(), 0u);
}

TEST_F(KeyCheckTest, WhatIsForgottenIsNotMissed) {
  Put(At("kept", domain::Position(1)), "v");
  StateSums sums;
  sums.Add(At("kept", domain::Position(1)), "v");
  sums.Add(At("forgotten", domain::Position(1)), "v");
  const storage::Key key = At("kept", domain::Position(1));
  const std::optional<storage::StateKey> kept = storage::SplitState(key);
  ASSERT_TRUE(kept.has_value());
  sums.Forget([&](storage::KeyView of) { return of == kept->of; });
  ASSERT_TRUE(
      sums.Compare(
              *kv_, All(), domain::Position(5), [] { return absl::OkStatus(); }, &differences_)
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
