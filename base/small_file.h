// A file of settings or keys, whole.
#ifndef FISCAL_BASE_SMALL_FILE_H_
#define FISCAL_BASE_SMALL_FILE_H_

#include <string>

#include "absl/status/statusor.h"

namespace fiscal {

// Beyond any configuration and any bundle of certificates; what is larger is another file.
constexpr size_t kFileBytesMax = 1 << 20;

// INVALID_ARGUMENT: why it can't be read, without its name: "No such file or directory".
absl::StatusOr<std::string> ReadSmallFile(const std::string& path);

// The system's text for an errno.
std::string ErrorText(int error);

}  // namespace fiscal

#endif  // FISCAL_BASE_SMALL_FILE_H_
