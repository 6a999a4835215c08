// CSV as rows of cells, a row for each rule of RFC 4180 and for each fault.
#include "base/csv.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"

namespace fiscal {
namespace {

// "1[a|b] 2[c]": lines and cells; or the fault.
std::string Shown(absl::string_view text, int64_t cells_max = 100) {
  CsvReader reader(text, cells_max);
  std::string shown;
  CsvRow row;
  while (true) {
    const absl::StatusOr<bool> found = reader.Next(&row);
    if (!found.ok()) return absl::StrCat(shown, "refused: ", found.status().message());
    if (!*found) return shown;
    absl::StrAppend(&shown, row.line, "[", absl::StrJoin(row.cells, "|"), "]");
  }
}

TEST(CsvTest, RowsAndCells) {
  EXPECT_EQ(Shown(""), "");
  EXPECT_EQ(Shown("a,b\nc"), "1[a|b]2[c]");
  EXPECT_EQ(Shown("a,b\r\nc,\r\n"), "1[a|b]2[c|]");
  EXPECT_EQ(Shown("\n\na\n\n"), "3[a]");
  EXPECT_EQ(Shown(","), "1[|]");
  EXPECT_EQ(Shown("\"a,b\",\"c\"\"d\"\n"), "1[a,b|c\"d]");
  EXPECT_EQ(Shown("\"a\nb\"\nc"), "1[a\nb]3[c]");
  EXPECT_EQ(Shown("a\"b"), "1[a\"b]");
}

TEST(CsvTest, FaultsNameTheirLine) {
  EXPECT_EQ(Shown("a\n\"b\nc"), "1[a]refused: line 2: a quote is not closed");
  EXPECT_EQ(Shown("a\n\"b\nc\"d"), "1[a]refused: line 3: text follows a closing quote");
  EXPECT_EQ(Shown("a,b\nc,d", 3), "1[a|b]refused: line 2: more than 3 cells");
  EXPECT_EQ(Shown("a,b\nc", 3), "1[a|b]2[c]");
}

TEST(CsvTest, AByteOrderMarkIsNoText) {
  const auto rows = ParseCsv("\xef\xbb\xbf\"a\"\n");
  ASSERT_TRUE(rows.ok()) << rows.status();
  ASSERT_EQ(rows->size(), 1u);
  EXPECT_EQ((*rows)[0].cells, std::vector<std::string>{"a"});
}

}  // namespace
}  // namespace fiscal
