#include "services/config/config.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/check.h"
#include "base/small_file.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "services/config/setting.h"
#include "services/config/yaml.h"

namespace fiscal::services {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using settings::Kind;
using settings::KindOf;
using settings::YamlEntry;
using settings::YamlNode;

constexpr char kPrefix[] = "FISCAL_SERVE_";
constexpr char kRole[] = "role";

absl::Status Wrong(absl::string_view where, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(where, ": ", what));
}
absl::Status Wrong(absl::string_view where, const absl::Status& what) {
  return Wrong(where, absl::string_view(what.message()));
}

std::string RoleNames() {
  std::vector<std::string> names;
  for (int i = 0; i < settings::Roles().field_count(); ++i)
    names.push_back(settings::Roles().field(i)->name());
  const std::string last = std::move(names.back());
  names.pop_back();
  return absl::StrCat(absl::StrJoin(names, ", "), " or ", last);
}

// Puts values into the message of a role.
class Merger {
 public:
  Merger(const FieldDescriptor& role, Message* message) : role_(role), message_(message) {}

  absl::Status File(const std::string& name, const YamlNode& root) {
    file_ = Shown(name);
    return Mapping(root, "", message_);
  }

  // `where` says where the value stands: FISCAL_SERVE_SERVER_LISTEN=x.
  absl::Status Text(absl::string_view path, absl::string_view value, const std::string& where) {
    Message* message = message_;
    std::string prefix;
    const std::vector<absl::string_view> parts = absl::StrSplit(path, '.');
    for (size_t i = 0;; ++i) {
      const FieldDescriptor* field = Find(*message, parts[i]);
      if (field == nullptr)
        return Wrong(where, NoSuchSetting(prefix, parts[i], *message->GetDescriptor()));
      const Kind kind = KindOf(*field);
      const bool last = i + 1 == parts.size();
      absl::StrAppend(&prefix, field->name(), ".");
      if (kind == Kind::kGroup && !last) {
        message = message->GetReflection()->MutableMessage(message, field);
        continue;
      }
      if (!last) return Wrong(where, "no such setting");
      if (kind == Kind::kGroup) {
        return Wrong(where, absl::StrCat("a group of settings: name one of them, such as ", prefix,
                                         field->message_type()->field(0)->name()));
      }
      const absl::Status set = kind == Kind::kList ? settings::SetList(value, *field, message)
                                                   : settings::SetValue(value, *field, message);
      return set.ok() ? set : Wrong(where, set);
    }
  }

 private:
  static const FieldDescriptor* Find(const Message& message, absl::string_view name) {
    return message.GetDescriptor()->FindFieldByName(std::string(name));
  }

  std::string NoSuchSetting(absl::string_view prefix, absl::string_view name,
                            const Descriptor& among) const {
    if (prefix.empty()) {
      for (int i = 0; i < settings::Roles().field_count(); ++i) {
        if (settings::Roles().field(i)->message_type()->FindFieldByName(std::string(name)))
          return absl::StrCat("not a setting of the role ", role_.name());
      }
    }
    if (absl::StrContains(name, '.')) return "no such setting; a part of a path is a mapping";
    std::vector<std::string> names;
    if (prefix.empty()) names.push_back(kRole);
    for (int i = 0; i < among.field_count(); ++i) names.push_back(among.field(i)->name());
    std::optional<std::string> meant = settings::Nearest(name, names);
    // Right, but in another place.
    for (const settings::Place& place : settings::SettingsOf(*role_.message_type())) {
      if (!meant && absl::string_view(place.field->name()) == name) meant = place.path;
    }
    return absl::StrCat("no such setting",
                        meant ? absl::StrCat("; did you mean ", *meant, "?") : "");
  }

  std::string At(int line, absl::string_view path) const {
    return absl::StrCat(file_, ":", line, ": ", path);
  }

