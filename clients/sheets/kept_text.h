// Text in a cell that a spreadsheet, or a reader of one, would not leave as it is: what it would
// run as a formula, and blanks at the ends. An apostrophe in front says that the rest is the text,
// as when somebody types one.
//
//   text --(KeptText)--> cell --(spreadsheets, people)--> cell --(TextOf)--> text
//
// Pure. Exact for every text: TextOf(KeptText(t)) is t. An apostrophe that KeptText would not have
// written belongs to the text.
#ifndef FISCAL_CLIENTS_SHEETS_KEPT_TEXT_H_
#define FISCAL_CLIENTS_SHEETS_KEPT_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"

namespace fiscal::sheets {

// Without blanks at its ends, the ideographic and the non-breaking one among them.
absl::string_view Trim(absl::string_view text);

std::string KeptText(absl::string_view text);
absl::string_view TextOf(absl::string_view cell);

}  // namespace fiscal::sheets

#endif  // FISCAL_CLIENTS_SHEETS_KEPT_TEXT_H_
