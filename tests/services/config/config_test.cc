// The configuration: each layer, each way to get it wrong as a line, and that docs/configuration.md
// says what the program does.
#include "services/config/config.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "domain/authority/principal.h"
#include "gtest/gtest.h"
#include "services/config/setting.h"

namespace fiscal::services {
namespace {

using config::v1::ServeConfig;
using settings::Kind;
using settings::Place;

class TempDir {
 public:
  TempDir() {
    char name[] = "/tmp/fiscal-config-XXXXXX";
    path_ = mkdtemp(name);
  }
  ~TempDir() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }
  std::string Write(const std::string& name, const std::string& content) const {
    const std::string file = path_ + "/" + name;
    std::ofstream(file, std::ios::binary) << content;
    return file;
  }

 private:
  std::string path_;
};

using Environment = std::vector<std::pair<std::string, std::string>>;
using Flags = std::vector<ConfigSources::Flag>;

ConfigSources::Flag Set(const std::string& path, const std::string& value) {
  return {path, value, "--set"};
}
const ConfigSources::Flag kDir = {"server.data_dir", "/d", "--data-dir"};

class ConfigTest : public ::testing::Test {
 protected:
  absl::StatusOr<ServeConfig> LoadFile(const std::string& yaml, Environment environment = {},
                                       Flags flags = {}) {
    return Load({dir_.Write("serve.yaml", yaml), std::move(environment), std::move(flags)});
  }
  // Without the directory of the file.
  std::string Told(const absl::Status& status) {
    if (status.ok()) return "good";
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    const std::string message(status.message());
    EXPECT_FALSE(absl::StrContains(message, '\n')) << message;
    return absl::StrReplaceAll(message, {{dir_.path() + "/", ""}});
  }
  std::string Error(const std::string& yaml, Environment environment = {}, Flags flags = {kDir}) {
    return Told(LoadFile(yaml, std::move(environment), std::move(flags)).status());
  }
  // Of a good configuration with some settings changed.
  std::string Checked(Flags flags) {
    flags.insert(flags.begin(), {{"server.data_dir", dir_.path() + "/data", ""},
                                 {"server.listen", "[::1]:0", ""}});
    const absl::StatusOr<ServeConfig> config = Load({"", {}, std::move(flags)});
    if (!config.ok()) return absl::StrCat("not loaded: ", config.status().message());
    return Told(Check(*config));
  }
  std::string CheckedFile(const std::string& yaml) {
    const absl::StatusOr<ServeConfig> config =
        LoadFile(yaml, {}, {{"server.data_dir", dir_.path() + "/data", ""}});
    return Told(config.ok() ? Check(*config) : config.status());
  }

