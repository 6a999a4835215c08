// Names the first bad field of bytes that do not parse.
#ifndef FISCAL_SERVICES_WIRE_WALKER_H_
#define FISCAL_SERVICES_WIRE_WALKER_H_

#include <string>

#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"

namespace fiscal::services::wire {

struct BadField {
  // "line_items[17].note"; empty when the fault is not inside a field.
  std::string path;
  // English, without the path.
  std::string fault;
  // The line_id seen before it in the same line.
  std::string line_id;
};

// Walks `bytes` as a message of `type` and stops at the first fault. For bytes that do parse the
// fault is empty.
BadField FirstBadField(const google::protobuf::Descriptor& type, absl::string_view bytes);

}  // namespace fiscal::services::wire

#endif  // FISCAL_SERVICES_WIRE_WALKER_H_
