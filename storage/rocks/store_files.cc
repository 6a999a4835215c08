#include "storage/rocks/store_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "base/small_file.h"
#include "base/status_macros.h"

namespace fiscal::storage {
namespace {

namespace fs = std::filesystem;

absl::Status DiskError(int error, absl::string_view what) {
  return absl::InternalError(absl::StrCat("the disk: ", what, ": ", ErrorText(error)));
}

absl::Status SyncDirectory(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return DiskError(errno, absl::StrCat("open ", path));
  const int result = fsync(fd);
  const int error = errno;
  close(fd);
  return result == 0 ? absl::OkStatus() : DiskError(error, absl::StrCat("sync ", path));
}

std::string ParentOf(const std::string& path) {
  const fs::path parent = fs::path(path).parent_path();
  return parent.empty() ? "." : parent.string();
}

bool IsThere(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

absl::Status Remove(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  return error ? DiskError(error.value(), absl::StrCat("remove ", path)) : absl::OkStatus();
}

absl::Status Rename(const std::string& from, const std::string& to) {
  if (rename(from.c_str(), to.c_str()) != 0)
    return DiskError(errno, absl::StrCat("rename ", from, " to ", to));
  return SyncDirectory(ParentOf(to));
}

absl::Status LinkOrCopy(const fs::path& from, const fs::path& to) {
  if (link(from.c_str(), to.c_str()) == 0) return absl::OkStatus();
  if (errno != EPERM && errno != ENOTSUP && errno != ENOSYS && errno != EMLINK && errno != EXDEV)
    return DiskError(errno, absl::StrCat("link ", from.string()));
  std::error_code error;
  fs::copy_file(from, to, error);
  return error ? DiskError(error.value(), absl::StrCat("copy ", from.string())) : absl::OkStatus();
}

// Calls `visit` with the first `bytes` of the file, piece by piece; false when it has fewer.
template <typename Visit>
absl::StatusOr<bool> ReadPrefix(int fd, uint64_t from, uint64_t to, Visit visit) {
  std::vector<char> buffer(64 << 10);
  while (from < to) {
    const ssize_t n = pread(fd, buffer.data(), std::min<uint64_t>(buffer.size(), to - from),
                            static_cast<off_t>(from));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return DiskError(errno, "read the manifest");
    if (n == 0) return false;
    visit(absl::string_view(buffer.data(), static_cast<size_t>(n)));
    from += static_cast<uint64_t>(n);
  }
  return true;
}

// The sequence number of the first change in a write-ahead file; none in one that has no change or
// not a whole one at its start. A record of the engine is crc:4 length:2 type:1 and then, in the
// first of a batch, sequence:8 count:4, numbers little-endian.
absl::StatusOr<std::optional<uint64_t>> FirstChange(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return DiskError(errno, absl::StrCat("open ", path));
  constexpr size_t kHeaderBytes = 7, kSequenceBytes = 8;
  uint8_t start[kHeaderBytes + kSequenceBytes];
  const ssize_t n = pread(fd, start, sizeof(start), 0);
  const int error = errno;
  close(fd);
  if (n < 0) return DiskError(error, absl::StrCat("read ", path));
  // Types of a record that is whole and of the first part of one.
  if (n < static_cast<ssize_t>(sizeof(start)) || start[6] < 1 || start[6] > 2) return std::nullopt;
  uint64_t sequence = 0;
  for (size_t i = kSequenceBytes; i > 0; --i)
    sequence = sequence << 8 | start[kHeaderBytes + i - 1];
  return sequence;
}

}  // namespace

std::string ManifestPath(const std::string& directory, uint64_t number) {
  return absl::StrFormat("%s/MANIFEST-%06d", directory, number);
}

absl::StatusOr<uint64_t> ReadManifestNumber(const std::string& directory) {
  const absl::StatusOr<std::string> current = ReadSmallFile(directory + "/CURRENT");
  absl::string_view name = current.ok() ? absl::string_view(*current) : absl::string_view();
  uint64_t number = 0;
  if (!absl::ConsumePrefix(&name, "MANIFEST-") || !absl::ConsumeSuffix(&name, "\n") ||
      !absl::SimpleAtoi(name, &number)) {
    return absl::DataLossError(
        absl::StrCat(directory, "/CURRENT ",
                     current.ok() ? "names no manifest"
                                  : absl::StrCat("can't be read: ", current.status().message())));
  }
  return number;
}

StoreFiles::StoreFiles(std::string directory)
    : directory_(std::move(directory)),
      before_(directory_ + ".before"),
      passing_(directory_ + ".passing") {}

absl::Status StoreFiles::Settle(const StoreWitness& anchored) {
  FISCAL_RETURN_IF_ERROR(Remove(passing_));
  if (!IsThere(before_)) return absl::OkStatus();
  // The anchor names a new manifest as soon as the log that was opened with it was found whole;
  // until then it names the one among the links.
  const absl::StatusOr<uint64_t> linked = ReadManifestNumber(before_);
  const bool passed =
      anchored.manifest_number != 0 && linked.ok() && *linked != anchored.manifest_number;
  return passed ? Release() : Restore();
}

absl::Status StoreFiles::CheckManifest(const StoreWitness& anchored) const {
  if (anchored.manifest_number == 0) return absl::OkStatus();
  FISCAL_ASSIGN_OR_RETURN(const uint64_t number, ReadManifestNumber(directory_));
  if (number != anchored.manifest_number) {
    return absl::DataLossError(absl::StrCat(directory_, "/CURRENT names manifest ", number,
                                            " but the anchor names ", anchored.manifest_number,
                                            ": one of them is older than the other"));
  }
  const std::string path = ManifestPath(directory_, number);
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return errno == ENOENT ? absl::DataLossError(absl::StrCat(path, " is missing"))
                           : DiskError(errno, absl::StrCat("open ", path));
  }
  Sha256Stream stream;
  const absl::StatusOr<bool> whole = ReadPrefix(
      fd, 0, anchored.manifest_bytes, [&](absl::string_view piece) { stream.Add(piece); });
  close(fd);
  FISCAL_RETURN_IF_ERROR(whole.status());
  if (!*whole) {
    return absl::DataLossError(
        absl::StrCat(path, " has fewer than the ", anchored.manifest_bytes, " bytes it had"));
  }
  if (stream.digest() != anchored.manifest_digest)
    return absl::DataLossError(absl::StrCat(path, " has other bytes than it had"));
  return absl::OkStatus();
}

absl::Status StoreFiles::CheckWriteAheadFiles() const {
  std::map<uint64_t, std::string> files;
  std::error_code error;
  fs::directory_iterator it(directory_, error);
  for (; !error && it != fs::directory_iterator(); it.increment(error)) {
    const std::string name = it->path().filename().string();
    uint64_t number = 0;
    if (absl::EndsWith(name, ".log") && absl::SimpleAtoi(name.substr(0, name.size() - 4), &number))
      files[number] = it->path().string();
  }
  // A directory that is not there has no files; one that can't be listed is met again when it is
  // opened.
  uint64_t before = 0;
  std::string path_before;
  for (const auto& [number, path] : files) {
    FISCAL_ASSIGN_OR_RETURN(const std::optional<uint64_t> first, FirstChange(path));
    if (!first.has_value()) continue;
    if (!path_before.empty() && *first <= before) {
      return absl::DataLossError(absl::StrCat(path, " starts with change ", *first, " and ",
                                              path_before, " with ", before,
                                              ": one of them is in the other's place"));
    }
    before = *first;
    path_before = path;
  }
  return absl::OkStatus();
}

absl::Status StoreFiles::Shelter() {
  if (!IsThere(directory_)) return absl::OkStatus();
  std::error_code error;
  fs::create_directory(passing_, error);
  if (error) return DiskError(error.value(), absl::StrCat("make ", passing_));
  fs::directory_iterator it(directory_, error);
  for (; !error && it != fs::directory_iterator(); it.increment(error)) {
    const fs::path name = it->path().filename();
    // The lock, of which only the name matters, and text for people.
    if (name == "LOCK" || absl::StartsWith(name.string(), "LOG")) continue;
    FISCAL_RETURN_IF_ERROR(LinkOrCopy(it->path(), fs::path(passing_) / name));
  }
  if (error) return DiskError(error.value(), absl::StrCat("list ", directory_));
  FISCAL_RETURN_IF_ERROR(SyncDirectory(passing_));
  return Rename(passing_, before_);
}

absl::Status StoreFiles::Release() {
  if (!IsThere(before_)) return absl::OkStatus();
  FISCAL_RETURN_IF_ERROR(Rename(before_, passing_));
  return Remove(passing_);
}

absl::Status StoreFiles::Restore() {
  if (!IsThere(before_)) return absl::OkStatus();
  FISCAL_RETURN_IF_ERROR(Remove(directory_));
  return Rename(before_, directory_);
}

absl::StatusOr<std::unique_ptr<ManifestWatch>> ManifestWatch::Open(const std::string& directory) {
  FISCAL_ASSIGN_OR_RETURN(const uint64_t number, ReadManifestNumber(directory));
  const std::string path = ManifestPath(directory, number);
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return DiskError(errno, absl::StrCat("open ", path));
  return std::unique_ptr<ManifestWatch>(new ManifestWatch(fd, number));
}

ManifestWatch::~ManifestWatch() { close(fd_); }

absl::Status ManifestWatch::Read(StoreWitness* witness) {
  struct stat info;
  if (fstat(fd_, &info) != 0) return DiskError(errno, "stat the manifest");
  const uint64_t size = static_cast<uint64_t>(info.st_size);
  if (size > bytes_) {
    // Bytes that are not durable yet may be gone after a loss of power, and would then be missed.
    if (fdatasync(fd_) != 0) return DiskError(errno, "sync the manifest");
    FISCAL_ASSIGN_OR_RETURN(
        const bool whole,
        ReadPrefix(fd_, bytes_, size, [this](absl::string_view piece) { stream_.Add(piece); }));
    if (!whole) return absl::DataLossError("the manifest shrank");
    bytes_ = size;
    digest_ = stream_.digest();
  }
  witness->manifest_number = number_;
  witness->manifest_bytes = bytes_;
  witness->manifest_digest = digest_;
  return absl::OkStatus();
}

}  // namespace fiscal::storage
