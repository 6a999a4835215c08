// The configuration of a process: defaults, then a YAML file, then the environment, then flags.
//
//   proto/fiscal/config/v1 (what there is) + ConfigSources (what is said) --> Load
//     --> ServeConfig, everything filled in
//
// Nothing is guessed: an unknown key, a value of another type or out of its bounds is refused in
// one sentence that says where it stands (FILE:LINE, the variable, the flag). The loader walks the
// descriptors: a new setting needs no code here. Stateless.
#ifndef FISCAL_SERVICES_CONFIG_CONFIG_H_
#define FISCAL_SERVICES_CONFIG_CONFIG_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "fiscal/config/v1/config.pb.h"

namespace fiscal::services {

struct ConfigSources {
  // Path of a YAML file; empty for none.
  std::string file;
  // NAME and VALUE of environment variables; names that don't begin with FISCAL_SERVE_ are ignored.
  std::vector<std::pair<std::string, std::string>> environment;
  // A setting's path (`submission.queue_bytes_max`, `role`) and its value, and the name that errors
  // use (`--listen`; `--set`, to which the path is added). Later ones win.
  struct Flag {
    std::string path;
    std::string value;
    std::string name;
  };
  std::vector<Flag> flags;
};

// Merges the sources. Does not look whether files, certificates and directories exist: Check does.
// The role is `all` when none is named. INVALID_ARGUMENT: one line, what is wrong and where.
absl::StatusOr<config::v1::ServeConfig> Load(const ConfigSources& sources);

// Checks settings against each other and against this machine: addresses and ports, TLS files,
// upstreams' names, whether the data directory can be written (what is made for that is removed
// again). Checks bounds too, for configurations that Load did not make. INVALID_ARGUMENT: one line.
absl::Status Check(const config::v1::ServeConfig& config);

// Prints a configuration as a YAML file that loads to the same, in the order of the protos. Beside
// each setting that differs, a comment has the default.
std::string Print(const config::v1::ServeConfig& config);

// The flags of `fiscal serve` that are short for a setting, with the setting's path; `role` among
// them.
struct ShortFlag {
  // kSwitch is true when it stands alone: `--insecure`. What kList is given several times is joined
  // by commas.
  enum class Form { kValue, kSwitch, kList };
  // `--listen`.
  std::string name;
  std::string path;
  Form form = Form::kValue;
};
std::vector<ShortFlag> ShortFlags();

// Role `all` with nothing but defaults: for tests and tools, which set the rest by name.
config::v1::ServeConfig DefaultConfig();

// The settings that every role has.
const config::v1::ServerConfig& ServerOf(const config::v1::ServeConfig& config);
config::v1::ServerConfig* MutableServerOf(config::v1::ServeConfig* config);
// Null when the role has none.
const config::v1::SubmissionConfig* SubmissionOf(const config::v1::ServeConfig& config);
const config::v1::AggregationConfig* AggregationOf(const config::v1::ServeConfig& config);
// all, submission or aggregation.
std::string RoleName(const config::v1::ServeConfig& config);

// Whether callers need grants: off, log or enforce; what `auto` of server.authority.mode stands
// for.
std::string AuthorityModeOf(const config::v1::ServerConfig& server);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_CONFIG_CONFIG_H_
