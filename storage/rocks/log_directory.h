// A data directory's log with its ledger, opened so that damage is refused where it is the truth
// and mended where it is derived.
//
//   <dir>/log, <dir>/anchor   the truth: looked at before it is opened (store_files.h) and after
//                             (local_log.h)
//   <dir>/ledger              derived: brought level with the log, or made again from it
//
// Nothing of log/ is deleted before all of it was found whole. Owned by one process, which holds
// the directory's lock.
#ifndef FISCAL_STORAGE_ROCKS_LOG_DIRECTORY_H_
#define FISCAL_STORAGE_ROCKS_LOG_DIRECTORY_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "storage/anchor.h"
#include "storage/event_log.h"
#include "storage/local_log.h"
#include "storage/paired_kv.h"
#include "storage/rocks/rocks_kv.h"

namespace fiscal::storage {

// Adds to a DATA_LOSS of the log what an operator does about it. Nothing makes a log again.
absl::Status WithNextStep(const absl::Status& status);

// A store that can be made again from the log, such as the ledger or the totals.
struct DerivedStore {
  std::unique_ptr<RocksKv> kv;
  // Not OK when what was there was damaged: why, and the store is then empty.
  absl::Status damage;
};
// Opens it, empty in place of a damaged one. INTERNAL, RESOURCE_EXHAUSTED: the disk answers with an
// error, which is no damage.
absl::StatusOr<DerivedStore> OpenDerived(const RocksOptions& options);
// Makes the next OpenDerived start with an empty store and give `why` as the damage: for damage
// that is found while the store is open.
absl::Status MarkDamaged(const std::string& path, absl::string_view why);

class LogDirectory {
 public:
  struct Options {
    // Options of the two stores; Open fills in `path`.
    RocksOptions log, ledger;
    std::string directory;
    EventLog::Origin origin = EventLog::Origin::kWritten;
    // Gives the id of a log that is made now, 16 bytes.
    std::function<absl::StatusOr<std::string>()> new_log_id;
    // Called with the progress of what takes long: "upgrading", "making the ledger". May be empty.
    std::function<void(const char* what, domain::Position at, domain::Position of)> progress;
    // Called when the ledger has to be made again, with the reason. May be empty.
    std::function<void(const absl::Status&)> on_remake;
  };

  // DATA_LOSS: what is on disk does not fit the anchor; the directory is as it was.
  // FAILED_PRECONDITION: it is another process's, or of another role. INTERNAL, RESOURCE_EXHAUSTED:
  // the disk answers with an error.
  static absl::StatusOr<std::unique_ptr<LogDirectory>> Open(Options options);

  EventLog& log() { return *log_; }
  // Log and ledger as one.
  Kv& kv() { return *kv_; }
  RocksKv& log_store() { return *log_store_; }
  RocksKv& ledger_store() { return *ledger_store_; }
  Anchor& anchor() { return *anchor_; }
  // For a clean end: no write-ahead file is needed afterwards.
  absl::Status Settle();

 private:
  explicit LogDirectory(Options options) : options_(std::move(options)) {}
  absl::Status OpenLog();
  absl::Status OpenLedger();
  absl::Status MakeLevel();
  // Calls on_remake, once.
  void SayRemade(const absl::Status& why);

  Options options_;
  bool remade_ = false;
  std::unique_ptr<RocksKv> log_store_;
  std::unique_ptr<RocksKv> ledger_store_;
  std::unique_ptr<PairedKv> kv_;
  std::unique_ptr<FileAnchor> anchor_;
  std::unique_ptr<LocalLog> log_;
};

}  // namespace fiscal::storage

#endif  // FISCAL_STORAGE_ROCKS_LOG_DIRECTORY_H_