  TempDir dir_;
};

TEST_F(ConfigTest, LaterLayersWin) {
  const std::string yaml =
      "server:\n  data_dir: /file\n  drain: {seconds: 1, delay_seconds: 1}\n"
      "  storage:\n    block_cache_bytes: 64MiB\n"
      "submission:\n  upstreams:\n    - {name: a, address: \"a:1\"}\n";
  const auto config =
      LoadFile(yaml,
               {{"FISCAL_SERVE_SERVER_DATA_DIR", "/variable"},
                {"FISCAL_SERVE_SERVER_DRAIN_SECONDS", "2"},
                {"FISCAL_SERVE_SUBMISSION_UPSTREAMS", "b=b:1,c=c:1"},
                {"FISCAL_SERVER", "x"},
                {"PATH", "/bin"}},
               {Set("server.drain.seconds", "3"), {"server.drain.seconds", "4", "--drain"}});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(RoleName(*config), "all");
  const config::v1::ServerConfig& server = ServerOf(*config);
  EXPECT_EQ(server.data_dir(), "/variable");
  EXPECT_EQ(server.drain().seconds(), 4);
  EXPECT_EQ(server.drain().delay_seconds(), 1);
  EXPECT_EQ(server.storage().block_cache_bytes(), 64 << 20);
  EXPECT_EQ(server.listen(), "127.0.0.1:7411");
  ASSERT_EQ(SubmissionOf(*config)->upstreams_size(), 2);
  EXPECT_EQ(SubmissionOf(*config)->upstreams(0).name(), "b");
  EXPECT_EQ(SubmissionOf(*config)->upstreams(1).address(), "c:1");
  EXPECT_EQ(AggregationOf(*config)->watchers_max(), 20000);
}

TEST_F(ConfigTest, TheRoleMayComeFromAnyLayer) {
  const std::string yaml = "role: submission\nserver: {data_dir: /d}\n";
  EXPECT_EQ(RoleName(*LoadFile(yaml)), "submission");
  EXPECT_EQ(RoleName(*LoadFile(yaml, {{"FISCAL_SERVE_ROLE", "all"}})), "all");
  const auto config = LoadFile(yaml, {{"FISCAL_SERVE_ROLE", "all"}},
                               {{"role", "aggregation", "--role"}, {"log", "h:1", "--log"}});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(RoleName(*config), "aggregation");
  EXPECT_EQ(config->aggregation().log(), "h:1");
  EXPECT_EQ(SubmissionOf(*config), nullptr);
  EXPECT_NE(AggregationOf(*config), nullptr);
}

TEST_F(ConfigTest, DefaultsFillEveryLevelAndElement) {
  const auto config = LoadFile(
      "server: {data_dir: /d}\naggregation:\n  coverage_deadlines:\n"
      "    - {division_code: 141100, fiscal_year: 2026, due: 2026-01-31}\n");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(AggregationOf(*config)->coverage_deadlines(0).stage(), "approved");
  EXPECT_EQ(AggregationOf(*config)->coverage_deadlines(0).division_code(), "141100");
  ServeConfig plain = DefaultConfig();
  EXPECT_EQ(ServerOf(plain).data_dir(), "");
  EXPECT_EQ(ServerOf(plain).disk().free_bytes_min(), 1 << 30);
  MutableServerOf(&plain)->set_data_dir("/d");
  EXPECT_EQ(Print(*Load({"", {}, {kDir}})), Print(plain));
}

// What has no meaning is as good as nothing.
TEST_F(ConfigTest, HarmlessFormsAreTaken) {
  for (const std::string yaml :
       {"server:\n", "server: ~\nsubmission: {}\n", "%YAML 1.2\n---\nrole: all\n...\n",
        "role: all # 中", "role: all\n...", "\xef\xbb\xbfrole: all\n",
        "role: \"all\"\r\nserver: {insecure: \"true\"}\r\n", "submission: {upstreams: }\n",
        "submission: {upstreams: []}\n",
        "{\"role\": \"all\", \"server\": {\"drain\": {\"seconds\": 5}}}", "# nothing\nrole: all"})
    EXPECT_EQ(Error(yaml), "good") << yaml;
}

TEST_F(ConfigTest, FilesThatAreRefused) {
  const std::string cases[][2] = {
      {"server:\n  listn: a:1\n",
       "serve.yaml:2: server.listn: no such setting; did you mean listen?"},
      {"server:\n  lisetn: a:1\n",
       "serve.yaml:2: server.lisetn: no such setting; did you mean listen?"},
      {"server:\n  colour: red\n", "serve.yaml:2: server.colour: no such setting"},
      {"rol: all\n", "serve.yaml:1: rol: no such setting; did you mean role?"},
      {"level: info\n", "serve.yaml:1: level: no such setting; did you mean server.log.level?"},
      {"server.listen: a:1\n",
       "serve.yaml:1: server.listen: no such setting; a part of a path is a mapping"},
      {"role: all\nlog: a:1\n", "serve.yaml:2: log: not a setting of the role all"},
      {"role: aggregation\nlog: a:1\n\nsubmission: {}\n",
       "serve.yaml:4: submission: not a setting of the role aggregation"},
      {"role: submission\naggregation: {}\n",
       "serve.yaml:2: aggregation: not a setting of the role submission"},
      {"role: both\n", "serve.yaml:1: role both: must be all, submission or aggregation"},
      {"role:\n", "serve.yaml:1: role: must be all, submission or aggregation"},
      {"role: [all]\n", "serve.yaml:1: role: must be all, submission or aggregation"},
      {"role: aggregation\n", "log is required: in the file, as FISCAL_SERVE_LOG or as --log"},
      // Shapes.
      {"server: 5\n", "serve.yaml:1: server: must be a mapping"},
      {"server:\n  - listen\n", "serve.yaml:1: server: must be a mapping"},
      {"server: {drain: {seconds: {a: 1}}}\n",
       "serve.yaml:1: server.drain.seconds: must be one value"},
      {"server:\n  listen: [a]\n", "serve.yaml:2: server.listen: must be one value"},
      {"server:\n  listen:\n", "serve.yaml:2: server.listen: has no value; an empty one is \"\""},
      {"server:\n  listen: null\n",
       "serve.yaml:2: server.listen: has no value; an empty one is \"\""},
      {"submission: {upstreams: a=b:1}\n",
       "serve.yaml:1: submission.upstreams: must be a list of mappings"},
      {"submission:\n  upstreams:\n    - a=b:1\n",
       "serve.yaml:3: submission.upstreams[0]: must be a mapping"},
      {"submission:\n  upstreams:\n    - {name: a, address: \"a:1\"}\n    - {name: b}\n",
       "serve.yaml:4: submission.upstreams[1].address: is required"},
      {"submission:\n  upstreams:\n    - {name: \"\", address: \"a:1\"}\n",
       "serve.yaml:3: submission.upstreams[0].name: is required"},
      {"submission:\n  upstreams:\n    - {name: a, addres: \"a:1\"}\n",
       "serve.yaml:3: submission.upstreams[0].addres: no such setting; did you mean address?"},
      // Values.
      {"server: {drain: {seconds: 301}}\n",
       "serve.yaml:1: server.drain.seconds 301: must be 0 to 300"},
      {"server: {drain: {seconds: -1}}\n",
       "serve.yaml:1: server.drain.seconds -1: must be 0 to 300"},
      {"server: {drain: {seconds: 99999999999999999999}}\n",
       "serve.yaml:1: server.drain.seconds 99999999999999999999: must be 0 to 300"},
      {"server: {drain: {seconds: 1.5}}\n",
       "serve.yaml:1: server.drain.seconds 1.5: must be a whole number, 0 to 300"},
      {"server: {drain: {seconds: 010}}\n",
       "serve.yaml:1: server.drain.seconds 010: must be a whole number, 0 to 300"},
      {"server: {drain: {seconds: 1KiB}}\n",
       "serve.yaml:1: server.drain.seconds 1KiB: must be a whole number, 0 to 300"},
      {"server: {drain: {seconds: \"\"}}\n",
       "serve.yaml:1: server.drain.seconds : must be a whole number, 0 to 300"},
      {"server: {log: {slow_call_millis: 0}}\n",
       "serve.yaml:1: server.log.slow_call_millis 0: must be 1 to 3600000"},
      {"submission: {queue_bytes_max: 1MB}\n",
       "serve.yaml:1: submission.queue_bytes_max 1MB: must be a whole number of bytes, such as "
       "1048576 or 1MiB, at least 1MiB"},
      {"submission: {queue_bytes_max: 1023KiB}\n",
       "serve.yaml:1: submission.queue_bytes_max 1023KiB: must be at least 1MiB"},
      {"submission: {queue_bytes_max: 9223372036854775807GiB}\n",
       "serve.yaml:1: submission.queue_bytes_max 9223372036854775807GiB: must be less than "
       "9223372036854775807"},
      {"submission: {queue_bytes_max: -1GiB}\n",
       "serve.yaml:1: submission.queue_bytes_max -1GiB: must be at least 1MiB"},
      {"submission: {group_bytes_max: 1025MiB}\n",
       "serve.yaml:1: submission.group_bytes_max 1025MiB: must be 64KiB to 1GiB"},
      {"server: {insecure: yes}\n", "serve.yaml:1: server.insecure yes: must be true or false"},
      {"server: {insecure: True}\n", "serve.yaml:1: server.insecure True: must be true or false"},
      {"server: {log: {level: loud}}\n",
       "serve.yaml:1: server.log.level loud: must be debug, info, warning or error"},
      {"server: {log: {format: \"\"}}\n", "serve.yaml:1: server.log.format : must be json or text"},
      {"server: {data_dir: \"a\\nb\"}\n",
       "serve.yaml:1: server.data_dir a\\nb: must not have a control character"},
      {"aggregation:\n  coverage_deadlines:\n    - {fiscal_year: 1949}\n",
       "serve.yaml:3: aggregation.coverage_deadlines[0].fiscal_year 1949: must be 1950 to 2200"},
      // What YAML has and a configuration does not need.
      {"server:\n  listen: a:1\n  listen: b:1\n", "serve.yaml:3: server.listen: set twice"},
      {"role: all\nrole: all\n", "serve.yaml:2: role: set twice"},
      {"submission:\n  upstreams:\n    - name: a\n      address: b:1\n    - name: c\n      name: "
       "d\n",
       "serve.yaml:6: submission.upstreams[1].name: set twice"},
      {"server: &s {listen: \"a:1\"}\n", "serve.yaml:1: an anchor (&): write the values out"},
      {"server: {listen: &a x}\nrole: *a\n", "serve.yaml:1: an anchor (&): write the values out"},
      {"role: *a\n", "serve.yaml:1: YAML: the referenced anchor is not defined"},
      {"server:\n  <<: {listen: x}\n", "serve.yaml:2: a merge key (<<): write the values out"},
      {"server: {insecure: !!bool true}\n",
       "serve.yaml:1: a tag (!): a setting has the type it has"},
      {"server: !x {}\n", "serve.yaml:1: a tag (!): a setting has the type it has"},
      {"role: all\n---\nrole: all\n", "serve.yaml:2: a second document: a configuration is one"},
      {"? [a]\n: b\n", "serve.yaml:1: a key must be a word"},
      {"~: b\n", "serve.yaml:1: a key must be a word"},
      {"server:\n  listen: \"a\n", "serve.yaml:2: YAML: a quote is never closed"},
      {"server:\n  data_dir: /d\n  listen: 'a\n\n  b\n\n  # c\n",
       "serve.yaml:3: YAML: a quote is never closed"},
      {"server: {listen: 'a", "serve.yaml:1: YAML: illegal EOF in scalar"},
      {"server:\n\tlisten: a\n", "serve.yaml:2: YAML: illegal map value"},
      {"server: {\n", "serve.yaml:2: YAML: end of map flow not found"},
      {"server:\n  data_dir: \xff\n", "serve.yaml:2: bytes that are not UTF-8"},
      {std::string("role: all\n\0", 11), "serve.yaml:2: a control character"},
      {"role: all\xe2\x80\xae\n", "serve.yaml:1: a bidirectional control"},
      {"", "serve.yaml: no settings in it"},
      {"# nothing\n---\n", "serve.yaml: no settings in it"},
      {"all\n", "serve.yaml:1: must be a mapping of settings"},
      {"\n- role\n", "serve.yaml:2: must be a mapping of settings"},
      {std::string(1 << 20, '#') + "\n", "serve.yaml: larger than 1 MiB"},
      {std::string(2000, '[') + "\n", "serve.yaml:1: a key must be a word"},
  };
  for (const auto& [yaml, error] : cases) EXPECT_EQ(Error(yaml), error) << yaml.substr(0, 200);
  EXPECT_EQ(Error(absl::StrCat(std::string(300, 'k'), ": 1\n")),
            absl::StrCat("serve.yaml:1: ", std::string(120, 'k'), "...: no such setting"));
  EXPECT_EQ(Told(Load({dir_.path() + "/none.yaml", {}, {}}).status()),
            "none.yaml: No such file or directory");
  EXPECT_EQ(Told(Load({dir_.path(), {}, {}}).status()), dir_.path() + ": Is a directory");
  EXPECT_EQ(Told(Load({dir_.Write("f", "") + "/x", {}, {}}).status()), "f/x: Not a directory");
}

TEST_F(ConfigTest, VariablesThatAreRefused) {
  const std::string cases[][3] = {
      {"FISCAL_SERVE_LISTEN", "x",
       "FISCAL_SERVE_LISTEN: no such setting; did you mean FISCAL_SERVE_SERVER_LISTEN?"},
      {"FISCAL_SERVE_SERVER_LISTN", "x",
       "FISCAL_SERVE_SERVER_LISTN: no such setting; did you mean FISCAL_SERVE_SERVER_LISTEN?"},
      {"FISCAL_SERVE_", "x", "FISCAL_SERVE_: no such setting"},
      {"FISCAL_SERVE_COLOUR", "x", "FISCAL_SERVE_COLOUR: no such setting"},
      {"FISCAL_SERVE_server_listen", "x", "FISCAL_SERVE_server_listen: no such setting"},
      {"FISCAL_SERVE_LOG", "x:1", "FISCAL_SERVE_LOG=x:1: not a setting of the role all"},
      {"FISCAL_SERVE_ROLE", "x", "FISCAL_SERVE_ROLE=x: must be all, submission or aggregation"},
      {"FISCAL_SERVE_SERVER", "x",
       "FISCAL_SERVE_SERVER=x: a group of settings: name one of them, such as server.data_dir"},
      {"FISCAL_SERVE_SERVER_DRAIN_SECONDS", "",
       "FISCAL_SERVE_SERVER_DRAIN_SECONDS=: must be a whole number, 0 to 300"},
      {"FISCAL_SERVE_SERVER_DRAIN_SECONDS", " 5",
       "FISCAL_SERVE_SERVER_DRAIN_SECONDS= 5: must be a whole number, 0 to 300"},
      {"FISCAL_SERVE_SUBMISSION_UPSTREAMS", "a",
       "FISCAL_SERVE_SUBMISSION_UPSTREAMS=a: must be NAME=ADDRESS,..."},
      {"FISCAL_SERVE_SUBMISSION_UPSTREAMS", "a=b:1,",
       "FISCAL_SERVE_SUBMISSION_UPSTREAMS=a=b:1,: must be NAME=ADDRESS,..."},
      {"FISCAL_SERVE_SUBMISSION_UPSTREAMS", "=b:1",
       "FISCAL_SERVE_SUBMISSION_UPSTREAMS==b:1: must be NAME=ADDRESS,..."},
      {"FISCAL_SERVE_AGGREGATION_COVERAGE_DEADLINES", "x",
       "FISCAL_SERVE_AGGREGATION_COVERAGE_DEADLINES=x: a list of settings, which can be given in "
       "the file only"},
      {"FISCAL_SERVE_SERVER_DATA_DIR", "\xff\n",
       "FISCAL_SERVE_SERVER_DATA_DIR=\\xff\\n: must not have bytes that are not UTF-8"},
      {"FISCAL_SERVE_SUBMISSION_UPSTREAMS", "", "good"},
      {"FISCAL_SERVE_SERVER_ADMIN_LISTEN", "", "good"},
      {"FISCAL_CONFIG", "x", "good"},
  };
  for (const auto& [name, value, error] : cases)
    EXPECT_EQ(Error("role: all\n", {{name, value}}), error) << name;
  // The first by name, wherever it stands.
  EXPECT_EQ(Error("role: all\n", {{"FISCAL_SERVE_SERVER_TLS", "x"}, {"FISCAL_SERVE_LOG", "x"}}),
            "FISCAL_SERVE_LOG=x: not a setting of the role all");
}

TEST_F(ConfigTest, FlagsThatAreRefused) {
  const std::pair<ConfigSources::Flag, std::string> cases[] = {
      {Set("server.listn", "x"), "--set server.listn=x: no such setting; did you mean listen?"},
      {Set("", "x"), "--set =x: no such setting"},
      {Set("server.", "x"), "--set server.=x: no such setting"},
      {Set("server.listen.x", "y"), "--set server.listen.x=y: no such setting"},
      {Set("submission.upstreams[0].name", "y"),
       "--set submission.upstreams[0].name=y: no such setting; did you mean upstreams?"},
      {Set("submission.upstreams.name", "y"), "--set submission.upstreams.name=y: no such setting"},
      {Set("server.log", "y"),
       "--set server.log=y: a group of settings: name one of them, such as server.log.level"},
      {Set("server.drain.seconds", "900"), "--set server.drain.seconds=900: must be 0 to 300"},
      {{"log", "h:1", "--log"}, "--log h:1: not a setting of the role all"},
      {{"role", "x", "--role"}, "--role x: must be all, submission or aggregation"},
      {{"server.data_dir", "", "--data-dir"},
       "server.data_dir is required: in the file, as FISCAL_SERVE_SERVER_DATA_DIR or as "
       "--data-dir"},
  };
  for (const auto& [flag, error] : cases) EXPECT_EQ(Error("role: all\n", {}, {kDir, flag}), error);
}

// All three roles with something that is not the default in every group.
TEST_F(ConfigTest, WhatIsPrintedLoadsToTheSame) {
  const std::string server =
      "server:\n  data_dir: \"a \\\"b\\\" \\\\ # 中\"\n  insecure: true\n"
      "  admin_listen: \"[::1]:7490\"\n"
      "  tls: {certificate_file: \"true\", key_file: \"~\", client_ca_file: \"0123\"}\n"
      "  peer_tls: {ca_file: \"- a: b\"}\n  log: {level: error}\n"
      "  disk: {free_bytes_min: 0, free_bytes_margin: 1}\n"
      "  storage: {block_cache_bytes: 1025MiB}\n";
  const std::string submission =
      "submission:\n  queue_requests_max: 4096\n  upstreams:\n"
      "    - {name: \"1\", address: \"h:1\"}\n    - {name: b, address: \"[::1]:2\"}\n";
  const std::string aggregation =
      "aggregation:\n  coverage_deadlines:\n"
      "    - {division_code: \"141100000\", fiscal_year: 2026, stage: final, due: "
      "\"2026-01-31T17:00:00+08:00\"}\n"
      "    - {division_code: 141100, fiscal_year: 2026, due: 2026-01-31}\n";
  for (const std::string& yaml : {"role: all\n" + server + submission + aggregation,
                                  "role: submission\n" + server + submission,
                                  "role: aggregation\nlog: h:1\n" + server + aggregation,
                                  std::string("server: {data_dir: /d}\n")}) {
    const auto config = LoadFile(yaml);
    ASSERT_TRUE(config.ok()) << config.status();
    const std::string printed = Print(*config);
    const auto again = LoadFile(printed);
    ASSERT_TRUE(again.ok()) << again.status() << printed;
    EXPECT_EQ(again->SerializeAsString(), config->SerializeAsString()) << printed;
    EXPECT_EQ(Print(*again), printed);
    // Every setting is there, and only what differs is remarked upon.
    EXPECT_EQ(absl::StrContains(printed, "  log_write_buffer_bytes: 64MiB\n"), true) << printed;
    if (!absl::StrContains(yaml, "4096")) continue;
    EXPECT_TRUE(absl::StrContains(printed, "  queue_requests_max: 4096  # default 8192\n"));
    EXPECT_TRUE(absl::StrContains(printed, "  insecure: true  # default false\n"));
    EXPECT_TRUE(absl::StrContains(printed, "    key_file: \"~\"  # default \"\"\n"));
    EXPECT_TRUE(absl::StrContains(printed, "    block_cache_bytes: 1025MiB  # default 128MiB\n"));
    EXPECT_TRUE(absl::StrContains(printed, "    free_bytes_min: 0  # default 1GiB\n"));
  }
}

TEST_F(ConfigTest, AddressesAndNamesAreChecked) {
  constexpr char kForm[] =
      ": must be HOST:PORT with a port of 0 to 65535, an IPv6 address in brackets";
  constexpr char kPeerForm[] =
      ": must be HOST:PORT with a port of 1 to 65535, an IPv6 address in brackets";
  for (const std::string address :
       {"x", "", ":7411", "h:", "h:65536", "h:+1", "h: 1", "h:-1", "::1:1", "[::1]", "[::1:1",
        "[x]:1", "a b:1", "h:1:2", "http://h:1", "[127.0.0.1]:1"}) {
    EXPECT_EQ(Checked({Set("server.listen", address)}),
              absl::StrCat("server.listen ", address, kForm));
    if (address.empty()) continue;
    EXPECT_EQ(Checked({Set("server.admin_listen", address)}),
              absl::StrCat("server.admin_listen ", address, kForm));
    if (absl::StrContains(address, ",")) continue;
    EXPECT_EQ(Checked({Set("submission.upstreams", "a=" + address)}),
              absl::StrCat("submission.upstreams[0].address ", address, kPeerForm));
    EXPECT_EQ(Checked({Set("role", "aggregation"), Set("log", address)}),
              absl::StrCat("log ", address, kPeerForm));
  }
  EXPECT_EQ(Checked({Set("role", "aggregation"), Set("log", "h:0")}),
            absl::StrCat("log h:0", kPeerForm));
  EXPECT_EQ(Checked({Set("role", "aggregation"), Set("log", "h.example:7411")}), "good");
  for (const std::string loopback : {"127.0.0.1:65535", "127.9.9.9:0", "localhost:1", "[::1]:1"})
    EXPECT_EQ(Checked({Set("server.listen", loopback)}), "good") << loopback;
  for (const std::string other : {"0.0.0.0:7411", "[::]:7411", "h:1", "127.0.0.1.example:1",
                                  "128.0.0.1:1", "[::ffff:127.0.0.1]:1"}) {
    EXPECT_EQ(Checked({Set("server.listen", other)}),
              absl::StrCat("server.listen ", other,
                           ": without TLS only loopback is served; --insecure overrides"));
    EXPECT_EQ(Checked({Set("server.listen", other), Set("server.insecure", "true")}), "good");
    EXPECT_EQ(Checked({Set("server.admin_listen", other)}), "good");
  }
  EXPECT_EQ(
      Checked({Set("server.listen", "127.0.0.1:5"), Set("server.admin_listen", "127.0.0.1:5")}),
      "server.admin_listen 127.0.0.1:5: is server.listen too");
  EXPECT_EQ(
      Checked({Set("server.listen", "127.0.0.1:0"), Set("server.admin_listen", "127.0.0.1:0")}),
      "good");

  constexpr char kName[] = ": must be letters, digits, - and _, at most 32";
  const std::string long_name(33, 'n');
  EXPECT_EQ(Checked({Set("submission.upstreams", "a=h:1,b-_9=h:1")}), "good");
  EXPECT_EQ(Checked({Set("submission.upstreams", "a=h:1,b.c=h:1")}),
            absl::StrCat("submission.upstreams[1].name b.c", kName));
  EXPECT_EQ(Checked({Set("submission.upstreams", "吕梁=h:1")}),
            absl::StrCat("submission.upstreams[0].name 吕梁", kName));
  EXPECT_EQ(Checked({Set("submission.upstreams", long_name + "=h:1")}),
            absl::StrCat("submission.upstreams[0].name ", long_name, kName));
  EXPECT_EQ(Checked({Set("submission.upstreams", long_name.substr(1) + "=h:1")}), "good");
  EXPECT_EQ(Checked({Set("submission.upstreams", "a=h:1,a=h:2")}),
            "submission.upstreams[1].name a: is named twice");
}

TEST_F(ConfigTest, SettingsThatContradictEachOtherAreRefused) {
  EXPECT_EQ(Checked({Set("submission.queue_requests_max", "511")}),
            "submission.group_requests_max 512: is more than submission.queue_requests_max, 511");
  EXPECT_EQ(Checked({Set("submission.queue_requests_max", "512")}), "good");
  EXPECT_EQ(Checked({Set("submission.group_bytes_max", "512MiB")}),
            "submission.group_bytes_max 536870912: is more than submission.queue_bytes_max, "
            "268435456");
  EXPECT_EQ(Checked({Set("submission.group_bytes_max", "256MiB")}), "good");

  const auto deadlines = [this](const std::string& elements) {
    return absl::StrReplaceAll(CheckedFile("aggregation:\n  coverage_deadlines:\n" + elements),
                               {{"aggregation.coverage_deadlines", ""}});
  };
  const auto deadline = [](const std::string& division, const std::string& due,
                           const std::string& more = "") {
    return absl::StrCat("    - {division_code: ", division, ", fiscal_year: 2026, due: ", due, more,
                        "}\n");
  };
  EXPECT_EQ(deadlines(deadline("141100", "2026-01-31") +
                      deadline("141100", "2026-01-31", ", stage: final") +
                      deadline("141121000", "\"2026-01-31T17:00:00+08:00\"")),
            "good");
  for (const std::string division : {"14110", "1411000", "141100001", "x41100", "041100"}) {
    EXPECT_EQ(
        deadlines(deadline(division, "2026-01-31")),
        absl::StrCat("[0].division_code ", division, ": must be 6 digits, or 9 that end in 000"));
  }
  for (const std::string due :
       {"2026-02-30", "tomorrow", "2026-01-31T17:00:00", "infinite-future"}) {
    EXPECT_EQ(deadlines(deadline("141100", due)),
              absl::StrCat("[0].due ", due,
                           ": must be a date, 2026-01-31, or a time with a zone, "
                           "2026-01-31T17:00:00+08:00"));
  }
  EXPECT_EQ(deadlines(deadline("141100", "2026-01-31") + deadline("141100000", "2026-03-31")),
            "[1]: division 141100, year 2026, stage approved has another one");
}

TEST_F(ConfigTest, SharesAreOfARoleOrAPrincipal) {
  const auto shares = [this](const std::string& rows) {
    return CheckedFile("server:\n  shares:\n" + rows);
  };
  EXPECT_EQ(shares("    - {role: everybody, calls: 1}\n    - {role: submitter, streams: 2}\n"
                   "    - {principal: \"spiffe://x/a/*\", requests_per_second: 5}\n"),
            "good");
  EXPECT_EQ(shares("    - {calls: 1}\n"), "server.shares[0]: must have a role or a principal");
  EXPECT_EQ(shares("    - {role: reader, principal: \"cn:a@CA\"}\n"),
            "server.shares[0]: must have a role or a principal");
  EXPECT_EQ(shares("    - {role: king}\n"), "server.shares[0].role king: is no role");
  EXPECT_EQ(shares("    - {principal: king}\n"),
            absl::StrCat("server.shares[0].principal king: ", authority::kPrincipalShape));
  EXPECT_EQ(shares("    - {role: reader}\n    - {role: reader}\n"),
            "server.shares[1]: is named twice");
}

TEST_F(ConfigTest, WhoNeedsGrantsAndWhoMakesTheFirst) {
  const auto mode = [](bool certificates, const std::string& set) {
    config::v1::ServerConfig server;
    if (certificates) server.mutable_tls()->set_client_ca_file("ca.pem");
    server.mutable_authority()->set_mode(set);
    return AuthorityModeOf(server);
  };
  EXPECT_EQ(mode(/*certificates=*/true, "auto"), "enforce");
  EXPECT_EQ(mode(/*certificates=*/false, "auto"), "off");
  EXPECT_EQ(mode(/*certificates=*/true, "log"), "log");
  const std::string off =
      Checked({Set("server.tls.client_ca_file", "ca.pem"), Set("server.authority.mode", "off")});
  EXPECT_TRUE(absl::StartsWith(off, "server.authority.mode off: where callers show certificates"))
      << off;
  const auto admins = [this](const std::vector<std::string>& principals) {
    std::string yaml = "server:\n  authority:\n    admins:\n";
    for (const std::string& principal : principals)
      absl::StrAppend(&yaml, "      - {principal: \"", principal, "\"}\n");
    return absl::StrReplaceAll(CheckedFile(yaml), {{"server.authority.admins", ""}});
  };
  EXPECT_EQ(admins({"spiffe://x/a", "dns:h@CA", "cn:n@CA"}), "good");
  for (const std::string principal :
       {"spiffe://x/*", "anonymous", "cn:n", "fiscal", "upstream:a", "*"}) {
    EXPECT_EQ(admins({"spiffe://x/a", principal}),
              absl::StrCat("[1].principal ", principal,
                           ": must be spiffe://TRUST/PATH, dns:NAME@AUTHORITY or "
                           "cn:NAME@AUTHORITY"));
  }
  EXPECT_EQ(admins({"spiffe://x/a", "spiffe://x/a"}), "[1].principal spiffe://x/a: is named twice");
}

// Values that Load never saw.
TEST_F(ConfigTest, CheckLooksAtEveryValue) {
  ServeConfig config = DefaultConfig();
  EXPECT_EQ(Told(Check(config)), "server.data_dir is required");
  EXPECT_EQ(Told(Check(ServeConfig())), "role is required");
  MutableServerOf(&config)->set_data_dir(dir_.path());
  EXPECT_EQ(Told(Check(config)), "good");
  config.mutable_all()->mutable_submission()->set_stream_bytes_max(0);
  EXPECT_EQ(Told(Check(config)), "submission.stream_bytes_max 0: must be at least 1MiB");
  config.mutable_all()->mutable_submission()->set_stream_bytes_max(1 << 20);
  config.mutable_all()->mutable_submission()->add_upstreams()->set_name("a");
  EXPECT_EQ(Told(Check(config)), "submission.upstreams[0].address is required");
  config = DefaultConfig();
  MutableServerOf(&config)->set_data_dir(dir_.path());
  MutableServerOf(&config)->mutable_log()->set_level("loud");
  EXPECT_EQ(Told(Check(config)), "server.log.level loud: must be debug, info, warning or error");
}

TEST_F(ConfigTest, TheDataDirectoryIsTried) {
  const auto data = [this](const std::string& path) {
    return Checked({Set("server.data_dir", path)});
  };
  const std::string file = dir_.Write("file", "x");
  EXPECT_EQ(data(dir_.path()), "good");
  EXPECT_EQ(data(dir_.path() + "/a/b//c/"), "good");
  EXPECT_EQ(data(dir_.path() + "/a/../b"), "good");
  EXPECT_EQ(data(file), "server.data_dir file: is a file");
  EXPECT_EQ(data(file + "/x/y"), "server.data_dir file/x/y: file is a file");
  EXPECT_EQ(data("/proc/nowhere"), "server.data_dir /proc/nowhere: No such file or directory");
  EXPECT_EQ(data("/proc"), "server.data_dir /proc: No such file or directory");
  ASSERT_EQ(symlink("nowhere", (dir_.path() + "/link").c_str()), 0);
  EXPECT_EQ(data(dir_.path() + "/link"), "server.data_dir link: No such file or directory");
  EXPECT_EQ(data(dir_.path() + "/" + std::string(300, 'n')).substr(0, 22),
            "server.data_dir nnnnnn");
  if (geteuid() != 0) {
    mkdir((dir_.path() + "/closed").c_str(), 0555);
    EXPECT_EQ(data(dir_.path() + "/closed"), "server.data_dir closed: Permission denied");
    EXPECT_EQ(data(dir_.path() + "/closed/x"), "server.data_dir closed/x: Permission denied");
  }
  // Nothing is left behind.
  std::set<std::string> left;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir_.path()))
    left.insert(entry.path().filename());
  left.erase("closed");
  EXPECT_EQ(absl::StrJoin(left, " "), "file link");
}

