// A traceparent is taken whole or not at all.
#include "base/trace_context.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace fiscal {
namespace {

TEST(TraceContextTest, TraceparentIsTakenWholeOrNotAtAll) {
  const std::string id = "0af7651916cd43dd8448eb211c80319c", span = "b7ad6b7169203331";
  struct Case {
    std::string header;
    bool good;
    bool sampled = false;
  };
  for (const Case& c : std::vector<Case>{
           {absl::StrCat("00-", id, "-", span, "-01"), true, true},
           {absl::StrCat("00-", id, "-", span, "-00"), true},
           {absl::StrCat("00-", id, "-", span, "-fe"), true},
           {absl::StrCat("00-", id, "-", span, "-03"), true, true},
           // A later version may say more, this one may not.
           {absl::StrCat("cc-", id, "-", span, "-01-more"), true, true},
           {absl::StrCat("00-", id, "-", span, "-01-more"), false},
           {absl::StrCat("cc-", id, "-", span, "-01more"), false},
           {absl::StrCat("ff-", id, "-", span, "-01"), false},
           {absl::StrCat("00-", std::string(32, '0'), "-", span, "-01"), false},
           {absl::StrCat("00-", id, "-", std::string(16, '0'), "-01"), false},
           {absl::StrCat("00-", "0AF7651916CD43DD8448EB211C80319C", "-", span, "-01"), false},
           {absl::StrCat("00-", id, "-", span, "-0x"), false},
           {absl::StrCat("00-", id, "-", span), false},
           {absl::StrCat("00_", id, "-", span, "-01"), false},
           {"", false}}) {
    TraceContext trace;
    EXPECT_EQ(ParseTraceparent(c.header, &trace), c.good) << c.header;
    if (!c.good) continue;
    EXPECT_EQ(trace.trace_id, id);
    EXPECT_EQ(trace.span_id, span);
    EXPECT_EQ(trace.sampled, c.sampled) << c.header;
  }
  TraceContext parent;
  ASSERT_TRUE(ParseTraceparent(absl::StrCat("00-", id, "-", span, "-01"), &parent));
  const TraceContext child = ChildOf(parent), fresh = NewTrace();
  EXPECT_EQ(child.trace_id, id);
  EXPECT_NE(child.span_id, span);
  EXPECT_TRUE(child.sampled);
  EXPECT_NE(fresh.trace_id, NewTrace().trace_id);
  TraceContext again;
  EXPECT_TRUE(ParseTraceparent(FormatTraceparent(fresh), &again));
  EXPECT_EQ(again.trace_id, fresh.trace_id);
}

}  // namespace
}  // namespace fiscal
