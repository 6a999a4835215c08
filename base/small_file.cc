#include "base/small_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace fiscal {
namespace {

// 0, or the errno of what failed.
int WriteNew(const std::string& path, absl::string_view bytes, mode_t mode) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0) return errno;
  int error = 0;
  while (!bytes.empty() && error == 0) {
    const ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n >= 0) {
      bytes.remove_prefix(static_cast<size_t>(n));
    } else if (errno != EINTR) {
      error = errno;
    }
  }
  if (error == 0 && fsync(fd) != 0) error = errno;
  if (close(fd) != 0 && error == 0) error = errno;
  return error;
}

int SyncDirectoryOf(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  const int fd = open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno;
  // Some file systems know no sync of a directory.
  const int error = fsync(fd) == 0 || errno == EINVAL ? 0 : errno;
  close(fd);
  return error;
}

}  // namespace

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

absl::Status WriteWholeFile(const std::string& path, absl::string_view bytes, mode_t mode,
                            IfThere if_there) {
  const std::string fresh = absl::StrCat(path, ".", getpid(), ".part");
  // Left by a process of the same number that was killed, as in a container, where it is always 1.
  unlink(fresh.c_str());
  int error = WriteNew(fresh, bytes, mode);
  if (error == 0) {
    // A link never takes the place of a file, as a rename does.
    const int done = if_there == IfThere::kReplace ? std::rename(fresh.c_str(), path.c_str())
                                                   : link(fresh.c_str(), path.c_str());
    if (done != 0) error = errno;
  }
  // Nothing is there after a rename.
  unlink(fresh.c_str());
  if (error == 0) error = SyncDirectoryOf(path);
  if (error == 0) return absl::OkStatus();
  const std::string what = absl::StrCat(path, ": ", ErrorText(error));
  return error == EEXIST ? absl::AlreadyExistsError(what) : absl::UnavailableError(what);
}

}  // namespace fiscal