  absl::Status Mapping(const YamlNode& node, const std::string& prefix, Message* message) {
    for (const YamlEntry& entry : node.entries) {
      if (prefix.empty() && entry.key == kRole) continue;
      const std::string path = absl::StrCat(prefix, Shown(entry.key));
      const FieldDescriptor* field = Find(*message, entry.key);
      if (field == nullptr) {
        return Wrong(At(entry.line, path),
                     NoSuchSetting(prefix, entry.key, *message->GetDescriptor()));
      }
      FISCAL_RETURN_IF_ERROR(Value(entry, path, *field, message));
    }
    return absl::OkStatus();
  }

  absl::Status Value(const YamlEntry& entry, const std::string& path, const FieldDescriptor& field,
                     Message* message) {
    const YamlNode& node = entry.value;
    switch (KindOf(field)) {
      case Kind::kGroup:
        // With all its settings commented out it is nothing, which is as good.
        if (node.kind != YamlNode::Kind::kMapping && node.kind != YamlNode::Kind::kNone)
          return Wrong(At(entry.line, path), "must be a mapping");
        return Mapping(node, path + ".", message->GetReflection()->MutableMessage(message, &field));
      case Kind::kList:
        if (node.kind != YamlNode::Kind::kList && node.kind != YamlNode::Kind::kNone)
          return Wrong(At(entry.line, path), "must be a list of mappings");
        return List(node, path, field, message);
      default:
        if (node.kind == YamlNode::Kind::kNone)
          return Wrong(At(entry.line, path), "has no value; an empty one is \"\"");
        if (node.kind != YamlNode::Kind::kScalar)
          return Wrong(At(entry.line, path), "must be one value");
        const absl::Status set = settings::SetValue(node.text, field, message);
        if (set.ok()) return set;
        return Wrong(absl::StrCat(At(entry.line, path), " ", Shown(node.text)), set);
    }
  }

  absl::Status List(const YamlNode& node, const std::string& path, const FieldDescriptor& field,
                    Message* message) {
    for (size_t i = 0; i < node.items.size(); ++i) {
      const YamlNode& item = node.items[i];
      const std::string place = absl::StrCat(path, "[", i, "]");
      if (item.kind != YamlNode::Kind::kMapping)
        return Wrong(At(item.line, place), "must be a mapping");
      Message* element = message->GetReflection()->AddMessage(message, &field);
      settings::FillDefaults(element);
      FISCAL_RETURN_IF_ERROR(Mapping(item, place + ".", element));
      for (int k = 0; k < element->GetDescriptor()->field_count(); ++k) {
        const FieldDescriptor& needed = *element->GetDescriptor()->field(k);
        if (!settings::HasWhatItNeeds(*element, needed))
          return Wrong(At(item.line, absl::StrCat(place, ".", needed.name())), "is required");
      }
    }
    return absl::OkStatus();
  }

  const FieldDescriptor& role_;
  Message* const message_;
  std::string file_;
};

struct Variable {
  std::string name;
  std::string value;
  // Empty for no setting's.
  std::string path;
};

// The FISCAL_SERVE_* variables of the environment, in the order of their names. Settings of every
// role are known here; whether this role has them is checked later.
absl::StatusOr<std::vector<Variable>> VariablesOf(const ConfigSources& sources) {
  std::map<std::string, std::string> paths = {{settings::VariableOf(kRole), kRole}};
  for (int i = 0; i < settings::Roles().field_count(); ++i) {
    for (const settings::Place& place :
         settings::SettingsOf(*settings::Roles().field(i)->message_type())) {
      if (!absl::StrContains(place.path, "[]"))
        paths.emplace(settings::VariableOf(place.path), place.path);
    }
  }
  std::vector<Variable> variables;
  for (const auto& [name, value] : sources.environment) {
    if (!absl::StartsWith(name, kPrefix)) continue;
    const auto it = paths.find(name);
    variables.push_back({name, value, it == paths.end() ? "" : it->second});
  }
  std::stable_sort(variables.begin(), variables.end(),
                   [](const Variable& a, const Variable& b) { return a.name < b.name; });
  for (const Variable& variable : variables) {
    if (!variable.path.empty()) continue;
    std::vector<std::string> names;
    for (const auto& [name, path] : paths) names.push_back(name.substr(sizeof(kPrefix) - 1));
    const std::string rest = variable.name.substr(sizeof(kPrefix) - 1);
    std::optional<std::string> meant = settings::Nearest(rest, names);
    // With its groups left out: the shortest that ends so.
    const bool near = meant.has_value();
    for (const std::string& name : names) {
      if (!near && absl::EndsWith(name, "_" + rest) && (!meant || name.size() < meant->size()))
        meant = name;
    }
    return Wrong(Shown(variable.name),
                 absl::StrCat("no such setting",
                              meant ? absl::StrCat("; did you mean ", kPrefix, *meant, "?") : ""));
  }
  return variables;
}

