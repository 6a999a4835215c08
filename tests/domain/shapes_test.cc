// The shapes of fields, a row for each edge.
#include "domain/shapes.h"

#include <string>

#include "gtest/gtest.h"

namespace fiscal::domain {
namespace {

TEST(ShapesTest, ADivisionHasSixDigits) {
  EXPECT_TRUE(IsDivision(ParseDivision("141100")));
  EXPECT_TRUE(IsDivision(ParseDivision("141100000")));
  for (const char* wrong : {"", "14110", "041100", "1411000", "141100001", "14110a", " 141100"})
    EXPECT_FALSE(IsDivision(ParseDivision(wrong))) << wrong;
  EXPECT_FALSE(IsDivision(99999));
  EXPECT_FALSE(IsDivision(1000000));
}

TEST(ShapesTest, AFiscalYearIs1949To2999) {
  EXPECT_TRUE(IsFiscalYear(1949));
  EXPECT_TRUE(IsFiscalYear(2999));
  EXPECT_FALSE(IsFiscalYear(1948));
  EXPECT_FALSE(IsFiscalYear(3000));
  EXPECT_FALSE(IsFiscalYear(-2024));
  EXPECT_FALSE(IsFiscalYear(int64_t{1} << 32 | 2024));
}

TEST(ShapesTest, CodesAndRequestIdsArePrintableAscii) {
  EXPECT_TRUE(IsUnitCode(std::string(32, '0')));
  EXPECT_FALSE(IsUnitCode(std::string(33, '0')));
  EXPECT_TRUE(IsRequestId(std::string(64, '~')));
  EXPECT_FALSE(IsRequestId(std::string(65, '~')));
  for (const char* wrong : {"", "a b", "部门", "a\n", "\x7f"}) {
    EXPECT_FALSE(IsUnitCode(wrong)) << wrong;
    EXPECT_FALSE(IsRequestId(wrong)) << wrong;
  }
}

TEST(ShapesTest, AnItemIdIsCountedInCharacters) {
  std::string chinese;
  for (int i = 0; i < 64; ++i) chinese += "行";
  EXPECT_TRUE(IsItemId(chinese));
  EXPECT_FALSE(IsItemId(chinese + "a"));
  EXPECT_TRUE(IsItemId("行 1"));
  EXPECT_TRUE(IsItemId(std::string(64, 'a')));
  EXPECT_FALSE(IsItemId(std::string(65, 'a')));
  for (const char* wrong : {"", "a\tb", "a\nb", "\xff"}) EXPECT_FALSE(IsItemId(wrong)) << wrong;
}

TEST(ShapesTest, ANoteMayHaveLines) {
  EXPECT_TRUE(IsNote(""));
  EXPECT_TRUE(IsNote("一\n二"));
  EXPECT_TRUE(IsNote(std::string(500, 'a')));
  EXPECT_FALSE(IsNote(std::string(501, 'a')));
  EXPECT_FALSE(IsNote("\x01"));
}

}  // namespace
}  // namespace fiscal::domain
