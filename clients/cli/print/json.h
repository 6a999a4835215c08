// The answers of `-o json` and `-o yaml`: those of the API as protobuf JSON, with the protos' field
// names and every field, in the order of the protos; an answer a line, or a document of YAML.
//
// What has no message is written likewise: 64-bit numbers are strings, since JSON's numbers can't
// hold all of them.
#ifndef FISCAL_CLIENTS_CLI_PRINT_JSON_H_
#define FISCAL_CLIENTS_CLI_PRINT_JSON_H_

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "nlohmann/json.hpp"

namespace fiscal::cli {

using Json = nlohmann::ordered_json;

// An array of what `make` makes of each item.
template <typename Items, typename Make>
Json JsonList(const Items& items, Make make) {
  Json list = Json::array();
  for (const auto& item : items) list.push_back(make(item));
  return list;
}
template <typename Items>
Json JsonList(const Items& items) {
  return JsonList(items, [](const auto& item) { return Json(item); });
}

// "NAME_fen" and "NAME_yuan".
void AddAmount(const std::string& name, int64_t fen, Json* object);
// Nothing where the value is empty, or 0.
void AddIfAny(const char* key, const std::string& value, Json* object);
void AddIfAny(const char* key, int64_t value, Json* object);

// A message as a line with the proto's field names: those that are set, or every one. Empty for one
// that has no JSON, as with a time beyond the year 9999.
std::string MessageLine(const google::protobuf::Message& message, bool every_field);
// The same as a value. Null where the line is empty.
Json FieldsOf(const google::protobuf::Message& message, bool every_field);

// One line without its end. Bytes that are not UTF-8 become U+FFFD.
std::string OneLine(const Json& value);

void PrintLine(const Json& value, std::ostream& out);
// The same as a document of YAML, begun by `---`. Texts that YAML would take for something else
// are in quotation marks.
void PrintYaml(const Json& value, std::ostream& out);
// A line of JSON as it is, or as a document of YAML.
std::string InForm(const std::string& line, bool yaml);

}  // namespace fiscal::cli

#endif  // FISCAL_CLIENTS_CLI_PRINT_JSON_H_
