#include "clients/cli/pki/authority.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "base/csv.h"
#include "base/small_file.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "base/time_text.h"

namespace fiscal::cli::pki {
namespace {

constexpr char kCertificateFile[] = "ca.pem", kKeyFile[] = "ca-key.pem", kListFile[] = "crl.pem",
               kIssuedFile[] = "issued.csv";
constexpr char kIssuedHead[] = "serial,name,not_after,revoked_at\n";
// Their rows, of 276 bytes at most, are a small file for as long as they are kept.
constexpr size_t kCertificatesMax = 3700;
static_assert(kCertificatesMax * 276 + sizeof(kIssuedHead) < kFileBytesMax);
constexpr mode_t kPublic = 0644, kSecret = 0600;

std::string In(const std::string& dir, absl::string_view file) {
  return absl::StrCat(dir, "/", file);
}

absl::Status WithFile(const std::string& path, const absl::Status& status) {
  return absl::FailedPreconditionError(absl::StrCat(path, ": ", status.message()));
}

absl::StatusOr<std::string> Read(const std::string& path) {
  absl::StatusOr<std::string> bytes = ReadSmallFile(path);
  if (!bytes.ok()) return WithFile(path, bytes.status());
  return bytes;
}

// To the second, as certificates have it.
absl::Time Seconds(absl::Time time) { return absl::FromUnixSeconds(absl::ToUnixSeconds(time)); }
absl::Time DaysAfter(absl::Time now, int days) { return Seconds(now) + absl::Hours(24) * days; }

bool IsSerial(absl::string_view text) {
  return text.size() == 32 && std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isdigit(c) || (c >= 'a' && c <= 'f');
         });
}

absl::Status Fill(const std::string& dir, const std::string& trust_domain, int days,
                  absl::Time now) {
  const Signer signer = Signer::Make(trust_domain, now, DaysAfter(now, days));
  const Pem pem = signer.ToPem();
  const auto write = [&](const char* file, absl::string_view bytes, mode_t mode) {
    return WriteWholeFile(In(dir, file), bytes, mode, IfThere::kRefuse);
  };
  FISCAL_RETURN_IF_ERROR(write(kKeyFile, pem.key, kSecret));
  FISCAL_RETURN_IF_ERROR(write(kCertificateFile, pem.certificate, kPublic));
  FISCAL_RETURN_IF_ERROR(write(kIssuedFile, kIssuedHead, kPublic));
  return write(kListFile, signer.RevocationList({}, now, DaysAfter(now, kListDays)), kPublic);
}

}  // namespace

absl::StatusOr<absl::Time> Authority::Make(const std::string& dir, const std::string& trust_domain,
                                           int days, absl::Time now) {
  FISCAL_RETURN_IF_ERROR(CheckTrustDomain(trust_domain));
  absl::string_view name = dir;
  while (name.size() > 1 && absl::ConsumeSuffix(&name, "/")) {
  }
  const std::string place(name), fresh = absl::StrCat(name, ".", getpid(), ".part");
  // Filled under another name, the directory is there whole or not at all; a directory takes the
  // name of an empty one only.
  if (mkdir(fresh.c_str(), 0700) != 0)
    return absl::UnavailableError(absl::StrCat(fresh, ": ", ErrorText(errno)));
  absl::Status status = Fill(fresh, trust_domain, days, now);
  if (status.ok() && std::rename(fresh.c_str(), place.c_str()) != 0) {
    const int error = errno;
    const std::string what = absl::StrCat(place, ": ", ErrorText(error));
    const bool taken = error == ENOTEMPTY || error == EEXIST || error == ENOTDIR;
    status = taken ? absl::AlreadyExistsError(what) : absl::UnavailableError(what);
  }
  if (status.ok()) return DaysAfter(now, kListDays);
  std::error_code ignored;
  std::filesystem::remove_all(fresh, ignored);
  return status;
}

absl::StatusOr<Authority> Authority::Open(const std::string& dir) {
  const int lock_fd = open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock_fd < 0) return absl::FailedPreconditionError(absl::StrCat(dir, ": ", ErrorText(errno)));
  const auto opened = [&]() -> absl::StatusOr<Authority> {
    while (flock(lock_fd, LOCK_EX) != 0) {
      if (errno != EINTR) return absl::UnavailableError(absl::StrCat(dir, ": ", ErrorText(errno)));
    }
    const std::string key_path = In(dir, kKeyFile), path = In(dir, kCertificateFile);
    FISCAL_ASSIGN_OR_RETURN(const std::string certificate, Read(path));
    FISCAL_ASSIGN_OR_RETURN(const std::string key, Read(key_path));
    struct stat info;
    if (stat(key_path.c_str(), &info) != 0 || (info.st_mode & 077) != 0) {
      return absl::FailedPreconditionError(
          absl::StrCat(key_path, ": may be read by others; its mode must be 0600"));
    }
    absl::StatusOr<Signer> signer = Signer::Parse(certificate, key);
    if (!signer.ok()) return WithFile(absl::StrCat(path, ", ", key_path), signer.status());
    FISCAL_ASSIGN_OR_RETURN(std::vector<Row> rows, ReadRows(In(dir, kIssuedFile)));
    return Authority(dir, lock_fd, *std::move(signer), std::move(rows));
  };
  absl::StatusOr<Authority> authority = opened();
  if (!authority.ok()) close(lock_fd);
  return authority;
}

Authority::Authority(std::string dir, int lock_fd, Signer signer, std::vector<Row> rows)
    : dir_(std::move(dir)), lock_fd_(lock_fd), signer_(std::move(signer)), rows_(std::move(rows)) {}

