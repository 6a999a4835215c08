// Checks of text from outside.
#ifndef FISCAL_BASE_TEXT_H_
#define FISCAL_BASE_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"

namespace fiscal {

enum class TextFault { kNone, kInvalidUtf8, kControl, kBidi, kNoncharacter };

// The first fault of `text`: bytes that are not UTF-8, C0 and C1 controls (`multiline` allows tab,
// LF and CR), bidirectional overrides and isolates, or noncharacters.
TextFault CheckText(absl::string_view text, bool multiline);

// True for valid UTF-8, whatever characters it has.
bool IsUtf8(absl::string_view text);

// A word for messages: "a control character".
absl::string_view Describe(TextFault fault);
absl::string_view DescribeZh(TextFault fault);

// True when every byte is printable ASCII other than space.
bool IsIdentifier(absl::string_view text);

// Text from outside, for a message of one line: controls are escaped, and a long end is cut off.
std::string Shown(absl::string_view text);

// `text` itself, or its first `bytes_max` bytes at most, up to the end of a character, and "...".
std::string Cut(std::string text, size_t bytes_max);

// Number of Unicode code points of valid UTF-8.
size_t CountCharacters(absl::string_view text);

}  // namespace fiscal

#endif  // FISCAL_BASE_TEXT_H_