std::string WhereOf(const Variable& variable) {
  return absl::StrCat(variable.name, "=", Shown(variable.value));
}
std::string WhereOf(const ConfigSources::Flag& flag) {
  return flag.name == "--set" ? absl::StrCat("--set ", Shown(flag.path), "=", Shown(flag.value))
                              : absl::StrCat(flag.name, " ", Shown(flag.value));
}

// The last that is named; each must be one.
absl::StatusOr<const FieldDescriptor*> RoleInForce(const std::string& file, const YamlNode& root,
                                                   const std::vector<Variable>& variables,
                                                   const std::vector<ConfigSources::Flag>& flags) {
  const FieldDescriptor* role = settings::RoleField("all");
  const auto take = [&role](absl::string_view name, const std::string& where) {
    const FieldDescriptor* found = settings::RoleField(name);
    if (found == nullptr) return Wrong(where, absl::StrCat("must be ", RoleNames()));
    role = found;
    return absl::OkStatus();
  };
  for (const YamlEntry& entry : root.entries) {
    if (entry.key != kRole) continue;
    // A value that is no scalar has an empty text, which is no role.
    const std::string value = entry.value.text.empty() ? "" : " " + Shown(entry.value.text);
    FISCAL_RETURN_IF_ERROR(
        take(entry.value.text, absl::StrCat(Shown(file), ":", entry.line, ": ", kRole, value)));
  }
  for (const Variable& variable : variables) {
    if (variable.path == kRole) FISCAL_RETURN_IF_ERROR(take(variable.value, WhereOf(variable)));
  }
  for (const ConfigSources::Flag& flag : flags) {
    if (flag.path == kRole) FISCAL_RETURN_IF_ERROR(take(flag.value, WhereOf(flag)));
  }
  return role;
}

absl::StatusOr<YamlNode> ReadFile(const std::string& file) {
  if (file.empty()) return YamlNode();
  const absl::StatusOr<std::string> bytes = ReadSmallFile(file);
  if (!bytes.ok()) return Wrong(Shown(file), bytes.status());
  FISCAL_ASSIGN_OR_RETURN(YamlNode root, settings::ParseYaml(Shown(file), *bytes));
  if (root.kind == YamlNode::Kind::kNone) return Wrong(Shown(file), "no settings in it");
  if (root.kind != YamlNode::Kind::kMapping)
    return Wrong(absl::StrCat(Shown(file), ":", root.line), "must be a mapping of settings");
  return root;
}

// Lists' elements were looked at when they were read.
absl::Status CheckRequired(const Message& message, const std::string& prefix) {
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor& field = *message.GetDescriptor()->field(i);
    const std::string path = absl::StrCat(prefix, field.name());
    if (KindOf(field) == Kind::kGroup) {
      FISCAL_RETURN_IF_ERROR(
          CheckRequired(message.GetReflection()->GetMessage(message, &field), path + "."));
    } else if (!settings::HasWhatItNeeds(message, field)) {
      const std::string& flag = settings::SettingOf(field).flag();
      return absl::InvalidArgumentError(absl::StrCat(
          path, " is required: in the file, as ", settings::VariableOf(path), " or as ",
          flag.empty() ? absl::StrCat("--set ", path, "=VALUE") : absl::StrCat("--", flag)));
    }
  }
  return absl::OkStatus();
}

