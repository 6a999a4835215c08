#include "services/rpc/vetted_files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/check.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/small_file.h"
#include "base/status_macros.h"

namespace fiscal::services::rpc {
namespace {

constexpr absl::Duration kInterval = absl::Seconds(1);

// A file in memory, without a name. Newer kernels may take none that could be run as a program;
// older ones don't know the flag.
int MemoryFile() {
  constexpr unsigned kNoExecSeal = 8;
  const int fd = memfd_create("fiscal-tls", MFD_CLOEXEC | kNoExecSeal);
  return fd >= 0 || errno != EINVAL ? fd : memfd_create("fiscal-tls", MFD_CLOEXEC);
}

// `seconds` of 0 is for gRPC a file that can't be read.
bool SetModified(int fd, time_t seconds) {
  const timespec times[2] = {{seconds, 0}, {seconds, 0}};
  return futimens(fd, times) == 0;
}

bool WriteAll(int fd, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

}  // namespace

// One file for gRPC, made of one or two configured ones.
class VettedFiles::Copy {
 public:
  using Vet = std::function<absl::StatusOr<std::string>(const std::vector<PemFile>&)>;

  Copy(std::vector<NamedFile> files, Vet vet)
      : files_(std::move(files)), vet_(std::move(vet)), fd_(MemoryFile()) {
    FISCAL_CHECK(fd_ >= 0 && SetModified(fd_, 0), "the system has a file in memory for TLS");
    Look();
  }
  ~Copy() { close(fd_); }
  Copy(const Copy&) = delete;
  Copy& operator=(const Copy&) = delete;

  std::string path() const { return absl::StrCat("/proc/self/fd/", fd_); }

  void Look() {
    std::vector<PemFile> files;
    std::vector<absl::string_view> parts;
    for (const NamedFile& named : files_) files.push_back(ReadPem(named));
    for (const PemFile& file : files) {
      parts.push_back(file.bytes.ok() ? *file.bytes : file.bytes.status().message());
      parts.push_back(absl::string_view("\0", 1));
    }
    const Digest seen = Sha256(parts);
    if (seen == taken_) {
      refused_.reset();
      return;
    }
    // What was refused is vetted again: a certificate may have become valid.
    absl::StatusOr<std::string> pem = vet_(files);
    const absl::Status status = pem.ok() ? Replace(*pem) : pem.status();
    if (!status.ok()) return Refuse(seen, std::string(status.message()));
    if (replaced_ > 1) logging::Info("TLS files were replaced", {{files_[0].name, files_[0].path}});
    taken_ = seen;
    refused_.reset();
  }

 private:
  struct Refused {
    Digest seen;
    std::string why;
    bool said = false;
  };

  void Refuse(const Digest& seen, std::string why) {
    if (!refused_ || refused_->seen != seen || refused_->why != why) {
      refused_ = Refused{seen, std::move(why)};
      return;
    }
    if (std::exchange(refused_->said, true)) return;
    logging::Warning(replaced_ > 0
                         ? "TLS files are refused: the ones before stay in use"
                         : "TLS files are refused: no connection is made until they are mended",
                     {{"error", refused_->why}});
  }

  // The number of the file stays; what it stands for changes at once.
  absl::Status Replace(absl::string_view pem) {
    const int fresh = MemoryFile();
    if (fresh >= 0 && WriteAll(fresh, pem) && SetModified(fresh, replaced_ + 1) &&
        dup3(fresh, fd_, O_CLOEXEC) >= 0) {
      ++replaced_;
      close(fresh);
      return absl::OkStatus();
    }
    const int error = errno;
    if (fresh >= 0) close(fresh);
    return absl::ResourceExhaustedError(absl::StrCat("no file in memory: ", ErrorText(error)));
  }

  const std::vector<NamedFile> files_;
  const Vet vet_;
  const int fd_;
  time_t replaced_ = 0;
  // Of the configured files.
  std::optional<Digest> taken_;
  std::optional<Refused> refused_;
};

VettedFiles::VettedFiles(const Files& files)
    : pair_(files.certificate.path.empty()
                ? nullptr
                : std::make_unique<Copy>(std::vector<NamedFile>{files.certificate, files.key},
                                         [](const std::vector<PemFile>& read) {
                                           return PemOfPair(read[0], read[1]);
                                         })),
      authorities_(files.authorities.path.empty()
                       ? nullptr
                       : std::make_unique<Copy>(std::vector<NamedFile>{files.authorities},
                                                [](const std::vector<PemFile>& read) {
                                                  return PemOfAuthorities(read[0]);
                                                })),
      thread_([this] { Run(); }) {}

VettedFiles::~VettedFiles() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  thread_.join();
}

std::string VettedFiles::pair_path() const { return pair_ == nullptr ? "" : pair_->path(); }

std::string VettedFiles::authorities_path() const {
  return authorities_ == nullptr ? "" : authorities_->path();
}

void VettedFiles::Run() {
  while (true) {
    {
      absl::MutexLock lock(&mu_);
      if (mu_.AwaitWithTimeout(absl::Condition(&stopping_), kInterval)) return;
    }
    if (pair_ != nullptr) pair_->Look();
    if (authorities_ != nullptr) authorities_->Look();
  }
}

}  // namespace fiscal::services::rpc
