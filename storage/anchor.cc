#include "storage/anchor.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/coding.h"
#include "base/status_macros.h"

namespace fiscal::storage {
namespace {

//   file := slot slot                                       generation g stands in slot g mod 2
//   slot := magic:8 generation:u64 log_id:16 position:u64 chain_hash:32 group:u64 groups_hash:32
//           group_in_tables:u64 manifest_number:u64 manifest_bytes:u64 manifest_digest:32
//           sequence:u64 sha256-of-these:32 zeros
// Version 0.1 wrote another magic and nothing from `group` to `sequence`.
// All that counts is in the first sector of 512 bytes, the unit disks write whole.
constexpr absl::string_view kMagic = "FSCLANC2";
constexpr absl::string_view kOldMagic = "FSCLANC1";
constexpr size_t kOldBodyBytes = 8 + 8 + 16 + 8 + 32;
constexpr size_t kBodyBytes = kOldBodyBytes + 8 + 32 + 8 + 8 + 8 + 32 + 8;
constexpr size_t kDigestBytes = 32;

struct Slot {
  uint64_t generation = 0;
  AnchorState state;
};

std::string EncodeSlot(uint64_t generation, const AnchorState& state) {
  FISCAL_CHECK(state.log_id.size() == 16, "a log id has 16 bytes");
  std::string out;
  out.reserve(kAnchorSlotBytes);
  out.append(kMagic.data(), kMagic.size());
  PutU64(&out, generation);
  out += state.log_id;
  PutU64(&out, state.position.value());
  absl::StrAppend(&out, BytesOf(state.chain_hash));
  PutU64(&out, state.group);
  absl::StrAppend(&out, BytesOf(state.groups_hash));
  PutU64(&out, state.group_in_tables);
  PutU64(&out, state.store.manifest_number);
  PutU64(&out, state.store.manifest_bytes);
  absl::StrAppend(&out, BytesOf(state.store.manifest_digest));
  PutU64(&out, state.store.sequence);
  const Digest digest = Sha256({out});
  out.append(BytesOf(digest).data(), kDigestBytes);
  out.resize(kAnchorSlotBytes, '\0');
  return out;
}

std::optional<Slot> DecodeSlot(absl::string_view bytes, uint64_t index) {
  Slot slot;
  slot.state.has_groups = bytes.substr(0, kMagic.size()) != kOldMagic;
  const size_t size = slot.state.has_groups ? kBodyBytes : kOldBodyBytes;
  const absl::string_view body = bytes.substr(0, size);
  const Digest digest = Sha256({body});
  if (BytesOf(digest) != bytes.substr(size, kDigestBytes)) return std::nullopt;
  ByteReader reader(body);
  const absl::string_view magic = reader.Bytes(kMagic.size());
  if (magic != kMagic && magic != kOldMagic) return std::nullopt;
  slot.generation = reader.U64();
  if (slot.generation % 2 != index) return std::nullopt;
  slot.state.log_id = std::string(reader.Bytes(16));
  slot.state.position = domain::Position(reader.U64());
  slot.state.chain_hash = DigestOf(reader.Bytes(32));
  if (!slot.state.has_groups) return slot;
  slot.state.group = reader.U64();
  slot.state.groups_hash = DigestOf(reader.Bytes(32));
  slot.state.group_in_tables = reader.U64();
  slot.state.store.manifest_number = reader.U64();
  slot.state.store.manifest_bytes = reader.U64();
  slot.state.store.manifest_digest = DigestOf(reader.Bytes(32));
  slot.state.store.sequence = reader.U64();
  return slot;
}

// A new file: the first state in its slot, the other slot never written.
std::string FirstImage(const AnchorState& state) {
  return std::string(kAnchorSlotBytes, '\0') + EncodeSlot(1, state);
}

absl::StatusOr<Slot> DecodeImage(absl::string_view image) {
  // The file appears whole, so any other size is damage and not a creation cut short.
  if (image.size() != kAnchorFileBytes) {
    return absl::DataLossError(
        absl::StrCat("anchor: it has ", image.size(), " bytes and not ", kAnchorFileBytes));
  }
  std::optional<Slot> newest;
  for (uint64_t index = 0; index < 2; ++index) {
    std::optional<Slot> slot =
        DecodeSlot(image.substr(index * kAnchorSlotBytes, kAnchorSlotBytes), index);
    if (slot && (!newest || slot->generation > newest->generation)) newest = std::move(slot);
  }
  if (!newest) return absl::DataLossError("anchor: neither slot is whole");
  return *std::move(newest);
}

absl::Status PoisonedError() {
  return absl::UnavailableError("anchor: an earlier write had an unknown outcome: open it anew");
}

absl::Status UnavailableErrno(int error, absl::string_view what, const std::string& path) {
  return absl::UnavailableError(
      absl::ErrnoToStatus(error, absl::StrCat("anchor: ", what, " ", path)).message());
}

absl::Status WriteAll(int fd, absl::string_view bytes, size_t offset, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0) {
      if (errno == EINTR) continue;
      return UnavailableErrno(errno, "write", path);
    }
    bytes.remove_prefix(static_cast<size_t>(n));
    offset += static_cast<size_t>(n);
  }
  return absl::OkStatus();
}

absl::Status SyncDirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string directory =
      slash == std::string::npos ? "." : path.substr(0, slash == 0 ? 1 : slash);
  const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return UnavailableErrno(errno, "open directory", directory);
  const int result = fsync(fd);
  const int error = errno;
  close(fd);
  if (result != 0) return UnavailableErrno(error, "sync directory", directory);
  return absl::OkStatus();
}

}  // namespace

