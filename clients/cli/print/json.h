// Writes JSON objects member by member.
#ifndef FISCAL_CLIENTS_CLI_PRINT_JSON_H_
#define FISCAL_CLIENTS_CLI_PRINT_JSON_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "clients/cli/print/text.h"

namespace fiscal::cli {

class JsonObject {
 public:
  // `json` as it is.
  JsonObject& Raw(absl::string_view key, absl::string_view json) {
    absl::StrAppend(&members_, members_.empty() ? "" : ", ", JsonString(key), ": ", json);
    return *this;
  }
  JsonObject& Text(absl::string_view key, absl::string_view value) {
    return Raw(key, JsonString(value));
  }
  // Nothing where the value is empty.
  JsonObject& TextIfAny(absl::string_view key, absl::string_view value) {
    return value.empty() ? *this : Text(key, value);
  }
  JsonObject& Number(absl::string_view key, int64_t value) { return Raw(key, absl::StrCat(value)); }
  // Nothing where the value is 0.
  JsonObject& NumberIfAny(absl::string_view key, int64_t value) {
    return value == 0 ? *this : Number(key, value);
  }
  JsonObject& Bool(absl::string_view key, bool value) { return Raw(key, value ? "true" : "false"); }
  // "NAME_fen" and "NAME_yuan", as strings: JSON's numbers can't hold every amount.
  JsonObject& Amount(absl::string_view name, int64_t fen) {
    return Text(absl::StrCat(name, "_fen"), absl::StrCat(fen))
        .Text(absl::StrCat(name, "_yuan"), FormatYuan(fen));
  }
  std::string Done() const { return "{" + members_ + "}"; }

 private:
  std::string members_;
};

// An array with an element a line.
inline std::string JsonLines(const std::vector<std::string>& elements) {
  std::string out = "[";
  for (size_t i = 0; i < elements.size(); ++i)
    absl::StrAppend(&out, i == 0 ? "\n  " : ",\n  ", elements[i]);
  return out + (elements.empty() ? "]" : "\n]");
}

}  // namespace fiscal::cli

#endif  // FISCAL_CLIENTS_CLI_PRINT_JSON_H_