// Keys and certificates made for the test.
struct Pair {
  std::string certificate;
  std::string key;
};

struct Freed {
  void operator()(BIO* p) const { BIO_free_all(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(X509* p) const { X509_free(p); }
};
using Bio = std::unique_ptr<BIO, Freed>;

std::string Bytes(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<size_t>(size));
}

// Signed by itself; valid from and to so many days from now.
Pair MakePair(int from_days, int to_days, const char* passphrase = nullptr) {
  const std::unique_ptr<EVP_PKEY, Freed> key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  const std::unique_ptr<X509, Freed> certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), from_days * 86400L);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), to_days * 86400L);
  X509_set_pubkey(certificate.get(), key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate.get()));
  X509_sign(certificate.get(), key.get(), EVP_sha256());
  const Bio first(BIO_new(BIO_s_mem())), second(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(first.get(), certificate.get());
  PEM_write_bio_PKCS8PrivateKey(
      second.get(), key.get(), passphrase == nullptr ? nullptr : EVP_aes_128_cbc(), passphrase,
      passphrase == nullptr ? 0 : static_cast<int>(strlen(passphrase)), nullptr, nullptr);
  return {Bytes(first.get()), Bytes(second.get())};
}

TEST_F(ConfigTest, TlsFilesAreRead) {
  const Pair good = MakePair(-1, 1), other = MakePair(-1, 1), ended = MakePair(-9, -1),
             early = MakePair(1, 9), locked = MakePair(-1, 1, "secret");
  const std::string certificate = dir_.Write("c.pem", good.certificate),
                    key = dir_.Write("k.pem", good.key),
                    other_key = dir_.Write("other.pem", other.key),
                    ended_certificate = dir_.Write("ended.pem", ended.certificate),
                    ended_key = dir_.Write("ended.key", ended.key),
                    early_certificate = dir_.Write("early.pem", early.certificate),
                    early_key = dir_.Write("early.key", early.key),
                    locked_certificate = dir_.Write("locked.pem", locked.certificate),
                    locked_key = dir_.Write("locked.key", locked.key),
                    text = dir_.Write("text", "hello\n"),
                    chain = dir_.Write("chain.pem", good.certificate + ended.certificate),
                    bundle = dir_.Write("bundle.pem", ended.certificate + other.certificate),
                    cut =
                        dir_.Write("cut.pem", good.certificate + other.certificate.substr(0, 300)),
                    both = dir_.Write("both.pem", good.key + good.certificate);
  const auto tls = [this](const std::string& certificate_file, const std::string& key_file,
                          const std::string& ca = "") {
    const auto told = [&](const std::string& group, Flags flags) {
      flags.push_back(Set(group + ".certificate_file", certificate_file));
      flags.push_back(Set(group + ".key_file", key_file));
      std::string checked = Checked(flags);
      // The day is not the test's concern.
      if (const size_t at = checked.find("expired at "); at != std::string::npos)
        checked.resize(at + 7);
      if (const size_t at = checked.find("not valid before "); at != std::string::npos)
        checked.resize(at + 16);
      return absl::StrReplaceAll(checked, {{group + ".", ""}});
    };
    const std::string server = told("server.tls", {Set("server.tls.client_ca_file", ca)});
    // The certificate that is shown to others is looked at in the same way.
    const std::string trusted = ca.empty() ? dir_.path() + "/c.pem" : ca;
    EXPECT_EQ(
        absl::StrReplaceAll(told("server.peer_tls", {Set("server.peer_tls.ca_file", trusted)}),
                            {{"ca_file", "client_ca_file"}}),
        server);
    return server;
  };
  EXPECT_EQ(tls(certificate, key), "good");
  EXPECT_EQ(tls(certificate, key, certificate), "good");
  EXPECT_EQ(tls(certificate, key, bundle), "good");
  EXPECT_EQ(tls(both, both), "good");
  EXPECT_EQ(tls(certificate, ""), "key_file: must be set too, as certificate_file is");
  EXPECT_EQ(tls("", key), "certificate_file: must be set too, as key_file is");
  EXPECT_EQ(tls(dir_.path() + "/none", key), "certificate_file none: No such file or directory");
  EXPECT_EQ(tls(certificate, dir_.path() + "/none"), "key_file none: No such file or directory");
  EXPECT_EQ(tls(certificate, "/tmp"), "key_file /tmp: Is a directory");
  EXPECT_EQ(tls(text, key), "certificate_file text: no certificate in PEM in it");
  EXPECT_EQ(tls(key, key), "certificate_file k.pem: no certificate in PEM in it");
  EXPECT_EQ(tls(cut, key),
            "certificate_file cut.pem: certificate 2 in it can't be read: is the file whole?");
  EXPECT_EQ(tls(certificate, text), "key_file text: no private key in PEM in it");
  EXPECT_EQ(tls(certificate, certificate), "key_file c.pem: no private key in PEM in it");
  EXPECT_EQ(tls(certificate, other_key),
            "key_file other.pem: is not the key of the first certificate in c.pem");
  EXPECT_EQ(tls(locked_certificate, locked_key),
            "key_file locked.key: the key has a passphrase; nobody is there to type it");
  EXPECT_EQ(tls(ended_certificate, ended_key), "certificate_file ended.pem: expired");
  EXPECT_EQ(tls(chain, key), "certificate_file chain.pem: certificate 2 in it: expired");
  EXPECT_EQ(tls(early_certificate, early_key), "certificate_file early.pem: not valid before");
  EXPECT_EQ(Checked({Set("server.tls.client_ca_file", certificate)}),
            "server.tls.client_ca_file c.pem: without server.tls.certificate_file there is no TLS "
            "to ask for certificates with");
  EXPECT_EQ(Checked({Set("server.peer_tls.certificate_file", certificate),
                     Set("server.peer_tls.key_file", key)}),
            "server.peer_tls.ca_file: must be set too: without it peers are reached without TLS");
  for (const auto& [file, error] : std::map<std::string, std::string>{
           {text, "text: no certificate in PEM in it"},
           {dir_.path() + "/none", "none: No such file or directory"}}) {
    EXPECT_EQ(Checked({Set("server.peer_tls.ca_file", file)}), "server.peer_tls.ca_file " + error);
    EXPECT_EQ(Checked({Set("server.tls.certificate_file", certificate),
                       Set("server.tls.key_file", key), Set("server.tls.client_ca_file", file)}),
              "server.tls.client_ca_file " + error);
  }
  EXPECT_TRUE(absl::StartsWith(Checked({Set("server.peer_tls.ca_file", ended_certificate)}),
                               "server.peer_tls.ca_file ended.pem: expired at "));
  EXPECT_EQ(Checked({Set("server.token_key_file", dir_.path() + "/none")}),
            "server.token_key_file none: No such file or directory");
  // With TLS any address is served, to callers who say who they are.
  Flags open = {Set("server.tls.certificate_file", certificate), Set("server.tls.key_file", key),
                Set("server.listen", "0.0.0.0:7411")};
  const auto with = [&open](const ConfigSources::Flag& flag) {
    Flags flags = open;
    flags.push_back(flag);
    return flags;
  };
  EXPECT_EQ(Checked(open),
            "server.listen 0.0.0.0:7411: without server.tls.client_ca_file callers are anonymous "
            "and only loopback is served; --insecure overrides");
  EXPECT_EQ(Checked(with(Set("server.tls.client_ca_file", certificate))), "good");
  EXPECT_EQ(Checked(with(Set("server.insecure", "true"))), "good");
  EXPECT_EQ(Checked(with(Set("server.listen", "127.0.0.1:7411"))), "good");
}

