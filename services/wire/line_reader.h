// Reads fiscal.budget.v1.LineItem from its bytes into domain::Line, without a message object in
// between.
//
// Most bytes of a request are line items, and most of these repeat another one except for id,
// amount and note: bytes seen before in the same request are not read again. protobuf parses the
// rest of a request; tests/services/wire/line_reader_test.cc holds both to the same meaning.
#ifndef FISCAL_SERVICES_WIRE_LINE_READER_H_
#define FISCAL_SERVICES_WIRE_LINE_READER_H_

#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "domain/submission.h"

namespace fiscal::services::wire {

class LineReader {
 public:
  // Adds items to submission->lines, and to its violations the faults of single fields: unknown
  // enumerators, malformed codes, fields this version does not know.
  explicit LineReader(domain::Submission* submission);

  // False: the bytes are no LineItem, or a string in them is not UTF-8.
  bool Read(absl::string_view item);

 private:
  // The bytes between line_id and amount, and behind the amount, of an item that was read, with its
  // line.
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
