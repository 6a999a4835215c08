// What a moment's text looks like, which texts are taken, and what a bound one is held against.
#include "domain/moment.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace fiscal::domain {
namespace {

constexpr char kLogId[] = "\x9f\x3c-of-this-log!!";
constexpr char kOtherId[] = "\x9f\x3d-of-another-!!";

Digest ChainOf(uint8_t first) {
  Digest digest{};
  digest = {0x2a, 0xb8, 0x1d, first, 0xff};
  return digest;
}

TEST(MomentTest, TextsAndWhatTheyMean) {
  struct Row {
    const char* text;
    // Position and "bound", or nothing for a text that is refused.
    const char* means;
  };
  for (const Row& row : {
           Row{"0", "0"},
           Row{"240", "240"},
           Row{"18446744073709551615", "18446744073709551615"},
           Row{"240-9f3c2ab81d04", "240 bound"},
           Row{"18446744073709551615-000000000000", "18446744073709551615 bound"},
           Row{"", ""},
           Row{"-", ""},
           Row{"x", ""},
           Row{"-1", ""},
           Row{" 240", ""},
           Row{"240 ", ""},
           Row{"+240", ""},
           Row{"18446744073709551616", ""},
           Row{"240-", ""},
           Row{"-9f3c2ab81d04", ""},
           Row{"240-9f3c2ab81d0", ""},
           Row{"240-9f3c2ab81d041", ""},
           Row{"240-9F3C2AB81D04", ""},
           Row{"240-9f3c2ab81d0g", ""},
           Row{"240-9f3c-2ab81d0", ""},
           Row{"0-9f3c2ab81d04", ""},
       }) {
    const std::optional<Moment> moment = Moment::Parse(row.text);
    ASSERT_EQ(moment.has_value(), *row.means != '\0') << row.text;
    if (!moment.has_value()) continue;
    EXPECT_EQ(absl::StrCat(moment->position().value(), moment->bound() ? " bound" : ""), row.means);
    EXPECT_EQ(moment->Text(), row.text);
  }
}

TEST(MomentTest, ATextIsOfOneLogAndOneHistory) {
  const Moment moment(Position(240), kLogId, ChainOf(0x04));
  EXPECT_EQ(moment.Text(), "240-9f3c2ab81d04");
  EXPECT_EQ(Moment::Parse("240-9f3c2ab81d04"), moment);
  EXPECT_TRUE(moment.MayBeOf(kLogId));
  EXPECT_FALSE(moment.MayBeOf(kOtherId));
  EXPECT_TRUE(moment.MayHave(ChainOf(0x04)));
  EXPECT_FALSE(moment.MayHave(ChainOf(0x05)));

  const Moment unbound(Position(240));
  EXPECT_EQ(unbound.Text(), "240");
  EXPECT_TRUE(unbound.MayBeOf(kOtherId));
  EXPECT_TRUE(unbound.MayHave(ChainOf(0x05)));
  EXPECT_FALSE(unbound == moment);

  // Every history begins with the same nothing.
  EXPECT_EQ(Moment(Position(), kLogId, Digest{}), Moment());
  EXPECT_EQ(Moment().Text(), "0");
}

TEST(MomentTest, TheLaterOfTwoCoversBoth) {
  const Moment early(Position(3)), late(Position(240), kLogId, ChainOf(0x04));
  EXPECT_TRUE(late.Covers(early));
  EXPECT_FALSE(early.Covers(late));
  EXPECT_TRUE(early.Covers(early));
  EXPECT_EQ(Moment::Join(early, late), late);
  EXPECT_EQ(Moment::Join(late, early), late);
  EXPECT_EQ(Moment::Join(Moment(), early), early);
}

}  // namespace
}  // namespace fiscal::domain
