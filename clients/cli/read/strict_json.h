// Reads messages written as protobuf JSON, strictly: what has two meanings, or none, is refused
// with its field and line.
//
//   text --(syntax, names, kinds, bounds of numbers)--> messages, or every problem there is
//
// Refused are: a key or field given twice, unknown fields and enum names, values of another kind,
// whole numbers with a fraction or an exponent or beyond their type, trailing commas, comments and
// whatever else is not JSON. A byte order mark in front is skipped, null is as if the field were
// not there, field names may be the proto's or JSON's own. Pure.
#ifndef FISCAL_CLIENTS_CLI_READ_STRICT_JSON_H_
#define FISCAL_CLIENTS_CLI_READ_STRICT_JSON_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

namespace fiscal::cli {

struct JsonProblem {
  // From 1.
  int64_t line = 0;
  // "line_items[3].amount_fen"; where the text is no JSON, the field read last, or empty.
  std::string field;
  // MESSAGE_MALFORMED, FIELD_UNKNOWN or ENUM_UNKNOWN.
  std::string reason;
  std::string message;
  std::string message_zh;
};

// What an object is read into.
struct JsonTarget {
  google::protobuf::Message* message = nullptr;
  // An object with only this key is read into `wrapped` instead, and says so. Empty: there is none.
  std::string key;
  google::protobuf::Message* wrapped = nullptr;
  bool* is_wrapped = nullptr;
};

struct JsonOptions {
  // True takes an array of objects, too.
  bool array = false;
  // The line of the file that the text begins at.
  int64_t first_line = 1;
};

// As many problems are told.
constexpr size_t kJsonProblemsMax = 100;

// Calls `begin` with the line of each object to read, before it is read. Empty when everything was
// read; otherwise the targets hold what could be read.
std::vector<JsonProblem> ReadJson(absl::string_view text, const JsonOptions& options,
                                  const std::function<JsonTarget(int64_t line)>& begin);

// The text without a UTF-8 byte order mark in front.
absl::string_view WithoutByteOrderMark(absl::string_view text);

}  // namespace fiscal::cli

#endif  // FISCAL_CLIENTS_CLI_READ_STRICT_JSON_H_
