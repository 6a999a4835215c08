// The shapes of what many messages name: a division, a year, a unit, a request, an item of a
// statement; and the sentence that tells each to a caller.
//
//   services/wire, validation, catalog, posting_check, clients/importer --> these
//
// Only the catalog knows whether such a code exists.
#ifndef FISCAL_DOMAIN_SHAPES_H_
#define FISCAL_DOMAIN_SHAPES_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/text.h"
#include "domain/reason.h"
#include "domain/types.h"

namespace fiscal::domain {

// At most `characters_max` characters, and nothing in it that CheckText names.
inline bool IsText(absl::string_view text, size_t characters_max, bool multiline) {
  return CheckText(text, multiline) == TextFault::kNone &&
         (text.size() <= characters_max || CountCharacters(text) <= characters_max);
}

// What is wrong with one that is none.
inline Sentence TextFaultOf(absl::string_view text, size_t characters_max, bool multiline = true) {
  const TextFault fault = CheckText(text, multiline);
  if (fault != TextFault::kNone) {
    return {absl::StrCat("the text contains ", Describe(fault)),
            absl::StrCat("文本含有", DescribeZh(fault))};
  }
  const size_t size = CountCharacters(text);
  return {absl::StrCat(size, " characters; at most ", characters_max),
          absl::StrCat("共", size, "个字符，最多", characters_max, "个")};
}

// ParseDivision reads the text.
constexpr Shape kDivisionShape{"a division has 6 digits, or 9 ending in 000",
                               "区划代码为6位数字，或以000结尾的9位数字"};
inline bool IsDivision(Code code) { return code >= 100000 && code <= 999999; }

constexpr Shape kFiscalYearShape{"a fiscal year is 1949 to 2999", "预算年度为1949至2999"};
constexpr int kFiscalYearMin = 1949;
constexpr int kFiscalYearMax = 2999;
inline bool IsFiscalYear(int64_t year) { return year >= kFiscalYearMin && year <= kFiscalYearMax; }

// Codes of agencies and of departments.
constexpr Shape kAgencyCodeShape{"an agency code has 1 to 32 printable ASCII characters",
                                 "单位编码为1至32个可打印的ASCII字符"};
constexpr Shape kDepartmentCodeShape{"a department code has 1 to 32 printable ASCII characters",
                                     "部门编码为1至32个可打印的ASCII字符"};
constexpr size_t kUnitCodeBytesMax = 32;
inline bool IsUnitCode(absl::string_view text) {
  return !text.empty() && text.size() <= kUnitCodeBytesMax && IsIdentifier(text);
}

constexpr Shape kRequestIdShape{"a request_id has 1 to 64 printable ASCII characters",
                                "请求编号为1至64个可打印的ASCII字符"};
constexpr size_t kRequestIdBytesMax = 64;
inline bool IsRequestId(absl::string_view text) {
  return !text.empty() && text.size() <= kRequestIdBytesMax && IsIdentifier(text);
}

// Ids of lines and codes of projects.
constexpr Shape kLineIdShape{"a line_id has 1 to 64 characters and no controls",
                             "明细编号为1至64个字符，不含控制字符"};
constexpr Shape kProjectCodeShape{"a project code has 1 to 64 characters and no controls",
                                  "项目编码为1至64个字符，不含控制字符"};
constexpr size_t kItemIdCharactersMax = 64;
inline bool IsItemId(absl::string_view text) {
  // Nearly all are identifiers, which is quickly seen.
  if (text.size() <= kItemIdCharactersMax && IsIdentifier(text)) return !text.empty();
  return IsText(text, kItemIdCharactersMax, /*multiline=*/false);
}

// Names of projects and of catalog entries.
constexpr size_t kNameCharactersMax = 200;

// Notes of lines and of statements; an empty one is fine.
constexpr Shape kNoteShape{"a note has at most 500 characters and no controls",
                           "备注不超过500个字符，不含控制字符"};
constexpr size_t kNoteCharactersMax = 500;
inline bool IsNote(absl::string_view text) {
  return text.empty() || IsText(text, kNoteCharactersMax, /*multiline=*/true);
}

}  // namespace fiscal::domain

#endif  // FISCAL_DOMAIN_SHAPES_H_
