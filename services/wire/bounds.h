// Bounds on repeated fields, counted on a request's bytes before protobuf makes objects of them: an
// empty message costs two bytes on the wire and hundreds in memory.
//
// Each repeated field has a bound for the whole request, wherever in it the field stands and in
// however many pieces it comes. Documented limits of a field ("at most 500 each") are checked where
// the field is read; these bounds protect memory.
#ifndef FISCAL_SERVICES_WIRE_BOUNDS_H_
#define FISCAL_SERVICES_WIRE_BOUNDS_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "domain/reason.h"
#include "google/protobuf/descriptor.h"

namespace fiscal::services::wire {

struct FieldBound {
  // "fiscal.submission.v1.SubmitBudgetRequest.projects".
  absl::string_view field;
  int64_t count_max = 0;
  domain::Reason reason = domain::Reason::kTooManyValues;
};

// Every repeated field of every request; a test holds the list to the descriptors.
const std::vector<FieldBound>& FieldBounds();

// The most fields of a request that this version does not know.
constexpr int64_t kUnknownFieldsMax = 1000;

// Counts the fields in the pieces of one request.
class BoundedFields {
 public:
  // Refuses the first field above its bound. Passes bytes that are no message of `type`: parsing
  // them fails later.
  absl::Status Count(const google::protobuf::Descriptor& type, absl::string_view bytes);

 private:
  bool Walk(const google::protobuf::Descriptor& type, absl::string_view* bytes, uint32_t group,
            int depth);
  bool CountUnknown();

  // In the order of FieldBounds().
  std::vector<int64_t> counts_;
  int64_t unknown_ = 0;
  absl::Status refused_;
};

}  // namespace fiscal::services::wire

#endif  // FISCAL_SERVICES_WIRE_BOUNDS_H_
