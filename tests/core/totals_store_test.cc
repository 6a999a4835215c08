// States of nodes in their store: which whole one a state is told by.
#include "storage/totals_store.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "storage/memory/memory_kv.h"

namespace fiscal::storage {
namespace {

using domain::Position;

class TotalsStoreTest : public ::testing::Test {
 protected:
  // Every second position up to 200 is a posting of the node; some states are whole. Its neighbours
  // in keys have whole states everywhere.
  TotalsStoreTest() {
    for (uint64_t p = 2; p <= 200; p += 2)
      Put(node_, p, p == 40 || p == 120 || p == 126 || p == 190);
    for (const char* other : {"100", "102"}) {
      for (uint64_t p = 1; p <= 201; ++p) Put(Node(other), p, true);
    }
  }
  static domain::NodeId Node(const char* department) {
    return {{domain::OrgType::kDepartment, 141100, department}, 2024, domain::Stage::kApproved};
  }
  void Put(const domain::NodeId& id, uint64_t position, bool whole) {
    domain::Fold::State state{id, Position(position), nullptr};
    if (whole) {
      auto cells = std::make_unique<domain::NodeCells>();
      cells->Add(domain::CellKind::kNone, 1, domain::CellValue{static_cast<int64_t>(position), {}});
      state.whole = std::move(cells);
    }
    Batch batch;
    TotalsStore::StageState(state, &batch);
    // Of the postings only the size is looked at.
    batch.Put(PostingKey(Position(position)), std::string(position == 190 ? 10000 : 5, 'p'));
    ASSERT_TRUE(kv_->Write(std::move(batch), false).ok());
  }
  // "WHOLE_AT FIRST..LAST of what is added", or taken away.
  std::string Told(uint64_t at) const {
    const auto state = store_.ReadNode(node_, Position(at));
    if (!state.ok()) return state.status().ToString();
    std::string told = absl::StrCat(state->whole_at.value(), state->whole.empty() ? " none" : "");
    if (state->postings.empty()) return told;
    Position before(0);
    for (const Position p : state->postings) {
      EXPECT_TRUE(before == Position(0) || p - before == 2) << at;
      before = p;
    }
    return absl::StrCat(told, state->later ? " less " : " and ", state->postings.front().value(),
                        "..", state->postings.back().value());
  }

  const domain::NodeId node_ = Node("101");
  MemoryDisk disk_;
  std::unique_ptr<MemoryKv> kv_ = *MemoryKv::Open(disk_, {});
  TotalsStore store_{*kv_};
};

TEST_F(TotalsStoreTest, AStateIsToldByTheNearerWholeOne) {
  EXPECT_EQ(Told(1), "0 none");
  EXPECT_EQ(Told(2), "0 none and 2..2");
  EXPECT_EQ(Told(19), "0 none and 2..18");
  // From here on more was posted before it than up to the next whole one.
  EXPECT_EQ(Told(24), "40 less 26..40");
  EXPECT_EQ(Told(38), "40 less 40..40");
  EXPECT_EQ(Told(40), "40");
  EXPECT_EQ(Told(41), "40");
  EXPECT_EQ(Told(78), "40 and 42..78");
  EXPECT_EQ(Told(100), "120 less 102..120");
  EXPECT_EQ(Told(101), "120 less 102..120");
  // A few are read sooner than the other side is looked at.
  EXPECT_EQ(Told(124), "120 and 122..124");
  // What made this one whole is larger than what was posted before it.
  EXPECT_EQ(Told(189), "126 and 128..188");
  EXPECT_EQ(Told(200), "190 and 192..200");
  EXPECT_EQ(Told(1000), "190 and 192..200");
  // With nothing whole after them.
  Put(node_, 230, false);
  for (uint64_t p = 202; p < 230; p += 2) Put(node_, p, false);
  EXPECT_EQ(Told(230), "190 and 192..230");
}

}  // namespace
}  // namespace fiscal::storage
