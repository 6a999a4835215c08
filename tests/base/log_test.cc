// What stands in a line of the log.
#include "base/log.h"

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace fiscal {
namespace {

TEST(LogTest, ALogFieldIsWhateverItHoldsAndNoMore) {
  EXPECT_EQ(logging::JsonString("预算 a"), "\"预算 a\"");
  EXPECT_EQ(logging::JsonString("a\"b\\c\nd\te"), "\"a\\\"b\\\\c\\nd\\te\"");
  EXPECT_EQ(logging::JsonString(absl::string_view("\0\x1b[31m\x7f", 7)),
            "\"\\u0000\\u001b[31m\\u007f\"");
  // Bytes that are no UTF-8 can't stand in JSON.
  EXPECT_EQ(logging::JsonString("\xff\xfe"), "\"\\u00ff\\u00fe\"");
}

}  // namespace
}  // namespace fiscal
