// Sizes of pages and times, between messages and the domain.
#include "services/wire/text_wire.h"

#include "domain/reason.h"
#include "gtest/gtest.h"

namespace fiscal::services::wire {
namespace {

TEST(TextWireTest, APageHasASizeThatIsAskedForWithinItsBounds) {
  EXPECT_EQ(*PageSize(0, 100, 1000), 100u);
  EXPECT_EQ(*PageSize(7, 100, 1000), 7u);
  EXPECT_EQ(*PageSize(5000, 100, 1000), 1000u);
  const auto negative = PageSize(-1, 100, 1000);
  EXPECT_EQ(negative.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(domain::Explain(negative.status()).refusal.reason, domain::Reason::kQueryInvalid);
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
