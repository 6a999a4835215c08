// Settings as their descriptors define them: names, values as text, bounds.
#include "services/config/setting.h"

#include <map>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/config/config.h"

namespace fiscal::services {
namespace {

using settings::Place;

// By path, those of all roles.
std::map<std::string, Place> AllSettings() {
  std::map<std::string, Place> all;
  for (int i = 0; i < settings::Roles().field_count(); ++i) {
    for (const Place& place : settings::SettingsOf(*settings::Roles().field(i)->message_type()))
      all.emplace(place.path, place);
  }
  return all;
}

TEST(SettingTest, NoTwoPathsHaveOneVariableOrFlag) {
  std::map<std::string, std::string> variables = {{"FISCAL_SERVE_ROLE", "role"}};
  std::map<std::string, std::string> flags;
  for (const auto& [path, place] : AllSettings()) {
    const auto [at, is_new] = variables.emplace(settings::VariableOf(path), path);
    EXPECT_TRUE(is_new) << path << " and " << at->second << " are both " << at->first;
  }
  for (const ShortFlag& flag : ShortFlags()) {
    const auto [at, is_new] = flags.emplace(flag.name, flag.path);
    EXPECT_TRUE(is_new) << flag.path << " and " << at->second << " are both " << at->first;
  }
  EXPECT_EQ(settings::VariableOf("submission.queue_bytes_max"),
            "FISCAL_SERVE_SUBMISSION_QUEUE_BYTES_MAX");
  EXPECT_EQ(flags["--log"], "log");
  EXPECT_EQ(flags["--upstream"], "submission.upstreams");
}

// One path has one meaning, whatever the role.
TEST(SettingTest, RolesAgree) {
  const std::map<std::string, Place> all = AllSettings();
  for (int i = 0; i < settings::Roles().field_count(); ++i) {
    for (const Place& place : settings::SettingsOf(*settings::Roles().field(i)->message_type())) {
      const auto& other = *all.at(place.path).field;
      EXPECT_EQ(settings::KindOf(*place.field), settings::KindOf(other)) << place.path;
      EXPECT_EQ(settings::SettingOf(*place.field).SerializeAsString(),
                settings::SettingOf(other).SerializeAsString())
          << place.path;
    }
  }
}

// A setting of the role all, and a message that has it.
struct Of {
  explicit Of(const std::string& path) {
    // Down to the message the field is in.
    google::protobuf::Message* at = config.mutable_all();
    for (size_t begin = 0, dot; (dot = path.find('.', begin)) != std::string::npos;
         begin = dot + 1) {
      const auto* next = at->GetDescriptor()->FindFieldByName(path.substr(begin, dot - begin));
      at = at->GetReflection()->MutableMessage(at, next);
    }
    message = at;
    field = at->GetDescriptor()->FindFieldByName(path.substr(path.rfind('.') + 1));
  }
  std::string Set(absl::string_view value) {
    const absl::Status status = settings::SetValue(value, *field, message);
    return status.ok() ? settings::ValueText(*message, *field) : std::string(status.message());
  }
  config::v1::ServeConfig config;
  google::protobuf::Message* message;
  const google::protobuf::FieldDescriptor* field;
};

TEST(SettingTest, ValuesAreTakenAndToldAsText) {
  Of bytes("submission.queue_bytes_max");
  EXPECT_EQ(settings::KindOf(*bytes.field), settings::Kind::kBytes);
  EXPECT_EQ(bytes.Set("256MiB"), "256MiB");
  EXPECT_EQ(bytes.Set(absl::StrCat(int64_t{256} << 20)), "256MiB");
  Of number("server.drain.seconds");
  EXPECT_EQ(number.Set("7"), "7");
  EXPECT_EQ(settings::Bounds(*number.field), "0 to 300");
  EXPECT_EQ(number.Set("301"), "must be 0 to 300");
  EXPECT_EQ(number.Set("-1"), "must be 0 to 300");
  EXPECT_NE(number.Set("seven"), "7");
  Of text("server.log.level");
  EXPECT_EQ(text.Set("error"), "error");
  EXPECT_NE(text.Set("loud"), "loud");
  Of onoff("server.insecure");
  EXPECT_EQ(onoff.Set("true"), "true");
  EXPECT_EQ(onoff.Set("false"), "false");
  EXPECT_NE(onoff.Set("maybe"), "maybe");
}

TEST(SettingTest, DefaultsFillEveryGroup) {
  config::v1::ServeConfig config;
  settings::FillDefaults(config.mutable_all());
  EXPECT_TRUE(config.all().server().has_drain());
  EXPECT_EQ(config.all().server().drain().seconds(), 10);
  EXPECT_EQ(config.all().submission().upstreams_size(), 0);
}

TEST(SettingTest, AListIsOneTextOfPairs) {
  Of list("submission.upstreams");
  EXPECT_TRUE(settings::SetList("a=h:1,b=h:2", *list.field, list.message).ok());
  ASSERT_EQ(list.config.all().submission().upstreams_size(), 2);
  EXPECT_EQ(list.config.all().submission().upstreams(1).name(), "b");
  EXPECT_EQ(list.config.all().submission().upstreams(1).address(), "h:2");
  EXPECT_FALSE(settings::SetList("a", *list.field, list.message).ok());
}

TEST(SettingTest, TheNearestNameIsProbablyMeant) {
  const std::vector<std::string> names = {"listen", "log", "drain"};
  EXPECT_EQ(settings::Nearest("listn", names), "listen");
  EXPECT_EQ(settings::Nearest("darin", names), "drain");
  EXPECT_EQ(settings::Nearest("colour", names), std::nullopt);
}

}  // namespace
}  // namespace fiscal::services
