// Bytes that do not parse are answered with the field that is wrong.
#include "services/wire/walker.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "fiscal/submission/v1/submission_service.pb.h"
#include "gtest/gtest.h"

namespace fiscal::services::wire {
namespace {

using submission::v1::SubmitBudgetRequest;

// "path: fault", and the line_id seen before it.
std::string Bad(const std::string& bytes) {
  const BadField bad = FirstBadField(*SubmitBudgetRequest::descriptor(), bytes);
  if (bad.fault.empty()) return "nothing";
  return absl::StrCat(bad.path, ": ", bad.fault, bad.line_id.empty() ? "" : " in ", bad.line_id);
}

SubmitBudgetRequest Request() {
  SubmitBudgetRequest request;
  request.set_request_id("r1");
  for (const char* id : {"l1", "l2"}) {
    budget::v1::LineItem* line = request.add_line_items();
    line->set_line_id(id);
    line->set_functional_code("20502");
    line->set_note("a note");
  }
  return request;
}

// The bytes with one text in them replaced.
std::string Replaced(std::string bytes, const std::string& from, const std::string& to) {
  const size_t at = bytes.rfind(from);
  EXPECT_NE(at, std::string::npos);
  return bytes.replace(at, from.size(), to);
}

TEST(WalkerTest, BytesThatParseHaveNoFault) {
  EXPECT_EQ(Bad(""), "nothing");
  EXPECT_EQ(Bad(Request().SerializeAsString()), "nothing");
}

TEST(WalkerTest, AFaultHasItsPathAndItsLine) {
  const std::string bytes = Request().SerializeAsString();
  EXPECT_EQ(Bad(Replaced(bytes, "a note", "\xff note")),
            "line_items[1].note: bytes that are not UTF-8 in l2");
  EXPECT_EQ(Bad(Replaced(bytes, "r1", "\xff\xfe")), "request_id: bytes that are not UTF-8");
  EXPECT_EQ(Bad(bytes.substr(0, bytes.size() - 1)),
            "line_items[1]: the field is longer than the message");
}

TEST(WalkerTest, ATagOrANumberThatIsNone) {
  EXPECT_EQ(Bad("\xff"), ": a malformed field tag");
  EXPECT_EQ(Bad(std::string("\x00", 1)), ": a malformed field tag");
  EXPECT_EQ(Bad("\x0f"), "request_id: an unknown wire type");
}

}  // namespace
}  // namespace fiscal::services::wire
