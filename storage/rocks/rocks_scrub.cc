#include "storage/rocks/rocks_scrub.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>

#include "absl/functional/function_ref.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "rocksdb/file_checksum.h"
#include "rocksdb/metadata.h"
#include "rocksdb/options.h"
#include "rocksdb/sst_file_reader.h"

namespace fiscal::storage {
namespace {

// Read at once; a multiple of a log's block.
constexpr size_t kPieceBytes = 256 << 10;
// The format of write-ahead files and manifests: blocks of records, a record never lies in two.
constexpr size_t kBlockBytes = 32 << 10;
constexpr size_t kRecordHead = 7, kRecyclableHead = 11;

std::unique_ptr<rocksdb::FileChecksumGenerator> NewChecksum(const std::string& file) {
  return rocksdb::GetFileChecksumGenCrc32cFactory()->CreateFileChecksumGenerator({file, ""});
}

uint32_t Crc32c(absl::string_view bytes) {
  const auto checksum = NewChecksum("");
  checksum->Update(bytes.data(), bytes.size());
  checksum->Finalize();
  uint32_t crc = 0;
  for (char byte : checksum->GetChecksum()) crc = crc << 8 | static_cast<uint8_t>(byte);
  return crc;
}

uint32_t Little(absl::string_view bytes, size_t size) {
  uint32_t value = 0;
  for (size_t i = size; i > 0; --i) value = value << 8 | static_cast<uint8_t>(bytes[i - 1]);
  return value;
}

bool AllZero(absl::string_view bytes) {
  return bytes.find_first_not_of('\0') == absl::string_view::npos;
}

class Scrub {
 public:
  Scrub(rocksdb::DB* db, const std::string& path, const ScrubPace& pace,
        std::vector<FileDamage>* damage)
      : db_(db), path_(path), pace_(pace), damage_(damage) {}

  absl::Status Run() {
    FISCAL_RETURN_IF_ERROR(Tables());
    return Others();
  }

 private:
  enum class Read { kWhole, kGone, kDamaged };
  std::string PathOf(const std::string& name) const { return absl::StrCat(path_, "/", name); }
  void Damaged(const std::string& name, std::string what) {
    damage_->push_back({name, std::move(what)});
  }

  // Gives the file's bytes, from the disk where the system lets go of what it has in memory.
  absl::StatusOr<Read> ReadFile(const std::string& name,
                                absl::FunctionRef<void(absl::string_view)> visit) {
    const int fd = open(PathOf(name).c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
      if (errno == ENOENT) return Read::kGone;
      Damaged(name, absl::StrCat("can't be opened: ", std::strerror(errno)));
      return Read::kDamaged;
    }
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    std::string piece(kPieceBytes, '\0');
    absl::Status status;
    Read outcome = Read::kWhole;
    for (size_t filled = 0; status.ok();) {
      const ssize_t n = read(fd, piece.data() + filled, piece.size() - filled);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) {
        Damaged(name, absl::StrCat("can't be read: ", std::strerror(errno)));
        outcome = Read::kDamaged;
        break;
      }
      filled += static_cast<size_t>(n);
      if (n > 0 && filled < piece.size()) continue;
      if (filled > 0) {
        visit(absl::string_view(piece).substr(0, filled));
        status = pace_(filled);
      }
      if (n == 0) break;
      filled = 0;
    }
    close(fd);
    if (!status.ok()) return status;
    return outcome;
  }

  bool Live(const std::string& name) const {
    std::vector<rocksdb::LiveFileMetaData> files;
    db_->GetLiveFilesMetaData(&files);
    return std::any_of(files.begin(), files.end(),
                       [&](const auto& f) { return f.relative_filename == name; });
  }

  absl::Status Tables() {
    std::vector<rocksdb::LiveFileMetaData> files;
    db_->GetLiveFilesMetaData(&files);
    for (const rocksdb::LiveFileMetaData& file : files) FISCAL_RETURN_IF_ERROR(Table(file));
    return absl::OkStatus();
  }

  absl::Status Table(const rocksdb::LiveFileMetaData& file) {
    const std::string& name = file.relative_filename;
    const auto checksum = NewChecksum(name);
    uint64_t size = 0;
    FISCAL_ASSIGN_OR_RETURN(const Read read, ReadFile(name, [&](absl::string_view bytes) {
                              size += bytes.size();
                              checksum->Update(bytes.data(), bytes.size());
                            }));
    if (read == Read::kDamaged) return absl::OkStatus();
    if (read == Read::kGone) {
      // Merged away meanwhile, or lost.
      if (Live(name)) Damaged(name, "is missing");
      return absl::OkStatus();
    }
    checksum->Finalize();
    if (size != file.size) {
      Damaged(name, absl::StrCat("has ", size, " bytes, not the ", file.size, " written"));
    } else if (file.file_checksum_func_name == checksum->Name()) {
      if (checksum->GetChecksum() != file.file_checksum)
        Damaged(name, "does not have the checksum it was written with");
    } else {
      // Written before files had checksums: its blocks have them.
      rocksdb::SstFileReader reader{rocksdb::Options()};
      rocksdb::Status status = reader.Open(PathOf(name));
      if (status.ok()) status = reader.VerifyChecksum();
      if (!status.ok() && Live(name)) Damaged(name, status.ToString());
    }
    return absl::OkStatus();
  }

