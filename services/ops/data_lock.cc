#include "services/ops/data_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace fiscal::services {

absl::StatusOr<std::unique_ptr<DataLock>> DataLock::Take(const std::string& data_dir) {
  const std::string path = absl::StrCat(data_dir, "/lock");
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0)
    return absl::InvalidArgumentError(
        absl::StrCat("server.data_dir ", data_dir, ": ", std::strerror(errno)));
  std::unique_ptr<DataLock> lock(new DataLock(fd));
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    char pid[16] = {};
    const ssize_t size = pread(fd, pid, sizeof(pid) - 1, 0);
    return absl::FailedPreconditionError(
        absl::StrCat("server.data_dir ", data_dir, ": another process uses it",
                     size > 0 ? absl::StrCat(" (", absl::StripAsciiWhitespace(pid), ")") : ""));
  }
  // For a person who looks; nothing depends on it.
  const std::string pid = absl::StrCat(getpid(), "\n");
  if (ftruncate(fd, 0) == 0) (void)!pwrite(fd, pid.data(), pid.size(), 0);
  return lock;
}

DataLock::~DataLock() { close(fd_); }

}  // namespace fiscal::services