Authority::Authority(Authority&& other) noexcept
    : dir_(other.dir_),
      lock_fd_(std::exchange(other.lock_fd_, -1)),
      signer_(std::move(other.signer_)),
      rows_(std::move(other.rows_)) {}

Authority::~Authority() {
  // The lock goes with it.
  if (lock_fd_ >= 0) close(lock_fd_);
}

absl::StatusOr<std::vector<Authority::Row>> Authority::ReadRows(const std::string& path) {
  FISCAL_ASSIGN_OR_RETURN(const std::string text, Read(path));
  const auto wrong = [&](int line) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": line ", line, ": must be serial,name,not_after,revoked_at"));
  };
  const absl::StatusOr<std::vector<CsvRow>> read = ParseCsv(text);
  if (!read.ok()) return WithFile(path, read.status());
  // What is not in the list could never be revoked.
  if (!absl::StartsWith(text, kIssuedHead)) return wrong(1);
  std::vector<Row> rows;
  for (auto row = read->begin() + 1; row != read->end(); ++row) {
    if (row->cells.size() != 4 || !IsSerial(row->cells[0]) || !CheckName(row->cells[1]).ok())
      return wrong(row->line);
    const std::optional<absl::Time> not_after = ParseTimeOrDate(row->cells[2]);
    const std::optional<absl::Time> revoked_at = ParseTimeOrDate(row->cells[3]);
    if (!not_after.has_value() || revoked_at.has_value() == row->cells[3].empty())
      return wrong(row->line);
    rows.push_back({row->cells[0], row->cells[1], *not_after, revoked_at});
  }
  return rows;
}

absl::Status Authority::WriteRows() const {
  std::string text = kIssuedHead;
  for (const Row& row : rows_) {
    absl::StrAppend(&text, row.serial, ",", row.name, ",", UtcText(row.not_after), ",",
                    row.revoked_at.has_value() ? UtcText(*row.revoked_at) : "", "\n");
  }
  return WriteWholeFile(In(dir_, kIssuedFile), text, kPublic, IfThere::kReplace);
}

absl::StatusOr<Issued> Authority::Issue(const Order& order, absl::Time now) {
  FISCAL_RETURN_IF_ERROR(CheckName(order.name));
  for (const std::string& host : order.hosts) FISCAL_RETURN_IF_ERROR(CheckHost(host));
  if (rows_.size() >= kCertificatesMax) {
    return absl::ResourceExhaustedError(
        absl::StrCat(In(dir_, kIssuedFile), ": is full; make another authority"));
  }
  const Subject subject{order.name, order.hosts, NewSerial(), DaysAfter(now, order.days)};
  if (subject.not_after > signer_.not_after()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the authority ends ", UtcText(signer_.not_after()),
                     ", before the certificate "
                     "would: ask for fewer days, or make another authority"));
  }
  const std::string file = In(dir_, absl::StrReplaceAll(order.name, {{"/", "-"}}));
  const Issued issued{absl::StrCat(file, ".pem"), absl::StrCat(file, "-key.pem"),
                      signer_.PrincipalOf(order.name), subject.serial, subject.not_after};
  for (const std::string& path : {issued.certificate_file, issued.key_file}) {
    if (access(path.c_str(), F_OK) == 0) {
      return absl::AlreadyExistsError(
          absl::StrCat(path, ": is there; move it away first, the certificate in it stays good"));
    }
  }
  // Listed first: what a crash leaves is a row without its files, not a certificate that can't be
  // revoked.
  rows_.push_back({subject.serial, order.name, subject.not_after, std::nullopt});
  FISCAL_RETURN_IF_ERROR(WriteRows());
  const Pem pem = signer_.Sign(subject, now);
  FISCAL_RETURN_IF_ERROR(WriteWholeFile(issued.key_file, pem.key, kSecret, IfThere::kRefuse));
  FISCAL_RETURN_IF_ERROR(
      WriteWholeFile(issued.certificate_file, pem.certificate, kPublic, IfThere::kRefuse));
  return issued;
}

absl::StatusOr<Revoked> Authority::Revoke(const std::string& name_or_serial, absl::Time now) {
  bool found = false;
  Revoked revoked;
  for (Row& row : rows_) {
    if (row.name != name_or_serial && row.serial != name_or_serial) continue;
    found = true;
    if (row.revoked_at.has_value()) continue;
    row.revoked_at = Seconds(now);
    ++revoked.count;
  }
  if (!found) {
    return absl::NotFoundError(absl::StrCat(
        In(dir_, kIssuedFile), ": no certificate of the name or serial ", Shown(name_or_serial)));
  }
  // First where the next list comes from: what a crash leaves is made good by asking again.
  FISCAL_RETURN_IF_ERROR(WriteRows());
  FISCAL_ASSIGN_OR_RETURN(revoked.next_update, RenewList(now));
  return revoked;
}

absl::StatusOr<absl::Time> Authority::RenewList(absl::Time now) {
  std::vector<Revocation> revocations;
  for (const Row& row : rows_) {
    if (row.revoked_at.has_value()) revocations.push_back({row.serial, *row.revoked_at});
  }
  const absl::Time next_update = DaysAfter(now, kListDays);
  FISCAL_RETURN_IF_ERROR(WriteWholeFile(In(dir_, kListFile),
                                        signer_.RevocationList(revocations, now, next_update),
                                        kPublic, IfThere::kReplace));
  return next_update;
}

}  // namespace fiscal::cli::pki
