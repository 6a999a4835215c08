// A YAML file as a tree that knows its lines.
//
// Refuses what has no use in a configuration and can mislead its reader: a key twice, anchors and
// aliases, merge keys, tags, a second document. Stateless.
#ifndef FISCAL_SERVICES_CONFIG_YAML_H_
#define FISCAL_SERVICES_CONFIG_YAML_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace fiscal::services::settings {

struct YamlEntry;

struct YamlNode {
  enum class Kind { kNone, kScalar, kList, kMapping };
  // kNone: nothing, `~` or `null`.
  Kind kind = Kind::kNone;
  // From 1.
  int line = 1;
  // The text of a scalar, without its quotes.
  std::string text;
  std::vector<YamlNode> items;
  std::vector<YamlEntry> entries;
};

struct YamlEntry {
  std::string key;
  int line = 1;
  YamlNode value;
};

// INVALID_ARGUMENT: one line, `NAME:LINE: what`.
absl::StatusOr<YamlNode> ParseYaml(absl::string_view name, absl::string_view bytes);

}  // namespace fiscal::services::settings

#endif  // FISCAL_SERVICES_CONFIG_YAML_H_
