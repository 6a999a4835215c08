// What a position can do, and that it is taken for no number.
#include "domain/position.h"

#include <cstdint>
#include <type_traits>
#include <utility>

#include "absl/hash/hash_testing.h"
#include "gtest/gtest.h"

namespace fiscal::domain {
namespace {

static_assert(!std::is_convertible_v<uint64_t, Position>);
static_assert(!std::is_convertible_v<Position, uint64_t>);
template <typename A, typename B>
concept Comparable = requires(A a, B b) {
  a < b;
};
template <typename A, typename B>
concept Addable = requires(A a, B b) {
  a + b;
};
static_assert(Comparable<Position, Position> && !Comparable<Position, uint64_t>);
static_assert(Addable<Position, uint64_t> && !Addable<Position, Position>);

TEST(PositionTest, HasAnOrderAndADistance) {
  const Position start, first(1), later(240);
  EXPECT_TRUE(start.zero());
  EXPECT_EQ(start.Next(), first);
  EXPECT_EQ(first.Prev(), start);
  EXPECT_LT(first, later);
  EXPECT_LT(later, Position::Max());
  EXPECT_EQ(later - first, 239u);
  EXPECT_EQ(first + 239, later);
  Position at = first;
  EXPECT_EQ(++at, Position(2));
  EXPECT_EQ(later.value(), 240u);
  EXPECT_TRUE(absl::VerifyTypeImplementsAbslHashCorrectly({start, first, later}));
}

}  // namespace
}  // namespace fiscal::domain
