#include "services/server/process.h"

#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <system_error>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "services/config/config.h"
#include "services/rpc/credentials.h"
#include "storage/rocks/rocks_kv.h"
#include "storage/rocks/store_files.h"

namespace fiscal::services {
namespace {

constexpr absl::Duration kProgressInterval = absl::Seconds(2);
// The audit log is written in one place and seldom read: small, and apart from the ledger's cache.
constexpr size_t kAuditCacheBytes = 8 << 20, kAuditWriteBufferBytes = 4 << 20;
constexpr int kAuditFilesMax = 64;

// A damaged audit log stops nobody's work: it is kept for whoever audits, under a name that no
// other has, and a new one begins.
absl::Status PutAside(const std::string& path, absl::string_view why) {
  std::string aside = path + ".damaged";
  for (int n = 2; std::filesystem::exists(aside); ++n) aside = absl::StrCat(path, ".damaged.", n);
  std::error_code error;
  std::filesystem::rename(path, aside, error);
  if (error) return absl::UnavailableError(absl::StrCat(path, ": ", error.message()));
  logging::Error("the audit log is damaged: it was put aside for whoever audits, and begins anew",
                 {{"was", aside}, {"why", why}});
  return absl::OkStatus();
}

// A store whose files have lost their manifest would be begun anew, and its files removed.
absl::Status CheckAuditFiles(const std::string& path) {
  std::error_code error;
  for (const auto& file : std::filesystem::directory_iterator(path, error)) {
    const std::string kind = file.path().extension();
    if (kind == ".sst" || kind == ".log") {
      FISCAL_RETURN_IF_ERROR(storage::ReadManifestNumber(path).status());
      return storage::StoreFiles(path).CheckWriteAheadFiles();
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<storage::Kv>> OpenAuditStore(const std::string& path) {
  FISCAL_RETURN_IF_ERROR(CheckAuditFiles(path));
  storage::RocksOptions store;
  store.path = path;
  store.ordered_kinds = storage::kAuditOrderedKinds;
  store.block_cache_bytes = kAuditCacheBytes;
  store.write_buffer_bytes = kAuditWriteBufferBytes;
  store.open_files_max = kAuditFilesMax;
  return storage::RocksKv::Open(store);
}

}  // namespace

Process::Process(const config::v1::ServeConfig& config)
    : config_(ServerOf(config)), role_(RoleName(config)) {}

absl::StatusOr<std::unique_ptr<Process>> Process::Open(const config::v1::ServeConfig& config) {
  auto process = absl::WrapUnique(new Process(config));
  const config::v1::ServerConfig& server = process->config_;
  const std::string& dir = server.data_dir();
  std::error_code error;
  std::filesystem::create_directories(dir, error);
  if (error)
    return absl::InvalidArgumentError(absl::StrCat("server.data_dir ", dir, ": ", error.message()));
  FISCAL_ASSIGN_OR_RETURN(process->lock_, DataLock::Take(dir));
  FISCAL_ASSIGN_OR_RETURN(process->tokens_,
                          server.token_key_file().empty()
                              ? rpc::TokenSealer::Keep(dir, process->clock_)
                              : rpc::TokenSealer::Share(server.token_key_file(), process->clock_));
  process->disk_ = std::make_unique<DiskGuard>(server.disk().free_bytes_min(),
                                               server.disk().free_bytes_margin(), MeasureOf(dir));
  process->LookAtDisk();
  const int64_t memory = server.memory_bytes_max();
  process->memory_ = std::make_unique<rpc::MemoryBudget>(
      rpc::MemoryBudget::Options{memory == 0 ? rpc::MemoryLimit() : memory, ResidentBytes});
  process->peer_credentials_ = rpc::PeerCredentials(server.peer_tls());
  FISCAL_RETURN_IF_ERROR(process->OpenAudit());
  return process;
}

absl::Status Process::OpenAudit() {
  const config::v1::AuditConfig& audit = config_.audit();
  if (!audit.enabled()) return absl::OkStatus();
  const std::string path = absl::StrCat(config_.data_dir(), "/audit");
  AuditTrail::Options options;
  options.reads = audit.reads() == "all"    ? AuditTrail::Reads::kAll
                  : audit.reads() == "none" ? AuditTrail::Reads::kNone
                                            : AuditTrail::Reads::kSampled;
  options.keep_days = audit.keep_days();
  options.queue_entries_max = static_cast<size_t>(audit.queue_entries_max());
  options.room = [this] { return !disk_->low(); };
  const auto open = [&] {
    return AuditTrail::Open([path] { return OpenAuditStore(path); }, clock_, options);
  };
  absl::StatusOr<std::unique_ptr<AuditTrail>> opened = open();
  if (absl::IsDataLoss(opened.status())) {
    FISCAL_RETURN_IF_ERROR(PutAside(path, opened.status().message()));
    opened = open();
  }
  if (!opened.ok()) {
    return absl::Status(opened.status().code(),
                        absl::StrCat(path, ": ", opened.status().message()));
  }
  audit_ = *std::move(opened);
  return absl::OkStatus();
}

void Process::LookAtDisk() {
  if (!disk_->Check()) return;
  const DiskGuard::Space space = disk_->space();
  logging::Write(disk_->low() ? logging::Level::kError : logging::Level::kInfo,
                 disk_->low() ? "the disk is nearly full: writes are refused"
                              : "the disk has room again: writes are taken",
                 {{"free_bytes", space.free_bytes},
                  {"free_bytes_min", disk_->free_bytes_min()},
                  {"data_dir", config_.data_dir()}});
}

std::string Process::Progress() const {
  const uint64_t to = recover_to_, at = recover_at_;
  if (to == 0) return "opening the stores";
  return absl::StrCat(recovering_.load(), ": event ", at, " of ", to);
}

void Process::SayProgress(const char* what, uint64_t at, uint64_t of) {
  recovering_ = what;
  recover_at_ = at;
  recover_to_ = of;
  if (absl::Now() - progress_said_ < kProgressInterval) return;
  progress_said_ = absl::Now();
  logging::Info("recovering", {{"what", what}, {"event", at}, {"of", of}});
  sd_notifyf(0, "STATUS=recovering: %s\nEXTEND_TIMEOUT_USEC=60000000", Progress().c_str());
}

void Process::Mark() { mark_ = std::make_unique<StopMark>(config_.data_dir()); }

void Process::MarkStopping(bool served) {
  if (mark_ != nullptr) mark_->Stopping(served ? StopReason::kDrained : mark_->previous());
}

void Process::End(StopReason reason, const std::string& why) {
  logging::Critical("stopping at once", {{"why", why}});
  if (mark_ != nullptr) mark_->Stopping(reason);
  logging::Stop();
  std::fflush(nullptr);
  _exit(70);
}

void Process::Show(SystemParts* parts) const {
  parts->previous_stop = mark_->previous();
  parts->role = role_;
  parts->data_dir = config_.data_dir();
  parts->certificate_file = config_.tls().certificate_file();
  parts->disk = disk_.get();
  parts->memory = memory_.get();
  parts->audit = audit_.get();
}

}  // namespace fiscal::services
