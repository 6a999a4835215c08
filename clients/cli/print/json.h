// The answers of `-o json`: members in the order they are added, an answer a line.
//
// Amounts and positions are strings, since JSON's numbers can't hold all of them; counts are
// numbers.
#ifndef FISCAL_CLIENTS_CLI_PRINT_JSON_H_
#define FISCAL_CLIENTS_CLI_PRINT_JSON_H_

#include <cstdint>
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

}  // namespace fiscal::cli

#endif  // FISCAL_CLIENTS_CLI_PRINT_JSON_H_