// Every setting of every role, once.
std::map<std::string, Place> AllSettings() {
  std::map<std::string, Place> all;
  for (int i = 0; i < settings::Roles().field_count(); ++i) {
    for (const Place& place : settings::SettingsOf(*settings::Roles().field(i)->message_type()))
      all.emplace(place.path, place);
  }
  return all;
}

std::vector<std::string> PageLines() {
  std::ifstream file("docs/configuration.md");
  std::stringstream text;
  text << file.rdbuf();
  return absl::StrSplit(text.str(), '\n');
}

std::vector<std::string> CellsOf(const std::string& row) {
  std::vector<std::string> cells = absl::StrSplit(row, " | ");
  cells.front() = std::string(absl::StripPrefix(cells.front(), "| "));
  cells.back() = std::string(absl::StripSuffix(cells.back(), " |"));
  return cells;
}

std::string WithoutTicks(absl::string_view text) {
  return std::string(absl::StripSuffix(absl::StripPrefix(text, "`"), "`"));
}

// What the page says of a default.
std::string DefaultCell(const Place& place) {
  const config::v1::Setting& setting = settings::SettingOf(*place.field);
  if (setting.required()) return "required";
  switch (settings::KindOf(*place.field)) {
    case Kind::kList:
      return "none";
    case Kind::kSwitch:
      return setting.default_().empty() ? "`false`" : absl::StrCat("`", setting.default_(), "`");
    case Kind::kText:
      return setting.default_().empty() ? "empty" : absl::StrCat("`", setting.default_(), "`");
    default:
      return absl::StrCat("`", setting.default_().empty() ? "0" : setting.default_(), "`");
  }
}

