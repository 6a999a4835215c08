// Whether the PEM files of a configuration will do, before anything is served with them.
#ifndef FISCAL_SERVICES_CONFIG_TLS_FILES_H_
#define FISCAL_SERVICES_CONFIG_TLS_FILES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace fiscal::services::settings {

// The settings `certificate_file` and `key_file` of `group` (`server.tls`) have these values: both or neither, readable, PEM,
// certificates that are valid now, the key of the first of them, without a passphrase. INVALID_ARGUMENT: one line.
absl::Status CheckCertificate(absl::string_view group, const std::string& certificate_file,
                              const std::string& key_file);

// `setting` names a file of authorities, or is empty: at least one of them is valid now. Bundles carry ended ones along.
absl::Status CheckAuthorities(absl::string_view setting, const std::string& file);

}  // namespace fiscal::services::settings

#endif  // FISCAL_SERVICES_CONFIG_TLS_FILES_H_