Message* MessageOf(const FieldDescriptor& role, config::v1::ServeConfig* config) {
  return config->GetReflection()->MutableMessage(config, &role);
}

}  // namespace

absl::StatusOr<config::v1::ServeConfig> Load(const ConfigSources& sources) {
  FISCAL_ASSIGN_OR_RETURN(const YamlNode root, ReadFile(sources.file));
  FISCAL_ASSIGN_OR_RETURN(const std::vector<Variable> variables, VariablesOf(sources));
  FISCAL_ASSIGN_OR_RETURN(const FieldDescriptor* role,
                          RoleInForce(sources.file, root, variables, sources.flags));
  config::v1::ServeConfig config;
  Message* message = MessageOf(*role, &config);
  settings::FillDefaults(message);
  Merger merger(*role, message);
  FISCAL_RETURN_IF_ERROR(merger.File(sources.file, root));
  for (const Variable& variable : variables) {
    if (variable.path != kRole)
      FISCAL_RETURN_IF_ERROR(merger.Text(variable.path, variable.value, WhereOf(variable)));
  }
  for (const ConfigSources::Flag& flag : sources.flags) {
    if (flag.path != kRole)
      FISCAL_RETURN_IF_ERROR(merger.Text(flag.path, flag.value, WhereOf(flag)));
  }
  FISCAL_RETURN_IF_ERROR(CheckRequired(*message, ""));
  return config;
}

std::vector<ShortFlag> ShortFlags() {
  std::vector<ShortFlag> flags = {{absl::StrCat("--", kRole), kRole, ShortFlag::Form::kValue}};
  std::set<std::string> seen;
  for (int i = 0; i < settings::Roles().field_count(); ++i) {
    for (const settings::Place& place :
         settings::SettingsOf(*settings::Roles().field(i)->message_type())) {
      const std::string& flag = settings::SettingOf(*place.field).flag();
      if (flag.empty() || !seen.insert(place.path).second) continue;
      const Kind kind = KindOf(*place.field);
      flags.push_back({absl::StrCat("--", flag), place.path,
                       kind == Kind::kSwitch ? ShortFlag::Form::kSwitch
                       : kind == Kind::kList ? ShortFlag::Form::kList
                                             : ShortFlag::Form::kValue});
    }
  }
  return flags;
}

config::v1::ServeConfig DefaultConfig() {
  config::v1::ServeConfig config;
  settings::FillDefaults(config.mutable_all());
  return config;
}

const config::v1::ServerConfig& ServerOf(const config::v1::ServeConfig& config) {
  switch (config.role_case()) {
    case config::v1::ServeConfig::kSubmission:
      return config.submission().server();
    case config::v1::ServeConfig::kAggregation:
      return config.aggregation().server();
    default:
      return config.all().server();
  }
}

config::v1::ServerConfig* MutableServerOf(config::v1::ServeConfig* config) {
  switch (config->role_case()) {
    case config::v1::ServeConfig::kSubmission:
      return config->mutable_submission()->mutable_server();
    case config::v1::ServeConfig::kAggregation:
      return config->mutable_aggregation()->mutable_server();
    default:
      return config->mutable_all()->mutable_server();
  }
}

const config::v1::SubmissionConfig* SubmissionOf(const config::v1::ServeConfig& config) {
  if (config.has_all()) return &config.all().submission();
  return config.has_submission() ? &config.submission().submission() : nullptr;
}

const config::v1::AggregationConfig* AggregationOf(const config::v1::ServeConfig& config) {
  if (config.has_all()) return &config.all().aggregation();
  return config.has_aggregation() ? &config.aggregation().aggregation() : nullptr;
}

std::string RoleName(const config::v1::ServeConfig& config) {
  const FieldDescriptor* role =
      config.GetReflection()->GetOneofFieldDescriptor(config, &settings::Roles());
  return role == nullptr ? "" : role->name();
}

std::string AuthorityModeOf(const config::v1::ServerConfig& server) {
  if (server.authority().mode() != "auto") return server.authority().mode();
  return server.tls().client_ca_file().empty() ? "off" : "enforce";
}

}  // namespace fiscal::services
