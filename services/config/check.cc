// Check: what settings say of each other first, then of the machine.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <tuple>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/small_file.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "base/time_text.h"
#include "base/tls_files.h"
#include "domain/authority/principal.h"
#include "domain/authority/role.h"
#include "domain/authority/share.h"
#include "domain/types.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "services/config/address.h"
#include "services/config/config.h"
#include "services/config/setting.h"

namespace fiscal::services {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using settings::Kind;

absl::Status Wrong(absl::string_view setting, absl::string_view value, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(setting, " ", Shown(value), ": ", what));
}

// Each value alone, as Load does it.
absl::Status CheckValues(const Message& message, const std::string& prefix) {
  const auto& reflection = *message.GetReflection();
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor& field = *message.GetDescriptor()->field(i);
    const std::string path = absl::StrCat(prefix, field.name());
    if (!settings::HasWhatItNeeds(message, field))
      return absl::InvalidArgumentError(absl::StrCat(path, " is required"));
    switch (settings::KindOf(field)) {
      case Kind::kGroup:
        FISCAL_RETURN_IF_ERROR(CheckValues(reflection.GetMessage(message, &field), path + "."));
        break;
      case Kind::kList:
        for (int k = 0; k < reflection.FieldSize(message, &field); ++k) {
          FISCAL_RETURN_IF_ERROR(CheckValues(reflection.GetRepeatedMessage(message, &field, k),
                                             absl::StrCat(path, "[", k, "].")));
        }
        break;
      default:
        const absl::Status fine = settings::CheckValue(message, field);
        if (!fine.ok()) return Wrong(path, settings::ValueText(message, field), fine.message());
    }
  }
  return absl::OkStatus();
}

absl::Status CheckListen(const config::v1::ServerConfig& server) {
  constexpr absl::string_view kForm =
      "must be HOST:PORT with a port of 0 to 65535, an IPv6 address in brackets";
  const auto listen = settings::ParseAddress(server.listen());
  if (!listen) return Wrong("server.listen", server.listen(), kForm);
  if (!server.insecure() && !settings::IsLoopback(*listen)) {
    // Who may reach the port may submit, unless he is asked who he is.
    if (server.tls().certificate_file().empty()) {
      return Wrong("server.listen", server.listen(),
                   "without TLS only loopback is served; --insecure overrides");
    }
    if (server.tls().client_ca_file().empty()) {
      return Wrong("server.listen", server.listen(),
                   "without server.tls.client_ca_file callers are anonymous and only loopback is "
                   "served; --insecure overrides");
    }
  }
  if (server.admin_listen().empty()) return absl::OkStatus();
  const auto admin = settings::ParseAddress(server.admin_listen());
  if (!admin) return Wrong("server.admin_listen", server.admin_listen(), kForm);
  if (admin->port != 0 && admin->port == listen->port && admin->host == listen->host)
    return Wrong("server.admin_listen", server.admin_listen(), "is server.listen too");
  return absl::OkStatus();
}

absl::Status CheckPeer(absl::string_view setting, const std::string& value) {
  const auto address = settings::ParseAddress(value);
  if (address && address->port != 0) return absl::OkStatus();
  return Wrong(setting, value,
               "must be HOST:PORT with a port of 1 to 65535, an IPv6 address in brackets");
}

absl::Status CheckUpstreams(const config::v1::SubmissionConfig& submission) {
  std::set<std::string> names;
  for (int i = 0; i < submission.upstreams_size(); ++i) {
    const config::v1::UpstreamConfig& upstream = submission.upstreams(i);
    const std::string setting = absl::StrCat("submission.upstreams[", i, "]");
    const std::string& name = upstream.name();
    const bool good =
        name.size() <= 32 && std::all_of(name.begin(), name.end(), [](char c) {
          return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_';
        });
    if (!good)
      return Wrong(setting + ".name", name, "must be letters, digits, - and _, at most 32");
    if (!names.insert(name).second) return Wrong(setting + ".name", name, "is named twice");
    FISCAL_RETURN_IF_ERROR(CheckPeer(setting + ".address", upstream.address()));
  }
  return absl::OkStatus();
}

