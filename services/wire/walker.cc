#include "services/wire/walker.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "services/wire/varint.h"

namespace fiscal::services::wire {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

constexpr int kDepthMax = 32;

class Walker {
 public:
  BadField bad;

  // False at the first fault.
  bool Walk(const Descriptor& type, absl::string_view bytes, const std::string& path, int depth) {
    if (depth > kDepthMax)
      return Fail(path, absl::StrCat("messages are nested deeper than ", kDepthMax));
    std::map<int, int> seen;
    std::string line_id;
    while (!bytes.empty()) {
      uint64_t tag;
      if (!ReadVarint(&bytes, &tag) || tag >> 3 == 0 || tag >> 32 != 0)
        return Fail(path, "a malformed field tag");
      const int number = static_cast<int>(tag >> 3), wire = static_cast<int>(tag & 7);
      const FieldDescriptor* field = type.FindFieldByNumber(number);
      std::string name = field == nullptr ? absl::StrCat("field ", number) : field->name();
      if (field != nullptr && field->is_repeated())
        absl::StrAppend(&name, "[", seen[number]++, "]");
      const std::string where = path.empty() ? name : absl::StrCat(path, ".", name);
      bad.line_id = line_id;
      uint64_t value = 0;
      absl::string_view content;
      switch (wire) {
        case 0:
          if (!ReadVarint(&bytes, &value)) return Fail(where, "a malformed number");
          break;
        case 1:
        case 5: {
          const size_t width = wire == 1 ? 8 : 4;
          if (bytes.size() < width) return Fail(where, "the message ends inside the field");
          bytes.remove_prefix(width);
          break;
        }
        case 2:
          if (!ReadVarint(&bytes, &value) || value > bytes.size())
            return Fail(where, "the field is longer than the message");
          content = bytes.substr(0, value);
          bytes.remove_prefix(value);
          break;
        default:
          return Fail(where, "an unknown wire type");
      }
      if (field == nullptr || wire != 2) continue;
      if (field->type() == FieldDescriptor::TYPE_MESSAGE) {
        if (!Walk(*field->message_type(), content, where, depth + 1)) return false;
        continue;
      }
      if (field->type() == FieldDescriptor::TYPE_STRING) {
        if (!IsUtf8(content)) return Fail(where, "bytes that are not UTF-8");
        if (field->name() == "line_id") line_id = std::string(content);
      }
    }
    return true;
  }

 private:
  bool Fail(std::string path, std::string fault) {
    bad.path = std::move(path);
    bad.fault = std::move(fault);
    return false;
  }
};

}  // namespace

BadField FirstBadField(const Descriptor& type, absl::string_view bytes) {
  Walker walker;
  walker.Walk(type, bytes, "", 1);
  return std::move(walker.bad);
}

}  // namespace fiscal::services::wire
