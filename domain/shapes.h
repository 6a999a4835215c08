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

#include "absl/strings/string_view.h"
#include "base/text.h"
#include "domain/types.h"

namespace fiscal::domain {

// At most `characters_max` characters, and nothing in it that CheckText names.
inline bool IsText(absl::string_view text, size_t characters_max, bool multiline) {
  return CheckText(text, multiline) == TextFault::kNone &&
         (text.size() <= characters_max || CountCharacters(text) <= characters_max);
}

// ParseDivision reads the text.
constexpr char kDivisionShape[] = "a division has 6 digits, or 9 ending in 000";
inline bool IsDivision(Code code) { return code >= 100000 && code <= 999999; }

constexpr char kFiscalYearShape[] = "a fiscal year is 1949 to 2999";
constexpr int kFiscalYearMin = 1949;
constexpr int kFiscalYearMax = 2999;
inline bool IsFiscalYear(int64_t year) { return year >= kFiscalYearMin && year <= kFiscalYearMax; }

// Codes of agencies and of departments.
constexpr char kAgencyCodeShape[] = "an agency code has 1 to 32 printable ASCII characters";
constexpr char kDepartmentCodeShape[] = "a department code has 1 to 32 printable ASCII characters";
constexpr size_t kUnitCodeBytesMax = 32;
inline bool IsUnitCode(absl::string_view text) {
  return !text.empty() && text.size() <= kUnitCodeBytesMax && IsIdentifier(text);
}

constexpr char kRequestIdShape[] = "a request_id has 1 to 64 printable ASCII characters";
constexpr size_t kRequestIdBytesMax = 64;
inline bool IsRequestId(absl::string_view text) {
  return !text.empty() && text.size() <= kRequestIdBytesMax && IsIdentifier(text);
}

// Ids of lines and codes of projects.
constexpr char kLineIdShape[] = "a line_id has 1 to 64 characters and no controls";
constexpr char kProjectCodeShape[] = "a project code has 1 to 64 characters and no controls";
constexpr size_t kItemIdCharactersMax = 64;
inline bool IsItemId(absl::string_view text) {
  // Nearly all are identifiers, which is quickly seen.
  if (text.size() <= kItemIdCharactersMax && IsIdentifier(text)) return !text.empty();
  return IsText(text, kItemIdCharactersMax, /*multiline=*/false);
}

// Names of projects and of catalog entries.
constexpr size_t kNameCharactersMax = 200;

// Notes of lines and of statements; an empty one is fine.
constexpr char kNoteShape[] = "a note has at most 500 characters and no controls";
constexpr size_t kNoteCharactersMax = 500;
inline bool IsNote(absl::string_view text) {
  return text.empty() || IsText(text, kNoteCharactersMax, /*multiline=*/true);
}

}  // namespace fiscal::domain

#endif  // FISCAL_DOMAIN_SHAPES_H_
