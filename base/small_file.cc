#include "base/small_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace fiscal {

std::string ErrorText(int error) { return std::generic_category().message(error); }

absl::StatusOr<std::string> ReadSmallFile(const std::string& path) {
  // The system would cut the name at a zero byte and read another file.
  if (path.find('\0') != std::string::npos)
    return absl::InvalidArgumentError("a file's name has no zero byte");
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return absl::InvalidArgumentError(ErrorText(errno));
  std::string bytes;
  char piece[8192];
  int error = 0;
  while (bytes.size() <= kFileBytesMax && error == 0) {
    const ssize_t n = read(fd, piece, sizeof(piece));
    if (n == 0) break;
    if (n > 0) bytes.append(piece, static_cast<size_t>(n));
    if (n < 0 && errno != EINTR) error = errno;
  }
  close(fd);
  if (error != 0) return absl::InvalidArgumentError(ErrorText(error));
  if (bytes.size() > kFileBytesMax) return absl::InvalidArgumentError("larger than 1 MiB");
  return bytes;
}

}  // namespace fiscal
