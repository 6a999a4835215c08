// Positions, pages and times, between messages and the domain.
#include "services/wire/text_wire.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "domain/reason.h"
#include "gtest/gtest.h"

namespace fiscal::services::wire {
namespace {

// The field and what is wrong with it.
std::string Violations(const absl::Status& status) {
  std::string said;
  for (const domain::Violation& v : domain::Explain(status).refusal.violations)
    absl::StrAppend(&said, v.field, ": ", v.message, ";");
  return said;
}

TEST(TextWireTest, APositionThatIsNoneNamesItsField) {
  EXPECT_EQ(ParsePosition("7", "position")->position(), domain::Position(7));
  EXPECT_TRUE(ParsePosition("240-9f3c2ab81d04", "position")->bound());
  for (const char* text : {"", "x", "-7", "7-", "7-9f3c", "7-9F3C2AB81D04", "0-9f3c2ab81d04"}) {
    const auto refused = ParsePosition(text, "consistency.exactly");
    EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_EQ(
        Violations(refused.status()),
        absl::StrCat(
            "consistency.exactly: must be a position as an answer gave it, or its digits, not '",
            text, "';"));
  }
  // What is echoed is bounded.
  const auto large = ParsePosition(std::string(1 << 20, 'x'), "position");
  EXPECT_LT(large.status().ToString().size(), 4096u);
}

TEST(TextWireTest, ATimeHasSecondsAndNanosThatAreNotNegative) {
  google::protobuf::Timestamp t;
  ToTimestamp(1704067200000001, &t);
  EXPECT_EQ(t.seconds(), 1704067200);
  EXPECT_EQ(t.nanos(), 1000);
  ToTimestamp(-1, &t);
  EXPECT_EQ(t.seconds(), -1);
  EXPECT_EQ(t.nanos(), 999999000);
}

TEST(TextWireTest, ADivisionHasSixDigitsOrNineThatEndInZeros) {
  EXPECT_EQ(ParseDivision("141100"), 141100u);
  EXPECT_EQ(ParseDivision("141100000"), 141100u);
  for (const char* text : {"", "14110", "1411000", "141100001", "041100", "14110a"})
    EXPECT_EQ(ParseDivision(text), 0u) << text;
}

}  // namespace
}  // namespace fiscal::services::wire
