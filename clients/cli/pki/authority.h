// A trial authority: a directory with a key that signs certificates, and the list of those it
// signed.
//
//   DIR/ca.pem, ca-key.pem --> Authority --> DIR/NAME.pem, NAME-key.pem, crl.pem
//                                 |
//                             issued.csv: serial, name, not_after, revoked_at
//
// Everything here is of one directory, which a process has to itself while it has an Authority of
// it; another waits. Files take their names whole. Errors name the file or the argument:
// INVALID_ARGUMENT (an argument), ALREADY_EXISTS (nothing is overwritten), UNAVAILABLE (the disk).
#ifndef FISCAL_CLIENTS_CLI_PKI_AUTHORITY_H_
#define FISCAL_CLIENTS_CLI_PKI_AUTHORITY_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "clients/cli/pki/signer.h"

namespace fiscal::cli::pki {

// What crl.pem is good for: a habit of every month.
constexpr int kListDays = 30;
// What public authorities give at most.
constexpr int kCertificateDaysMax = 397;

// What is asked for.
struct Order {
  std::string name;
  int days = kListDays;
  // None for a client alone.
  std::vector<std::string> hosts;
};

struct Issued {
  std::string certificate_file;
  std::string key_file;
  std::string principal;
  std::string serial;
  absl::Time not_after;
};

struct Revoked {
  // That were not revoked before.
  int count = 0;
  // When crl.pem ends.
  absl::Time next_update;
};

class Authority {
 public:
  // Makes `dir`, 0700, which does not exist or is empty, for `days` days. Returns when crl.pem
  // ends.
  static absl::StatusOr<absl::Time> Make(const std::string& dir, const std::string& trust_domain,
                                         int days, absl::Time now);
  // FAILED_PRECONDITION: what is in `dir` was not made so, or others may read its key.
  static absl::StatusOr<Authority> Open(const std::string& dir);

  Authority(Authority&& other) noexcept;
  Authority& operator=(Authority&&) = delete;
  ~Authority();

  // FAILED_PRECONDITION: the authority ends before the certificate would. RESOURCE_EXHAUSTED: its
  // list is full, after 3,700.
  absl::StatusOr<Issued> Issue(const Order& order, absl::Time now);
  // All certificates of that name, or the one of that serial. NOT_FOUND: there was never one.
  absl::StatusOr<Revoked> Revoke(const std::string& name_or_serial, absl::Time now);
  // A crl.pem of the same that goes on for kListDays from `now`. Returns when it ends.
  absl::StatusOr<absl::Time> RenewList(absl::Time now);

 private:
  struct Row {
    std::string serial;
    std::string name;
    absl::Time not_after;
    std::optional<absl::Time> revoked_at;
  };

  Authority(std::string dir, int lock_fd, Signer signer, std::vector<Row> rows);
  static absl::StatusOr<std::vector<Row>> ReadRows(const std::string& path);
  absl::Status WriteRows() const;

  const std::string dir_;
  // -1 when moved from.
  int lock_fd_;
  Signer signer_;
  // As in issued.csv, in the order they were signed.
  std::vector<Row> rows_;
};

}  // namespace fiscal::cli::pki

#endif  // FISCAL_CLIENTS_CLI_PKI_AUTHORITY_H_
