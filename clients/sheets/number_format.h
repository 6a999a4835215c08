// Number formats: their effect on the number that a person sees.
#ifndef FISCAL_CLIENTS_SHEETS_NUMBER_FORMAT_H_
#define FISCAL_CLIENTS_SHEETS_NUMBER_FORMAT_H_

#include "absl/strings/string_view.h"

namespace fiscal::sheets {

struct NumberFormat {
  // A date, a time or a duration.
  bool date = false;
  // A percentage, a power of a thousand, or a point written in as text: shows another number than
  // the cell holds.
  bool scaled = false;
  // Digits before the point it shows at least, zeros in front where the number has fewer.
  int whole_digits_min = 1;
};

// A format that every workbook has without saying it, by its id.
NumberFormat BuiltInFormat(int id);
// A format code: "#,##0.00", "yyyy\-mm\-dd". Its first section decides, which is the one of
// positive numbers.
NumberFormat ReadFormat(absl::string_view code);

}  // namespace fiscal::sheets

#endif  // FISCAL_CLIENTS_SHEETS_NUMBER_FORMAT_H_
