#include "services/config/setting.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace fiscal::services::settings {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::OneofDescriptor;

// No name is nearly so long; the distance of two names costs their product.
constexpr size_t kNameBytesMax = 100;

struct Suffix {
  absl::string_view text;
  int64_t factor;
};
// The largest first, so that a number is printed with the one that makes it shortest.
constexpr Suffix kSuffixes[] = {
    {"GiB", int64_t{1} << 30}, {"MiB", int64_t{1} << 20}, {"KiB", int64_t{1} << 10}};

absl::Status Wrong(absl::string_view what) { return absl::InvalidArgumentError(what); }

std::string NumberText(int64_t value, Kind kind) {
  if (kind == Kind::kBytes && value > 0) {
    for (const Suffix& suffix : kSuffixes) {
      if (value % suffix.factor == 0) return absl::StrCat(value / suffix.factor, suffix.text);
    }
  }
  return absl::StrCat(value);
}

std::string NumberForm(const FieldDescriptor& field) {
  return absl::StrCat("must be a whole number",
                      KindOf(field) == Kind::kBytes ? " of bytes, such as 1048576 or 1MiB" : "",
                      ", ", Bounds(field));
}

absl::Status CheckNumber(int64_t value, const FieldDescriptor& field) {
  const config::v1::Setting& setting = SettingOf(field);
  if (value < setting.minimum() || (setting.maximum() != 0 && value > setting.maximum()))
    return Wrong(absl::StrCat("must be ", Bounds(field)));
  return absl::OkStatus();
}

absl::Status SetNumber(absl::string_view value, const FieldDescriptor& field, Message* message) {
  absl::string_view digits = value;
  int64_t factor = 1;
  if (KindOf(field) == Kind::kBytes) {
    for (const Suffix& suffix : kSuffixes) {
      if (!absl::EndsWith(digits, suffix.text)) continue;
      digits.remove_suffix(suffix.text.size());
      factor = suffix.factor;
      break;
    }
  }
  const absl::string_view unsigned_digits = digits.substr(!digits.empty() && digits[0] == '-');
  // A leading zero is octal to some readers of YAML.
  const bool whole = !unsigned_digits.empty() &&
                     unsigned_digits.find_first_not_of("0123456789") == absl::string_view::npos &&
                     (unsigned_digits.size() == 1 || unsigned_digits[0] != '0');
  if (!whole) return Wrong(NumberForm(field));
  int64_t number = 0;
  if (!absl::SimpleAtoi(digits, &number) || __builtin_mul_overflow(number, factor, &number)) {
    return Wrong(digits[0] == '-' || SettingOf(field).maximum() != 0
                     ? absl::StrCat("must be ", Bounds(field))
                     : absl::StrCat("must be less than ", std::numeric_limits<int64_t>::max()));
  }
  FISCAL_RETURN_IF_ERROR(CheckNumber(number, field));
  message->GetReflection()->SetInt64(message, &field, number);
  return absl::OkStatus();
}

absl::Status CheckTextValue(absl::string_view value, const FieldDescriptor& field) {
  const TextFault fault = CheckText(value, /*multiline=*/false);
  if (fault != TextFault::kNone) return Wrong(absl::StrCat("must not have ", Describe(fault)));
  const auto& choices = SettingOf(field).choices();
  if (!choices.empty() && std::find(choices.begin(), choices.end(), value) == choices.end())
    return Wrong(absl::StrCat("must be ", Bounds(field)));
  return absl::OkStatus();
}

// "a, b or c".
template <typename Names>
std::string Either(const Names& names) {
  std::string text;
  for (int i = 0; i < static_cast<int>(names.size()); ++i) {
    absl::StrAppend(&text,
                    i == 0                                    ? ""
                    : i + 1 == static_cast<int>(names.size()) ? " or "
                                                              : ", ",
                    names[i]);
  }
  return text;
}

void Walk(const Descriptor& message, const std::string& prefix, std::vector<Place>* places) {
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    const std::string path = absl::StrCat(prefix, field.name());
    const Kind kind = KindOf(field);
    places->push_back({path, &field});
    if (kind == Kind::kGroup) Walk(*field.message_type(), path + ".", places);
    if (kind == Kind::kList) Walk(*field.message_type(), path + "[].", places);
  }
}

