// The cells of organisations at a position, from memory or from the store; nodes that were read are
// kept while they can't have changed.
#include "services/ledger/fold/totals_view.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/support/ledger_script.h"

namespace fiscal::testing {
namespace {

using services::NodeCache;
using services::TotalsView;

NodeCache::Node Cells(size_t count) {
  auto cells = std::make_shared<domain::NodeCells>();
  domain::CellValue one;
  one.amount_fen = 1;
  for (uint32_t i = 0; i < count; ++i)
    cells->Add(domain::CellKind::kNone, domain::NodeCells::KeyOf(i, 0), one);
  return cells;
}

constexpr domain::Position kAt(9);

TEST(NodeCacheTest, ANodeIsGoodUntilItMayHaveChanged) {
  NodeCache cache;
  domain::NodeId id;
  id.node.division = 141100;
  EXPECT_EQ(cache.Find(id, domain::Position(), kAt), nullptr);
  const NodeCache::Node cells = Cells(3);
  cache.Add(id, domain::Position(7), cells);
  EXPECT_EQ(cache.Find(id, domain::Position(7), kAt), cells);
  EXPECT_EQ(cache.Find(id, domain::Position(8), kAt), nullptr) << "it was read before";
  EXPECT_EQ(cache.Find(id, domain::Position(5), domain::Position(6)), nullptr) << "it is of later";
  id.node.division = 141121;
  EXPECT_EQ(cache.Find(id, domain::Position(), kAt), nullptr);
}

TEST(NodeCacheTest, ForgetsAllWhenItIsFull) {
  NodeCache cache;
  domain::NodeId id;
  const NodeCache::Node many = Cells(200000);
  id.node.division = 1;
  cache.Add(id, domain::Position(1), many);
  // The same again takes no more room.
  cache.Add(id, domain::Position(2), Cells(10));
  EXPECT_NE(cache.Find(id, domain::Position(2), kAt), nullptr);
  id.node.division = 2;
  cache.Add(id, domain::Position(1), many);
  EXPECT_NE(cache.Find(id, domain::Position(1), kAt), nullptr);
  id.node.division = 3;
  cache.Add(id, domain::Position(1), many);
  EXPECT_NE(cache.Find(id, domain::Position(1), kAt), nullptr);
  id.node.division = 2;
  EXPECT_EQ(cache.Find(id, domain::Position(1), kAt), nullptr);
}

// Adds up what it is shown.
class Sum final : public services::CellVisitor {
 public:
  void OnTable(const services::Target&, const domain::CellTable& table) override {
    for (const auto& item : table.items) value.Add(item.value);
  }
  void OnCell(const services::Target&, const std::vector<domain::CellProject>&,
              const domain::CellKey&, const domain::CellValue& cell) override {
    value.Add(cell);
  }
  void OnProjects(const std::vector<domain::CellProject>&) override {}
  domain::CellValue value;
};

class TotalsViewTest : public ::testing::TestWithParam<uint64_t> {
 protected:
  TotalsViewTest() {
    script_.Run(R"(
      divisions 141100
      agencies  141100 101001/101 102001/102
      codes     141100 205 20502 208
      submit r1 141100/101001 l1=20502:10 l2=208:5
      submit r2 141100/102001 l1=208:20
      submit r3 141100/101001 l1=20502:11
    )");
  }
  std::string SumOf(const services::Target& target, domain::CellKind kind,
                    domain::Position position) {
    Sum sum;
    services::Work work;
    const TotalsView view(script_.projector(), cache_, position, 2024, domain::Stage::kApproved);
    const absl::Status status = view.Visit({target}, kind, {}, sum, work);
    EXPECT_TRUE(status.ok()) << status;
    return Yuan(sum.value.amount_fen);
  }
  LedgerScript script_{services::CheckRules, WrittenEvery(GetParam())};
  NodeCache cache_;
};

TEST_P(TotalsViewTest, EachPositionHasItsOwnCells) {
  const services::Target division{{domain::OrgType::kDivision, 141100, ""}, "", 141100};
  const services::Target agency{{domain::OrgType::kAgency, 141100, "101001"}, "101", 141100};
  script_.Fold({"fold"});
  for (int again = 0; again < 2; ++again) {
    EXPECT_EQ(SumOf(division, domain::CellKind::kNone, domain::Position(3)), "0.00");
    EXPECT_EQ(SumOf(division, domain::CellKind::kNone, domain::Position(4)), "15.00");
    EXPECT_EQ(SumOf(division, domain::CellKind::kNone, domain::Position(5)), "35.00");
    EXPECT_EQ(SumOf(division, domain::CellKind::kNone, domain::Position(6)), "31.00");
    EXPECT_EQ(SumOf(agency, domain::CellKind::kLeaf, domain::Position(5)), "15.00");
    EXPECT_EQ(SumOf(agency, domain::CellKind::kLeaf, domain::Position(6)), "11.00");
    // The second time after a start, when nothing is in memory.
    script_.Restart();
    script_.Fold({"fold"});
  }
}

// Whole states stand eight postings apart: some positions are told by the one before them, some by
// the one after them.
TEST_P(TotalsViewTest, EachOfManyPositionsHasItsOwnCells) {
  const services::Target division{{domain::OrgType::kDivision, 141100, ""}, "", 141100};
  for (int i = 1; i <= 40; ++i)
    script_.Run(absl::StrCat("submit m", i, " 141100/102001 l1=208:", i * i));
  script_.Fold({"fold"});
  for (int again = 0; again < 2; ++again) {
    for (int64_t i = 1; i <= 40; ++i) {
      EXPECT_EQ(SumOf(division, domain::CellKind::kNone, domain::Position(6 + i)),
                absl::StrCat(11 + i * i, ".00"))
          << i;
    }
    script_.Restart();
    script_.Fold({"fold"});
  }
}

INSTANTIATE_TEST_SUITE_P(Writes, TotalsViewTest, ::testing::Values(1, 2, 10, 1000));

}  // namespace
}  // namespace fiscal::testing
