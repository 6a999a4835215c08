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
  // NAME, VALUE of the environment; names that don't begin with FISCAL_SERVE_ are left out of
  // account.
  std::vector<std::pair<std::string, std::string>> environment;
  // A setting's path (`submission.queue_bytes_max`, `role`) and its value, later ones win; and what
  // to call it in an error (`--listen`; `--set`, to which the path is added).
  struct Flag {
    std::string path;
    std::string value;
    std::string name;
  };
  std::vector<Flag> flags;
};

// Whether a file, certificate or directory exists is not looked at: Check does. INVALID_ARGUMENT:
// one line, what is wrong and where. The role is `all` when nobody names one.
absl::StatusOr<config::v1::ServeConfig> Load(const ConfigSources& sources);

// What settings say of each other and of this machine: addresses and ports, TLS files that can't be
// read or are no PEM, upstreams' names, a data directory that can't be written (what is made to
// find out is removed again). Bounds are looked at once more, for configurations that Load did not
// make. INVALID_ARGUMENT: one line.
absl::Status Check(const config::v1::ServeConfig& config);

// As a YAML file that loads to the same, in the order of the protos; each setting that is not its
// default says in a comment what that is.
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

// What every role has.
const config::v1::ServerConfig& ServerOf(const config::v1::ServeConfig& config);
config::v1::ServerConfig* MutableServerOf(config::v1::ServeConfig* config);
// Null where the role has none.
const config::v1::SubmissionConfig* SubmissionOf(const config::v1::ServeConfig& config);
const config::v1::AggregationConfig* AggregationOf(const config::v1::ServeConfig& config);
// all, submission or aggregation.
std::string RoleName(const config::v1::ServeConfig& config);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_CONFIG_CONFIG_H_
