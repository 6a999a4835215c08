// fiscal.budget.v1.LineItem from its bytes into domain::Line, without a message object between.
//
// Nearly all of what arrives are line items, and most say the same as others beside id, amount and
// note: bytes that were seen before in the same request are not read again. The rest of a request
// is parsed by protobuf; tests/wire/line_reader_test.cc holds both to the same meaning.
#ifndef FISCAL_SERVICES_WIRE_LINE_READER_H_
#define FISCAL_SERVICES_WIRE_LINE_READER_H_

#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "domain/submission.h"

namespace fiscal::services::wire {

class LineReader {
 public:
  // Adds to submission->lines, and to its violations what is wrong with a field by itself: unknown
  // enumerators, codes that are no codes, fields this version does not know.
  explicit LineReader(domain::Submission* submission);

  // False: the bytes are no LineItem, or a string in them is not UTF-8.
  bool Read(absl::string_view item);

 private:
  // What stands between line_id and amount, and behind the amount, as it was first met.
  struct Known {
    uint64_t hash = 0;
    absl::string_view middle, tail;
    domain::Line line;
  };

  bool ReadWhole(absl::string_view item, bool* plain);
  Known* Find(uint64_t hash, absl::string_view middle, absl::string_view tail);
  void Grow();

  domain::Submission* const s_;
  // Open addressing; the size is a power of two.
  std::vector<uint32_t> slots_;
  std::vector<Known> known_;
};

}  // namespace fiscal::services::wire

#endif  // FISCAL_SERVICES_WIRE_LINE_READER_H_