FileAnchor::~FileAnchor() {
  absl::MutexLock lock(&mu_);
  if (fd_ >= 0) close(fd_);
}

absl::StatusOr<AnchorState> FileAnchor::Read() {
  absl::MutexLock lock(&mu_);
  return Load();
}

absl::StatusOr<AnchorState> FileAnchor::Load() {
  if (fd_ < 0) {
    const int fd = open(path_.c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0) {
      const int error = errno;
      if (error == ENOENT) return absl::NotFoundError(absl::StrCat("anchor: no file ", path_));
      return absl::ErrnoToStatus(error, absl::StrCat("anchor: open ", path_));
    }
    fd_ = fd;
  }
  struct stat info;
  if (fstat(fd_, &info) != 0) return UnavailableErrno(errno, "stat", path_);
  if (info.st_size != static_cast<off_t>(kAnchorFileBytes)) {
    return absl::DataLossError(absl::StrCat("anchor: ", path_, " has ", info.st_size,
                                            " bytes and not ", kAnchorFileBytes));
  }
  std::string image(kAnchorFileBytes, '\0');
  size_t have = 0;
  while (have < image.size()) {
    const ssize_t n = pread(fd_, &image[have], image.size() - have, static_cast<off_t>(have));
    if (n < 0) {
      if (errno == EINTR) continue;
      return UnavailableErrno(errno, "read", path_);
    }
    if (n == 0) return absl::DataLossError(absl::StrCat("anchor: ", path_, " shrank"));
    have += static_cast<size_t>(n);
  }
  absl::StatusOr<Slot> slot = DecodeImage(image);
  if (!slot.ok()) {
    return absl::Status(slot.status().code(), absl::StrCat(slot.status().message(), ": ", path_));
  }
  generation_ = slot->generation;
  return std::move(slot->state);
}

absl::Status FileAnchor::Write(const AnchorState& state) {
  absl::MutexLock lock(&mu_);
  if (poisoned_) return PoisonedError();
  // Without the present generation the only whole slot could be overwritten.
  absl::Status loaded;
  if (generation_ == 0) loaded = Load().status();
  if (!loaded.ok() && !absl::IsNotFound(loaded)) return loaded;
  const absl::Status written = loaded.ok() ? WriteSlot(state) : Create(state);
  if (!written.ok()) poisoned_ = true;
  return written;
}

absl::Status FileAnchor::WriteSlot(const AnchorState& state) {
  const uint64_t generation = generation_ + 1;
  FISCAL_RETURN_IF_ERROR(
      WriteAll(fd_, EncodeSlot(generation, state), (generation % 2) * kAnchorSlotBytes, path_));
  if (fdatasync(fd_) != 0) return UnavailableErrno(errno, "sync", path_);
  generation_ = generation;
  return absl::OkStatus();
}

absl::Status FileAnchor::Create(const AnchorState& state) {
  const std::string fresh = absl::StrCat(path_, ".new");
  const int fd = open(fresh.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return UnavailableErrno(errno, "create", fresh);
  absl::Status status = WriteAll(fd, FirstImage(state), 0, fresh);
  if (status.ok() && fsync(fd) != 0) status = UnavailableErrno(errno, "sync", fresh);
  if (status.ok() && rename(fresh.c_str(), path_.c_str()) != 0) {
    status = UnavailableErrno(errno, "rename", fresh);
  }
  if (status.ok()) status = SyncDirectoryOf(path_);
  if (!status.ok()) {
    close(fd);
    return status;
  }
  fd_ = fd;
  generation_ = 1;
  return absl::OkStatus();
}

void MemoryAnchorDisk::FailWrite(uint64_t nth, absl::Status status, size_t bytes) {
  FISCAL_CHECK(nth > 0 && !status.ok() && bytes <= kAnchorSlotBytes, "a fault that can happen");
  absl::MutexLock lock(&mu_);
  fault_ = Fault{writes_ + nth, std::move(status), bytes};
}

std::string MemoryAnchorDisk::image() const {
  absl::MutexLock lock(&mu_);
  return image_;
}

void MemoryAnchorDisk::set_image(std::string image) {
  absl::MutexLock lock(&mu_);
  image_ = std::move(image);
}

absl::StatusOr<AnchorState> MemoryAnchor::Read() {
  absl::MutexLock lock(&disk_.mu_);
  if (disk_.image_.empty()) return absl::NotFoundError("anchor: none");
  absl::StatusOr<Slot> slot = DecodeImage(disk_.image_);
  if (!slot.ok()) return slot.status();
  return std::move(slot->state);
}

absl::Status MemoryAnchor::Write(const AnchorState& state) {
  absl::MutexLock lock(&disk_.mu_);
  if (poisoned_) return PoisonedError();
  ++disk_.writes_;
  const bool fails = disk_.fault_ && disk_.fault_->write == disk_.writes_;
  const size_t bytes = fails ? disk_.fault_->bytes : kAnchorSlotBytes;
  if (disk_.image_.empty()) {
    // The file appears whole or not at all.
    if (bytes == kAnchorSlotBytes) disk_.image_ = FirstImage(state);
  } else {
    absl::StatusOr<Slot> newest = DecodeImage(disk_.image_);
    if (!newest.ok()) return newest.status();
    const uint64_t generation = newest->generation + 1;
    disk_.image_.replace((generation % 2) * kAnchorSlotBytes, bytes, EncodeSlot(generation, state),
                         0, bytes);
  }
  if (!fails) return absl::OkStatus();
  poisoned_ = true;
  absl::Status status = std::move(disk_.fault_->status);
  disk_.fault_.reset();
  return status;
}

}  // namespace fiscal::storage
