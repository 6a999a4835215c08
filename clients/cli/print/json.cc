#include "clients/cli/print/json.h"

#include "clients/cli/print/text.h"
#include "google/protobuf/util/json_util.h"

namespace fiscal::cli {

void AddAmount(const std::string& name, int64_t fen, Json* object) {
  (*object)[name + "_fen"] = std::to_string(fen);
  (*object)[name + "_yuan"] = FormatYuan(fen);
}

void AddIfAny(const char* key, const std::string& value, Json* object) {
  if (!value.empty()) (*object)[key] = value;
}

void AddIfAny(const char* key, int64_t value, Json* object) {
  if (value != 0) (*object)[key] = value;
}

std::string MessageLine(const google::protobuf::Message& message, bool every_field) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = every_field;
  std::string line;
  const auto status = google::protobuf::util::MessageToJsonString(message, &line, options);
  return status.ok() ? line : std::string();
}

Json FieldsOf(const google::protobuf::Message& message, bool every_field) {
  const std::string line = MessageLine(message, every_field);
  return line.empty() ? Json() : Json::parse(line, nullptr, /*allow_exceptions=*/false);
}

std::string OneLine(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace fiscal::cli
