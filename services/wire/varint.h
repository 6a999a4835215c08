// Reads numbers and fields of protobuf messages from their bytes.
#ifndef FISCAL_SERVICES_WIRE_VARINT_H_
#define FISCAL_SERVICES_WIRE_VARINT_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace fiscal::services::wire {

// Takes a number off the front. False when the bytes end in it or it has more than ten. Of the
// tenth byte one bit counts, as protobuf has it.
inline bool ReadVarint(absl::string_view* bytes, uint64_t* value) {
  const char* p = bytes->data();
  const char* const end = p + bytes->size();
  uint64_t v = 0;
  if (p != end && static_cast<uint8_t>(*p) < 0x80) {  // most are small
    *value = static_cast<uint8_t>(*p);
    bytes->remove_prefix(1);
    return true;
  }
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

struct WireField {
  // Number and wire type, as written.
  uint64_t tag = 0;
  // The number, for wire type 0.
  uint64_t value = 0;
  // The bytes, for wire type 2.
  absl::string_view content;

  uint32_t wire_type() const { return static_cast<uint32_t>(tag & 7); }
};

// Takes a field off the front; of a group its start or end. False when the bytes end in it or are
// no field.
inline bool ReadField(absl::string_view* bytes, WireField* field) {
  if (!ReadVarint(bytes, &field->tag) || field->tag >> 32 != 0) return false;
  switch (field->wire_type()) {
    case 0:
      return ReadVarint(bytes, &field->value);
    case 1:
    case 5: {
      const size_t width = field->wire_type() == 1 ? 8 : 4;
      if (bytes->size() < width) return false;
      bytes->remove_prefix(width);
      return true;
    }
    case 2: {
      uint64_t size;
      if (!ReadVarint(bytes, &size) || size > bytes->size()) return false;
      field->content = bytes->substr(0, size);
      bytes->remove_prefix(size);
      return true;
    }
    case 3:
    case 4:
      return true;
    default:
      return false;
  }
}

}  // namespace fiscal::services::wire

#endif  // FISCAL_SERVICES_WIRE_VARINT_H_