// A group that can't be filled from the queue is a mistake about one of the two.
absl::Status CheckQueue(const config::v1::SubmissionConfig& submission) {
  if (submission.group_requests_max() > submission.queue_requests_max()) {
    return Wrong("submission.group_requests_max", absl::StrCat(submission.group_requests_max()),
                 absl::StrCat("is more than submission.queue_requests_max, ",
                              submission.queue_requests_max()));
  }
  if (submission.group_bytes_max() > submission.queue_bytes_max()) {
    return Wrong(
        "submission.group_bytes_max", absl::StrCat(submission.group_bytes_max()),
        absl::StrCat("is more than submission.queue_bytes_max, ", submission.queue_bytes_max()));
  }
  return absl::OkStatus();
}

absl::Status CheckDeadlines(const config::v1::AggregationConfig& aggregation) {
  std::set<std::tuple<domain::Code, int64_t, std::string>> keys;
  for (int i = 0; i < aggregation.coverage_deadlines_size(); ++i) {
    const config::v1::CoverageDeadline& deadline = aggregation.coverage_deadlines(i);
    const std::string setting = absl::StrCat("aggregation.coverage_deadlines[", i, "]");
    const domain::Code division = domain::ParseDivision(deadline.division_code());
    if (division == 0) {
      return Wrong(setting + ".division_code", deadline.division_code(),
                   "must be 6 digits, or 9 that end in 000");
    }
    if (!ParseTimeOrDate(deadline.due())) {
      return Wrong(setting + ".due", deadline.due(),
                   "must be a date, 2026-01-31, or a time with a zone, 2026-01-31T17:00:00+08:00");
    }
    if (!keys.emplace(division, deadline.fiscal_year(), deadline.stage()).second) {
      return absl::InvalidArgumentError(
          absl::StrCat(setting, ": division ", domain::FormatCode(division), ", year ",
                       deadline.fiscal_year(), ", stage ", deadline.stage(), " has another one"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckAuthority(const config::v1::ServerConfig& server) {
  const config::v1::AuthorityConfig& config = server.authority();
  if (AuthorityModeOf(server) == "off" && !server.tls().client_ca_file().empty() &&
      !server.insecure()) {
    return Wrong("server.authority.mode", config.mode(),
                 "where callers show certificates they need grants; --insecure overrides");
  }
  std::set<std::string> principals;
  for (int i = 0; i < config.admins_size(); ++i) {
    const std::string& principal = config.admins(i).principal();
    const std::string setting = absl::StrCat("server.authority.admins[", i, "].principal");
    if (!authority::IsPrincipalPattern(principal) || absl::EndsWith(principal, "*") ||
        principal == authority::kAnonymous) {
      return Wrong(setting, principal,
                   "must be spiffe://TRUST/PATH, dns:NAME@AUTHORITY or cn:NAME@AUTHORITY");
    }
    if (!principals.insert(principal).second) return Wrong(setting, principal, "is named twice");
  }
  return absl::OkStatus();
}

absl::Status CheckShares(const config::v1::ServerConfig& server) {
  std::set<std::string> named;
  for (int i = 0; i < server.shares_size(); ++i) {
    const config::v1::ShareConfig& share = server.shares(i);
    const std::string setting = absl::StrCat("server.shares[", i, "]");
    if (share.role().empty() == share.principal().empty())
      return absl::InvalidArgumentError(setting + ": must have a role or a principal");
    if (!share.role().empty() && share.role() != authority::Shares::kEverybody &&
        authority::FindRole(share.role()) == nullptr) {
      return Wrong(setting + ".role", share.role(), "is no role");
    }
    if (!share.principal().empty() && !authority::IsPrincipalPattern(share.principal()))
      return Wrong(setting + ".principal", share.principal(), authority::kPrincipalShape);
    if (!named.insert(share.role() + share.principal()).second)
      return absl::InvalidArgumentError(setting + ": is named twice");
  }
  return absl::OkStatus();
}

absl::Status CheckTls(const config::v1::ServerConfig& server) {
  const config::v1::TlsConfig& tls = server.tls();
  if (tls.certificate_file().empty() && tls.key_file().empty() && !tls.client_ca_file().empty()) {
    return Wrong(
        "server.tls.client_ca_file", tls.client_ca_file(),
        "without server.tls.certificate_file there is no TLS to ask for certificates with");
  }
  FISCAL_RETURN_IF_ERROR(CheckCertificate({"server.tls.certificate_file", tls.certificate_file()},
                                          {"server.tls.key_file", tls.key_file()}));
  FISCAL_RETURN_IF_ERROR(CheckAuthorities({"server.tls.client_ca_file", tls.client_ca_file()}));
  const config::v1::PeerTlsConfig& peer = server.peer_tls();
  if (peer.ca_file().empty() && !(peer.certificate_file().empty() && peer.key_file().empty())) {
    return absl::InvalidArgumentError(
        "server.peer_tls.ca_file: must be set too: without it peers are reached without TLS");
  }
  FISCAL_RETURN_IF_ERROR(CheckAuthorities({"server.peer_tls.ca_file", peer.ca_file()}));
  return CheckCertificate({"server.peer_tls.certificate_file", peer.certificate_file()},
                          {"server.peer_tls.key_file", peer.key_file()});
}

// Directories and a file that are made to see whether they can be, and removed again.
class Trial {
 public:
  ~Trial() {
    if (!file_.empty()) unlink(file_.c_str());
    for (auto it = made_.rbegin(); it != made_.rend(); ++it) rmdir(it->c_str());
  }

  // 0, or what is in the way.
  int Directory(const std::string& path) {
    struct stat info;
    if (stat(path.c_str(), &info) == 0) {
      if (S_ISDIR(info.st_mode)) return 0;
      no_directory_ = path;
      return ENOTDIR;
    }
    if (errno != ENOENT && errno != ENOTDIR) return errno;
    const size_t slash = path.find_last_of('/');
    if (slash != std::string::npos && slash > 0) {
      const int error = Directory(path.substr(0, path.find_last_not_of('/', slash) + 1));
      if (error != 0) return error;
    }
    if (mkdir(path.c_str(), 0777) == 0) {
      made_.push_back(path);
      return 0;
    }
    // a/../b, where a was made just now; or a link to nowhere, where no file can be made.
    return errno == EEXIST ? 0 : errno;
  }

  // The path that is no directory, when Directory says ENOTDIR.
  const std::string& no_directory() const { return no_directory_; }

  int File(const std::string& directory) {
    std::string path = directory + "/.fiscal-trial-XXXXXX";
    const int fd = mkostemp(path.data(), O_CLOEXEC);
    if (fd < 0) return errno;
    close(fd);
    file_ = path;
    return 0;
  }

 private:
  std::vector<std::string> made_;
  std::string file_;
  std::string no_directory_;
};

absl::Status CheckDataDir(const std::string& data_dir) {
  // "a/" is "a".
  const size_t last = data_dir.find_last_not_of('/');
  const std::string path = last == std::string::npos ? "/" : data_dir.substr(0, last + 1);
  Trial trial;
  int error = trial.Directory(path);
  if (error == 0) error = trial.File(path);
  if (error == 0) return absl::OkStatus();
  if (error == ENOTDIR && trial.no_directory() == path)
    return Wrong("server.data_dir", data_dir, "is a file");
  return Wrong("server.data_dir", data_dir,
               error == ENOTDIR ? absl::StrCat(Shown(trial.no_directory()), " is a file")
                                : ErrorText(error));
}

}  // namespace

absl::Status Check(const config::v1::ServeConfig& config) {
  const FieldDescriptor* role = settings::RoleField(RoleName(config));
  if (role == nullptr) return absl::InvalidArgumentError("role is required");
  FISCAL_RETURN_IF_ERROR(CheckValues(config.GetReflection()->GetMessage(config, role), ""));
  const config::v1::ServerConfig& server = ServerOf(config);
  FISCAL_RETURN_IF_ERROR(CheckListen(server));
  FISCAL_RETURN_IF_ERROR(CheckAuthority(server));
  FISCAL_RETURN_IF_ERROR(CheckShares(server));
  if (config.has_aggregation())
    FISCAL_RETURN_IF_ERROR(CheckPeer("log", config.aggregation().log()));
  if (const config::v1::SubmissionConfig* submission = SubmissionOf(config)) {
    FISCAL_RETURN_IF_ERROR(CheckQueue(*submission));
    FISCAL_RETURN_IF_ERROR(CheckUpstreams(*submission));
  }
  if (const config::v1::AggregationConfig* aggregation = AggregationOf(config))
    FISCAL_RETURN_IF_ERROR(CheckDeadlines(*aggregation));
  FISCAL_RETURN_IF_ERROR(CheckTls(server));
  if (!server.token_key_file().empty()) {
    const absl::Status readable = ReadSmallFile(server.token_key_file()).status();
    if (!readable.ok())
      return Wrong("server.token_key_file", server.token_key_file(), readable.message());
  }
  return CheckDataDir(server.data_dir());
}

}  // namespace fiscal::services
