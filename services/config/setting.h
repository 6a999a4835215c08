// Settings as the descriptors of fiscal.config.v1 define them: paths, names, values as text.
//
//   descriptor + (fiscal.config.v1.setting) --> SettingsOf, FillDefaults, SetValue, ValueText
//
// A setting is a string, an int64, a bool, a message of settings or a list of such messages;
// another type stops the process, which a test would see first. Errors are half sentences without
// the setting's name ("must be 0 to 300"): callers know where the value stood. Stateless.
#ifndef FISCAL_SERVICES_CONFIG_SETTING_H_
#define FISCAL_SERVICES_CONFIG_SETTING_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "fiscal/config/v1/config.pb.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace fiscal::services::settings {

enum class Kind { kText, kNumber, kBytes, kSwitch, kGroup, kList };

Kind KindOf(const google::protobuf::FieldDescriptor& field);
const config::v1::Setting& SettingOf(const google::protobuf::FieldDescriptor& field);

// The roles, as the fields of ServeConfig.
const google::protobuf::OneofDescriptor& Roles();
// Null when there is no such role.
const google::protobuf::FieldDescriptor* RoleField(absl::string_view name);

struct Place {
  // `server.log.level`; the fields of a list's messages as `submission.upstreams[].name`.
  std::string path;
  const google::protobuf::FieldDescriptor* field;
};
// All settings below a role's message, in the order of the protos: groups before their members,
// lists before their fields.
std::vector<Place> SettingsOf(const google::protobuf::Descriptor& message);

// The environment variable of a path, such as FISCAL_SERVE_SERVER_LOG_LEVEL.
std::string VariableOf(absl::string_view path);

// Every group made, every value its default. Lists are empty.
void FillDefaults(google::protobuf::Message* message);

// The permitted values, for people: "0 to 300", "json or text"; empty when any text will do.
std::string Bounds(const google::protobuf::FieldDescriptor& field);

// Sets a text, number or switch. INVALID_ARGUMENT says what `value` must be.
absl::Status SetValue(absl::string_view value, const google::protobuf::FieldDescriptor& field,
                      google::protobuf::Message* message);
// Checks a value that is there already.
absl::Status CheckValue(const google::protobuf::Message& message,
                        const google::protobuf::FieldDescriptor& field);
// The value as SetValue takes it: 256MiB.
std::string ValueText(const google::protobuf::Message& message,
                      const google::protobuf::FieldDescriptor& field);
// False when a required setting has no value.
bool HasWhatItNeeds(const google::protobuf::Message& message,
                    const google::protobuf::FieldDescriptor& field);

// Sets a list of messages of two texts from one text, FIRST=SECOND,... INVALID_ARGUMENT when the
// list is another, or `value` is not such a text.
absl::Status SetList(absl::string_view value, const google::protobuf::FieldDescriptor& field,
                     google::protobuf::Message* message);

// The name among `names` that was probably meant: a letter or two apart.
std::optional<std::string> Nearest(absl::string_view name, const std::vector<std::string>& names);

}  // namespace fiscal::services::settings

#endif  // FISCAL_SERVICES_CONFIG_SETTING_H_
