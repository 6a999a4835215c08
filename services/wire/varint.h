// The one number format inside protobuf messages, for those who read them from their bytes.
#ifndef FISCAL_SERVICES_WIRE_VARINT_H_
#define FISCAL_SERVICES_WIRE_VARINT_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace fiscal::services::wire {

// Takes a number off the front. False when the bytes end in it or it has more than ten. Of the tenth
// byte one bit counts, as protobuf has it.
inline bool ReadVarint(absl::string_view* bytes, uint64_t* value) {
  const char* p = bytes->data();
  const char* const end = p + bytes->size();
  uint64_t v = 0;
  for (int shift = 0; shift < 70 && p != end; shift += 7) {
    const uint8_t byte = static_cast<uint8_t>(*p++);
    v |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) {
      bytes->remove_prefix(static_cast<size_t>(p - bytes->data()));
      *value = v;
      return true;
    }
  }
  return false;
}

}  // namespace fiscal::services::wire

#endif  // FISCAL_SERVICES_WIRE_VARINT_H_