  absl::Status Others() {
    std::vector<std::string> names, logs;
    std::error_code error;
    for (std::filesystem::directory_iterator it(path_, error), end; !error && it != end;
         it.increment(error)) {
      const std::string name = it->path().filename().string();
      if (absl::EndsWith(name, ".log")) {
        logs.push_back(name);
      } else if (name == "IDENTITY" || absl::StartsWith(name, "OPTIONS-")) {
        names.push_back(name);
      }
    }
    if (error) Damaged(".", absl::StrCat("can't be listed: ", error.message()));
    for (const std::string& name : names)
      FISCAL_RETURN_IF_ERROR(ReadFile(name, [](absl::string_view) {}).status());
    // The last one is being written. Names have leading zeros.
    std::sort(logs.begin(), logs.end());
    for (const std::string& name : logs) FISCAL_RETURN_IF_ERROR(Records(name, name == logs.back()));
    return Manifest();
  }

  absl::Status Manifest() {
    for (int attempt = 0;; ++attempt) {
      std::string name;
      FISCAL_ASSIGN_OR_RETURN(const Read read, ReadFile("CURRENT", [&](absl::string_view bytes) {
                                name.append(bytes.data(), bytes.size());
                              }));
      if (read == Read::kDamaged) return absl::OkStatus();
      if (!absl::EndsWith(name, "\n") || !absl::StartsWith(name, "MANIFEST-")) {
        Damaged("CURRENT", "names no manifest");
        return absl::OkStatus();
      }
      name.pop_back();
      // Another one may have taken its place between the two.
      if (attempt < 3 && access(PathOf(name).c_str(), F_OK) != 0) continue;
      return Records(name, /*open=*/true, /*must_exist=*/true);
    }
  }

  // `open`: somebody writes to it, so that its end may be half a record.
  absl::Status Records(const std::string& name, bool open, bool must_exist = false) {
    std::string wrong;
    uint64_t at = 0;
    bool ended = false;
    FISCAL_ASSIGN_OR_RETURN(const Read read, ReadFile(name, [&](absl::string_view bytes) {
                              while (!bytes.empty()) {
                                const absl::string_view block = bytes.substr(0, kBlockBytes);
                                bytes.remove_prefix(block.size());
                                if (wrong.empty() && (!ended || !AllZero(block)))
                                  wrong = ended ? absl::StrCat(
                                                      "goes on after its end, before byte ", at)
                                                : Block(block, open, at, &ended);
                                at += block.size();
                              }
                            }));
    if (read == Read::kGone && must_exist) Damaged(name, "is missing");
    if (read == Read::kWhole && !wrong.empty()) Damaged(name, wrong);
    return absl::OkStatus();
  }

  // The fault of the block that starts at byte `at`; empty for none. Sets `ended` where a file that
  // is being written ends.
  static std::string Block(absl::string_view block, bool open, uint64_t at, bool* ended) {
    const bool last = block.size() < kBlockBytes;
    size_t p = 0;
    while (block.size() - p >= kRecordHead) {
      const uint32_t crc = Little(block.substr(p), 4), length = Little(block.substr(p + 4), 2);
      const uint8_t type = static_cast<uint8_t>(block[p + 6]);
      if (crc == 0 && length == 0 && type == 0 && open && AllZero(block.substr(p))) {
        // Space that was reserved.
        *ended = true;
        return "";
      }
      const size_t head = type >= 5 && type <= 8 ? kRecyclableHead : kRecordHead;
      if (p + head + length > block.size()) {
        if (last && open) break;
        return absl::StrCat("the record at byte ", at + p, " is cut short");
      }
      const uint32_t computed = Crc32c(block.substr(p + 6, head - 6 + length));
      // As the format masks it.
      if (((computed >> 15) | (computed << 17)) + 0xa282ead8u != crc)
        return absl::StrCat("the record at byte ", at + p, " does not have its checksum");
      p += head + length;
    }
    if (!last && !AllZero(block.substr(p)))
      return absl::StrCat("bytes between records at byte ", at + p);
    if (last && !open && p < block.size())
      return absl::StrCat("half a record at its end, byte ", at + p);
    if (last) *ended = true;
    return "";
  }

  rocksdb::DB* const db_;
  const std::string& path_;
  const ScrubPace& pace_;
  std::vector<FileDamage>* const damage_;
};

}  // namespace

absl::Status ScrubFiles(rocksdb::DB* db, const std::string& path, const ScrubPace& pace,
                        std::vector<FileDamage>* damage) {
  return Scrub(db, path, pace, damage).Run();
}

}  // namespace fiscal::storage
