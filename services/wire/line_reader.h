// Reads fiscal.budget.v1.LineItem from its bytes into domain::Line, without a message object in
// between.
//
// Most bytes of a request are line items, and most of these say what another one says except for
// id, amount and note: such lines get the number of their combination here, and whatever hangs on
// it alone is done once. protobuf parses the rest of a request;
// tests/services/wire/line_reader_test.cc holds both to the same meaning.
#ifndef FISCAL_SERVICES_WIRE_LINE_READER_H_
#define FISCAL_SERVICES_WIRE_LINE_READER_H_

#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "domain/submission.h"

namespace fiscal::services::wire {

class LineReader {
 public:
  // Adds items, about `lines`, to submission->lines, which are empty, and to its violations the
  // faults of single fields: unknown enumerators, malformed codes, fields this version does not
  // know.
  LineReader(domain::Submission* submission, size_t lines);

  // False: the bytes are no LineItem, or a string in them is not UTF-8.
  bool Read(absl::string_view item);

 private:
  // REQUIRES: `line` is the last of the submission's.
  uint32_t NumberOf(const domain::Line& line);
  void Grow();

  domain::Submission* const s_;
  // The first line of each combination, and their numbers by their hash: open addressing, 0 is
  // free, the size is a power of two.
  std::vector<uint32_t> firsts_;
  std::vector<uint32_t> slots_;
};

}  // namespace fiscal::services::wire

#endif  // FISCAL_SERVICES_WIRE_LINE_READER_H_
