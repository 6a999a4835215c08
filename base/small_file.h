// Files of settings, keys and answers: read whole, written whole or not at all.
#ifndef FISCAL_BASE_SMALL_FILE_H_
#define FISCAL_BASE_SMALL_FILE_H_

#include <sys/types.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace fiscal {

// Beyond any configuration and any bundle of certificates; what is larger is another file.
constexpr size_t kFileBytesMax = 1 << 20;

// INVALID_ARGUMENT: why it can't be read, without its name: "No such file or directory".
absl::StatusOr<std::string> ReadSmallFile(const std::string& path);

enum class IfThere { kReplace, kRefuse };

// Writes `bytes`, durably, to a new file beside `path`, which then takes its name; `mode` less the
// process's umask. ALREADY_EXISTS: there is one, under kRefuse. UNAVAILABLE says what failed. A
// file that was there stays as it was then.
absl::Status WriteWholeFile(const std::string& path, absl::string_view bytes, mode_t mode,
                            IfThere if_there);

// The system's text for an errno.
std::string ErrorText(int error);

}  // namespace fiscal

#endif  // FISCAL_BASE_SMALL_FILE_H_
