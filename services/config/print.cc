// Print: a configuration as the file it could have come from.
#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "services/config/config.h"
#include "services/config/setting.h"

namespace fiscal::services {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using settings::Kind;

// Whether every reader of YAML takes it for that text without quotes.
bool IsPlain(absl::string_view text) {
  if (text.empty() || (!absl::ascii_isalpha(static_cast<unsigned char>(text[0])) && text[0] != '/'))
    return false;
  for (absl::string_view word : {"true", "false", "yes", "no", "on", "off", "y", "n", "null"}) {
    if (absl::EqualsIgnoreCase(text, word)) return false;
  }
  return text.back() != ':' && std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
                  absl::StrContains("/._:@+-", absl::string_view(&c, 1));
         });
}

std::string Quoted(absl::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    const unsigned char byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      absl::StrAppend(&out, "\\x", absl::Hex(byte, absl::kZeroPad2));
      continue;
    }
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out + "\"";
}

std::string Written(const std::string& text, Kind kind) {
  return kind != Kind::kText || IsPlain(text) ? text : Quoted(text);
}

// "  # default 8192" when the value is another.
std::string Remark(const FieldDescriptor& field, const std::string& value) {
  const config::v1::Setting& setting = settings::SettingOf(field);
  if (setting.required()) return "  # required";
  const Kind kind = settings::KindOf(field);
  std::string fallback = setting.default_();
  if (fallback.empty() && kind != Kind::kText) fallback = kind == Kind::kSwitch ? "false" : "0";
  if (value == fallback) return "";
  return absl::StrCat("  # default ", Written(fallback, kind));
}

// `first` stands before the first line: the indentation, or the dash of a list.
void PrintMessage(const Message& message, const std::string& indent, std::string first,
                  std::string* out) {
  const auto& reflection = *message.GetReflection();
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor& field = *message.GetDescriptor()->field(i);
    const Kind kind = settings::KindOf(field);
    absl::StrAppend(out, first, field.name(), ":");
    first = indent;
    if (kind == Kind::kGroup) {
      absl::StrAppend(out, "\n");
      PrintMessage(reflection.GetMessage(message, &field), indent + "  ", indent + "  ", out);
    } else if (kind == Kind::kList) {
      const int size = reflection.FieldSize(message, &field);
      absl::StrAppend(out, size == 0 ? " []\n" : "  # default []\n");
      for (int k = 0; k < size; ++k) {
        PrintMessage(reflection.GetRepeatedMessage(message, &field, k), indent + "    ",
                     indent + "  - ", out);
      }
    } else {
      const std::string value = settings::ValueText(message, field);
      absl::StrAppend(out, " ", Written(value, kind), Remark(field, value), "\n");
    }
  }
}

}  // namespace

std::string Print(const config::v1::ServeConfig& config) {
  const std::string role = RoleName(config);
  std::string out = absl::StrCat("role: ", role, role == "all" ? "" : "  # default all", "\n");
  if (const FieldDescriptor* field = settings::RoleField(role))
    PrintMessage(config.GetReflection()->GetMessage(config, field), "", "", &out);
  return out;
}

}  // namespace fiscal::services
