#include "storage/rocks/log_directory.h"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/small_file.h"
#include "base/status_macros.h"
#include "storage/ledger.h"
#include "storage/rocks/store_files.h"
#include "storage/schema.h"
#include "storage/upgrade.h"

namespace fiscal::storage {
namespace {

namespace fs = std::filesystem;

std::string MarkOf(const std::string& path) { return path + ".damaged"; }

absl::Status Removed(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (!error) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat("the disk: remove ", path, ": ", ErrorText(error.value())));
}

}  // namespace

absl::Status WithNextStep(const absl::Status& status) {
  if (!absl::IsDataLoss(status)) return status;
  return absl::DataLossError(
      absl::StrCat(status.message(),
                   "; nothing was changed: put the missing files back, or restore a backup and let "
                   "callers repeat what they sent since"));
}

absl::Status MarkDamaged(const std::string& path, absl::string_view why) {
  std::ofstream mark(MarkOf(path));
  mark << std::string(why) << "\n";
  mark.close();
  return mark.good() ? absl::OkStatus()
                     : absl::InternalError(absl::StrCat("the disk: write ", MarkOf(path)));
}

absl::StatusOr<DerivedStore> OpenDerived(const RocksOptions& options) {
  DerivedStore store;
  std::error_code ignored;
  if (fs::exists(MarkOf(options.path), ignored)) {
    const absl::StatusOr<std::string> why = ReadSmallFile(MarkOf(options.path));
    store.damage = absl::DataLossError(absl::StrCat(
        options.path, " can't be used: ", why.ok() ? absl::StripSuffix(*why, "\n") : ""));
  } else {
    absl::StatusOr<std::unique_ptr<RocksKv>> opened = RocksKv::Open(options);
    if (opened.ok()) {
      store.kv = *std::move(opened);
      return store;
    }
    if (!absl::IsDataLoss(opened.status())) return opened.status();
    store.damage = opened.status();
  }
  // The mark is removed after the store that it condemns.
  FISCAL_RETURN_IF_ERROR(Removed(options.path));
  FISCAL_RETURN_IF_ERROR(Removed(MarkOf(options.path)));
  FISCAL_ASSIGN_OR_RETURN(store.kv, RocksKv::Open(options));
  return store;
}

absl::StatusOr<std::unique_ptr<LogDirectory>> LogDirectory::Open(Options options) {
  options.log.path = options.directory + "/log";
  options.ledger.path = options.directory + "/ledger";
  std::unique_ptr<LogDirectory> directory(new LogDirectory(std::move(options)));
  LogDirectory& d = *directory;
  d.anchor_ = std::make_unique<FileAnchor>(d.options_.directory + "/anchor");
  const absl::StatusOr<AnchorState> anchored = d.anchor_->Read();
  if (!anchored.ok() && !absl::IsNotFound(anchored.status()))
    return WithNextStep(anchored.status());
  const StoreWitness witness = anchored.ok() ? anchored->store : StoreWitness();
  StoreFiles files(d.options_.log.path);
  FISCAL_RETURN_IF_ERROR(files.Settle(witness));
  FISCAL_RETURN_IF_ERROR(WithNextStep(files.CheckManifest(witness)));
  FISCAL_RETURN_IF_ERROR(WithNextStep(files.CheckWriteAheadFiles()));
  // A log that an anchor names is never made anew.
  d.options_.log.create_if_missing = !anchored.ok();
  FISCAL_RETURN_IF_ERROR(files.Shelter());
  absl::Status opened = d.OpenLog();
  if (!opened.ok()) {
    d.log_.reset();
    d.kv_.reset();
    d.log_store_.reset();
    FISCAL_RETURN_IF_ERROR(files.Restore());
    return WithNextStep(opened);
  }
  FISCAL_RETURN_IF_ERROR(files.Release());
  FISCAL_RETURN_IF_ERROR(d.MakeLevel());
  return directory;
}

absl::Status LogDirectory::OpenLog() {
  absl::StatusOr<std::unique_ptr<RocksKv>> store = RocksKv::Open(options_.log);
  if (absl::IsNotFound(store.status())) {
    return absl::DataLossError(
        absl::StrCat("log: the anchor names a log but there is no store in ", options_.log.path));
  }
  FISCAL_RETURN_IF_ERROR(store.status());
  log_store_ = *std::move(store);
  FISCAL_RETURN_IF_ERROR(
      Upgrade(*log_store_, *anchor_, [this](domain::Position at, domain::Position of) {
        if (options_.progress) options_.progress("upgrading", at, of);
      }));
  FISCAL_RETURN_IF_ERROR(OpenLedger());
  std::string id(16, '\0');
  if (absl::IsNotFound(log_store_->Get(LogIdKey()).status()) && options_.log.create_if_missing) {
    FISCAL_ASSIGN_OR_RETURN(id, options_.new_log_id());
  }
  FISCAL_ASSIGN_OR_RETURN(log_, LocalLog::Open(*kv_, *anchor_, id, options_.origin));
  return absl::OkStatus();
}

absl::Status LogDirectory::OpenLedger() {
  FISCAL_ASSIGN_OR_RETURN(DerivedStore ledger, OpenDerived(options_.ledger));
  if (!ledger.damage.ok()) SayRemade(ledger.damage);
  ledger_store_ = std::move(ledger.kv);
  kv_ = std::make_unique<PairedKv>(*log_store_, *ledger_store_);
  return absl::OkStatus();
}

void LogDirectory::SayRemade(const absl::Status& why) {
  if (!remade_ && options_.on_remake) options_.on_remake(why);
  remade_ = true;
}

absl::Status LogDirectory::MakeLevel() {
  const auto progress = [this](domain::Position at, domain::Position of) {
    if (options_.progress) options_.progress("making the ledger", at, of);
  };
  if (log_->head().group > 0 && absl::IsNotFound(kv_->Get(LedgerMarkKey()).status()))
    SayRemade(absl::NotFoundError(absl::StrCat(options_.ledger.path, " is empty")));
  const absl::Status level = CatchUp(*log_, *kv_, progress);
  if (!absl::IsDataLoss(level)) return level;
  // It is of no use: once more, from nothing. What is damaged of the log says so again.
  FISCAL_RETURN_IF_ERROR(MarkDamaged(options_.ledger.path, level.message()));
  log_.reset();
  kv_.reset();
  ledger_store_.reset();
  FISCAL_RETURN_IF_ERROR(OpenLedger());
  FISCAL_ASSIGN_OR_RETURN(log_,
                          LocalLog::Open(*kv_, *anchor_, std::string(16, '\0'), options_.origin));
  return WithNextStep(CatchUp(*log_, *kv_, progress));
}

absl::Status LogDirectory::Settle() { return log_->Settle(); }

}  // namespace fiscal::storage
