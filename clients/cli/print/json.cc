#include "clients/cli/print/json.h"

#include <sstream>

#include "clients/cli/print/text.h"
#include "google/protobuf/util/json_util.h"
#include "yaml-cpp/yaml.h"

namespace fiscal::cli {
namespace {

void Emit(const Json& value, YAML::Emitter* out) {
  if (value.is_object()) {
    *out << YAML::BeginMap;
    for (const auto& [key, member] : value.items()) {
      *out << YAML::Key << key << YAML::Value;
      Emit(member, out);
    }
    *out << YAML::EndMap;
  } else if (value.is_array()) {
    // An empty one has no block form.
    if (value.empty()) *out << YAML::Flow;
    *out << YAML::BeginSeq;
    for (const Json& element : value) Emit(element, out);
    *out << YAML::EndSeq;
  } else if (value.is_string()) {
    // Quoted, so that "12" and "no" stay texts.
    *out << YAML::DoubleQuoted << value.get<std::string>();
  } else if (value.is_null()) {
    *out << YAML::Null;
  } else {
    *out << value.dump();
  }
}

}  // namespace

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

void PrintLine(const Json& value, std::ostream& out) { out << OneLine(value) << "\n"; }

std::string InForm(const std::string& line, bool yaml) {
  if (!yaml) return line;
  std::stringstream out;
  PrintYaml(Json::parse(line, nullptr, /*allow_exceptions=*/false), out);
  return out.str();
}

void PrintYaml(const Json& value, std::ostream& out) {
  YAML::Emitter emitter;
  emitter << YAML::BeginDoc;
  Emit(value, &emitter);
  out << emitter.c_str() << "\n";
}

}  // namespace fiscal::cli
