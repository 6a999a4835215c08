#include "services/server/stores.h"

#include <random>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "services/log/log_copier.h"
#include "storage/schema.h"

namespace fiscal::services {
namespace {

// Bounds the part of the ledger that a crash makes us fold again: some two million lines of the
// log.
constexpr int64_t kLedgerWriteBufferBytes = 8 << 20;
constexpr absl::Duration kLogIdWait = absl::Minutes(1);

std::string RandomId() {
  std::random_device device;
  std::string id;
  for (int i = 0; i < 16; ++i) id.push_back(static_cast<char>(device() & 0xff));
  return id;
}

}  // namespace

Stores::Stores(Process& process)
    : process_(process),
      cache_(storage::NewRocksCache(
          static_cast<size_t>(process.config().storage().block_cache_bytes()))) {}

absl::StatusOr<std::unique_ptr<Stores>> Stores::Open(const config::v1::ServeConfig& config,
                                                     Process& process) {
  auto stores = absl::WrapUnique(new Stores(process));
  FISCAL_RETURN_IF_ERROR(stores->OpenLog(config));
  stores->heads_ =
      std::make_unique<storage::HeadReader>(stores->directory_->kv(), stores->directory_->log());
  return stores;
}

std::string Stores::PathOf(absl::string_view name) const {
  return absl::StrCat(process_.config().data_dir(), "/", name);
}

storage::RocksOptions Stores::OptionsOf(int64_t write_buffer_bytes) const {
  storage::RocksOptions options;
  options.block_cache = cache_;
  options.write_buffer_bytes = static_cast<size_t>(write_buffer_bytes);
  return options;
}

storage::RocksOptions Stores::DerivedOptions(const std::string& name, int64_t write_buffer_bytes) {
  storage::RocksOptions options = OptionsOf(write_buffer_bytes);
  options.path = PathOf(name);
  options.wal = false;
  options.on_damage = [this, path = options.path](const absl::Status& status) {
    const absl::Status marked = storage::MarkDamaged(path, status.message());
    process_.End(StopReason::kDerivedDamaged,
                 absl::StrCat(path, " is damaged and made from the log again at the next start: ",
                              status.message(), marked.ok() ? "" : marked.message()));
  };
  return options;
}

void Stores::Remade(absl::string_view name, const absl::Status& why) {
  ++derived_remade_;
  logging::Warning("made from the log again",
                   {{"store", name}, {"why", std::string(why.message())}});
}

absl::Status Stores::OpenLog(const config::v1::ServeConfig& config) {
  const std::string& data_dir = process_.config().data_dir();
  storage::LogDirectory::Options options;
  options.directory = data_dir;
  options.log = OptionsOf(process_.config().storage().log_write_buffer_bytes());
  options.log.ordered_kinds = storage::kLogOrderedKinds;
  options.log.on_sync = [this](absl::Duration took) {
    process_.metrics().log_sync_duration().Observe(absl::ToDoubleSeconds(took));
  };
  options.log.on_damage = [this](const absl::Status& status) {
    if (log_damage_++ == 0)
      logging::Critical("the log is damaged", {{"status", std::string(status.message())}});
  };
  options.ledger = DerivedOptions("ledger", kLedgerWriteBufferBytes);
  options.origin = config.has_aggregation() ? storage::EventLog::Origin::kCopied
                                            : storage::EventLog::Origin::kWritten;
  options.new_log_id = [this, &config]() -> absl::StatusOr<std::string> {
    if (!config.has_aggregation()) return RandomId();
    return LogCopier::FetchLogId(config.aggregation().log(), process_.peer_credentials(),
                                 absl::Now() + kLogIdWait);
  };
  options.progress = [this](const char* what, domain::Position at, domain::Position of) {
    process_.SayProgress(what, at.value(), of.value());
  };
  options.on_remake = [this](const absl::Status& why) { Remade("ledger", why); };
  absl::StatusOr<std::unique_ptr<storage::LogDirectory>> opened =
      storage::LogDirectory::Open(std::move(options));
  if (absl::IsFailedPrecondition(opened.status())) {
    return absl::FailedPreconditionError(
        absl::StrCat("server.data_dir ", data_dir, ": ", opened.status().message()));
  }
  FISCAL_RETURN_IF_ERROR(opened.status());
  directory_ = *std::move(opened);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<storage::RocksKv>> Stores::OpenTotals() {
  storage::RocksOptions store =
      DerivedOptions("totals", process_.config().storage().totals_write_buffer_bytes());
  store.ordered_kinds = storage::kTotalsOrderedKinds;
  // While it is opened, damage is an answer and not the end.
  store.on_damage = [this, end = store.on_damage](const absl::Status& status) {
    if (process_.phase() != Process::Phase::kRecovering) end(status);
  };
  FISCAL_ASSIGN_OR_RETURN(storage::DerivedStore opened, storage::OpenDerived(store));
  if (!opened.damage.ok()) Remade("totals", opened.damage);
  return std::move(opened.kv);
}

absl::Status Stores::DropTotals(absl::string_view why) {
  return storage::MarkDamaged(PathOf("totals"), why);
}

absl::StatusOr<std::unique_ptr<storage::Kv>> Stores::OpenScratch() {
  storage::RocksOptions scratch;
  scratch.path = PathOf("verify");
  scratch.wal = false;
  scratch.temporary = true;
  scratch.write_buffer_bytes = size_t{8} << 20;
  scratch.block_cache_bytes = size_t{8} << 20;
  return storage::RocksKv::Open(scratch);
}

void Stores::Drain() { directory_->log().StopWaiting(); }

void Stores::Stop() {
  const absl::Status settled = directory_->Settle();
  if (!settled.ok())
    logging::Warning("the log was not settled; its write-ahead files are needed",
                     {{"status", settled.ToString()}});
}

void Stores::Show(SystemParts* parts) const {
  parts->log = &directory_->log();
  parts->log_store = &directory_->log_store();
  parts->ledger_store = &directory_->ledger_store();
  parts->derived_remade = &derived_remade_;
  parts->log_damage = &log_damage_;
  parts->block_cache_bytes = [this] { return storage::BytesIn(*cache_); };
}

}  // namespace fiscal::services