TEST(ConfigurationPageTest, HasEverySettingWithItsDefaultAndBounds) {
  std::map<std::string, std::vector<std::string>> rows;
  for (const std::string& line : PageLines()) {
    const std::vector<std::string> cells = CellsOf(line);
    if (!absl::StartsWith(line, "| `") || cells.size() != 4) continue;
    EXPECT_TRUE(rows.emplace(WithoutTicks(cells[0]), cells).second) << line;
  }
  for (const auto& [path, place] : AllSettings()) {
    if (settings::KindOf(*place.field) == Kind::kGroup) continue;
    const auto row = rows.find(path);
    ASSERT_NE(row, rows.end()) << path << " is not in docs/configuration.md";
    EXPECT_EQ(row->second[1], DefaultCell(place)) << path;
    const std::string bounds = settings::Bounds(*place.field);
    if (!bounds.empty()) {
      EXPECT_EQ(row->second[2], bounds) << path;
    }
    const std::string& flag = settings::SettingOf(*place.field).flag();
    EXPECT_EQ(absl::StrContains(row->second[3], "Flag `"), !flag.empty()) << path;
    if (!flag.empty()) {
      EXPECT_TRUE(absl::StrContains(row->second[3], "`--" + flag)) << path;
    }
    rows.erase(row);
  }
  for (const auto& [path, cells] : rows) ADD_FAILURE() << path << " is no setting";
}