// How many letters are added, left out, exchanged or swapped with the next one between the two.
size_t Distance(absl::string_view a, absl::string_view b) {
  std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) {
    for (size_t k = 0; k <= b.size(); ++k) {
      if (i == 0 || k == 0) {
        d[i][k] = i + k;
        continue;
      }
      d[i][k] = std::min(
          {d[i - 1][k] + 1, d[i][k - 1] + 1, d[i - 1][k - 1] + (a[i - 1] == b[k - 1] ? 0 : 1)});
      if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
        d[i][k] = std::min(d[i][k], d[i - 2][k - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

}  // namespace

Kind KindOf(const FieldDescriptor& field) {
  const bool message = field.type() == FieldDescriptor::TYPE_MESSAGE;
  if (field.is_repeated()) {
    FISCAL_CHECK(message, "a list of settings has messages");
    return Kind::kList;
  }
  switch (field.type()) {
    case FieldDescriptor::TYPE_MESSAGE:
      return Kind::kGroup;
    case FieldDescriptor::TYPE_STRING:
      return Kind::kText;
    case FieldDescriptor::TYPE_BOOL:
      return Kind::kSwitch;
    default:
      FISCAL_CHECK(field.type() == FieldDescriptor::TYPE_INT64,
                   "a setting is a string, an int64, a bool or a message");
      return absl::StrContains(field.name(), "bytes") ? Kind::kBytes : Kind::kNumber;
  }
}

const config::v1::Setting& SettingOf(const FieldDescriptor& field) {
  return field.options().GetExtension(config::v1::setting);
}

const OneofDescriptor& Roles() { return *config::v1::ServeConfig::descriptor()->oneof_decl(0); }

const FieldDescriptor* RoleField(absl::string_view name) {
  for (int i = 0; i < Roles().field_count(); ++i) {
    if (absl::string_view(Roles().field(i)->name()) == name) return Roles().field(i);
  }
  return nullptr;
}

std::vector<Place> SettingsOf(const Descriptor& message) {
  std::vector<Place> places;
  Walk(message, "", &places);
  return places;
}

std::string VariableOf(absl::string_view path) {
  return absl::StrCat("FISCAL_SERVE_",
                      absl::AsciiStrToUpper(absl::StrReplaceAll(path, {{".", "_"}})));
}

void FillDefaults(Message* message) {
  const Descriptor& descriptor = *message->GetDescriptor();
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor& field = *descriptor.field(i);
    const Kind kind = KindOf(field);
    if (kind == Kind::kGroup)
      FillDefaults(message->GetReflection()->MutableMessage(message, &field));
    if (kind == Kind::kGroup || kind == Kind::kList || SettingOf(field).default_().empty())
      continue;
    FISCAL_CHECK(SetValue(SettingOf(field).default_(), field, message).ok(),
                 "a setting's default is a value it may have");
  }
}

std::string Bounds(const FieldDescriptor& field) {
  const config::v1::Setting& setting = SettingOf(field);
  const Kind kind = KindOf(field);
  if (kind == Kind::kSwitch) return "true or false";
  if (kind == Kind::kText) return Either(setting.choices());
  if (kind != Kind::kNumber && kind != Kind::kBytes) return "";
  const std::string minimum = NumberText(setting.minimum(), kind);
  return setting.maximum() == 0
             ? absl::StrCat("at least ", minimum)
             : absl::StrCat(minimum, " to ", NumberText(setting.maximum(), kind));
}

absl::Status SetValue(absl::string_view value, const FieldDescriptor& field, Message* message) {
  switch (KindOf(field)) {
    case Kind::kNumber:
    case Kind::kBytes:
      return SetNumber(value, field, message);
    case Kind::kSwitch:
      if (value != "true" && value != "false") return Wrong("must be true or false");
      message->GetReflection()->SetBool(message, &field, value == "true");
      return absl::OkStatus();
    default:
      FISCAL_RETURN_IF_ERROR(CheckTextValue(value, field));
      message->GetReflection()->SetString(message, &field, std::string(value));
      return absl::OkStatus();
  }
}

absl::Status CheckValue(const Message& message, const FieldDescriptor& field) {
  const auto& reflection = *message.GetReflection();
  switch (KindOf(field)) {
    case Kind::kNumber:
    case Kind::kBytes:
      return CheckNumber(reflection.GetInt64(message, &field), field);
    case Kind::kText:
      return CheckTextValue(reflection.GetString(message, &field), field);
    default:
      return absl::OkStatus();
  }
}

std::string ValueText(const Message& message, const FieldDescriptor& field) {
  const auto& reflection = *message.GetReflection();
  const Kind kind = KindOf(field);
  switch (kind) {
    case Kind::kNumber:
    case Kind::kBytes:
      return NumberText(reflection.GetInt64(message, &field), kind);
    case Kind::kSwitch:
      return reflection.GetBool(message, &field) ? "true" : "false";
    default:
      return reflection.GetString(message, &field);
  }
}

bool HasWhatItNeeds(const Message& message, const FieldDescriptor& field) {
  if (!SettingOf(field).required()) return true;
  return field.is_repeated() ? message.GetReflection()->FieldSize(message, &field) > 0
                             : message.GetReflection()->HasField(message, &field);
}

absl::Status SetList(absl::string_view value, const FieldDescriptor& field, Message* message) {
  const Descriptor& element = *field.message_type();
  const bool pairs = element.field_count() == 2 && KindOf(*element.field(0)) == Kind::kText &&
                     KindOf(*element.field(1)) == Kind::kText;
  if (!pairs) return Wrong("a list of settings, which can be given in the file only");
  message->GetReflection()->ClearField(message, &field);
  if (value.empty()) return absl::OkStatus();
  for (absl::string_view part : absl::StrSplit(value, ',')) {
    const std::pair<absl::string_view, absl::string_view> pair =
        absl::StrSplit(part, absl::MaxSplits('=', 1));
    if (pair.first.empty() || pair.second.empty()) {
      return Wrong(absl::StrCat("must be ", absl::AsciiStrToUpper(element.field(0)->name()), "=",
                                absl::AsciiStrToUpper(element.field(1)->name()), ",..."));
    }
    Message* added = message->GetReflection()->AddMessage(message, &field);
    FISCAL_RETURN_IF_ERROR(SetValue(pair.first, *element.field(0), added));
    FISCAL_RETURN_IF_ERROR(SetValue(pair.second, *element.field(1), added));
  }
  return absl::OkStatus();
}

std::optional<std::string> Nearest(absl::string_view name, const std::vector<std::string>& names) {
  if (name.size() > kNameBytesMax) return std::nullopt;
  std::optional<std::string> nearest;
  // A third of the letters wrong is another word.
  size_t best = std::max<size_t>(name.size() / 3, 1) + 1;
  for (const std::string& candidate : names) {
    const size_t distance = Distance(name, candidate);
    if (distance >= best) continue;
    best = distance;
    nearest = candidate;
  }
  return nearest;
}

}  // namespace fiscal::services::settings
