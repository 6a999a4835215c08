// A file of settings or keys, whole.
#ifndef FISCAL_SERVICES_CONFIG_SMALL_FILE_H_
#define FISCAL_SERVICES_CONFIG_SMALL_FILE_H_

#include <string>

#include "absl/status/statusor.h"

namespace fiscal::services::settings {

// Beyond any configuration and any bundle of certificates; what is larger is another file.
constexpr size_t kFileBytesMax = 1 << 20;

// INVALID_ARGUMENT: why it can't be read, without its name: "No such file or directory".
absl::StatusOr<std::string> ReadSmallFile(const std::string& path);

// What the system calls an errno.
std::string ErrorText(int error);

}  // namespace fiscal::services::settings

#endif  // FISCAL_SERVICES_CONFIG_SMALL_FILE_H_