TEST_F(ConfigTest, ExamplesOfThePageAreGood) {
  std::set<std::string> roles;
  std::string yaml;
  bool inside = false;
  for (const std::string& line : PageLines()) {
    if (line == "```yaml") {
      inside = true;
      yaml.clear();
    } else if (line == "```" && inside) {
      inside = false;
      const auto config = LoadFile(yaml);
      ASSERT_TRUE(config.ok()) << config.status();
      roles.insert(RoleName(*config));
      // Its certificates are not here.
      EXPECT_TRUE(Check(*config).ok() ||
                  absl::StrContains(Check(*config).message(), "No such file or directory"))
          << Check(*config);
    } else if (inside) {
      absl::StrAppend(&yaml, line, "\n");
    }
  }
  EXPECT_EQ(absl::StrJoin(roles, " "), "aggregation all submission");
}

TEST_F(ConfigTest, ErrorsOfThePageAreWhatIsSaid) {
  int seen = 0;
  for (const std::string& line : PageLines()) {
    const std::vector<std::string> cells = CellsOf(line);
    if (!absl::StartsWith(line, "| `") || cells.size() != 2) continue;
    ++seen;
    const std::string told = WithoutTicks(cells[0]), answer = WithoutTicks(cells[1]);
    const std::pair<std::string, std::string> pair =
        absl::StrSplit(absl::StripPrefix(told, "--set "), absl::MaxSplits('=', 1));
    std::string error;
    if (absl::StartsWith(told, "--set ")) {
      error = Checked({Set(pair.first, pair.second)});
      error = std::string(absl::StripPrefix(error, "not loaded: "));
    } else if (absl::StartsWith(told, "FISCAL_")) {
      error = Error("role: all\n", {{pair.first, pair.second}});
    } else {
      error = Error(told + "\n");
    }
    EXPECT_EQ(error, answer);
  }
  EXPECT_GE(seen, 10);
}

}  // namespace
}  // namespace fiscal::services
