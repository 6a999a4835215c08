// The contents of a data directory: the log with its ledger, and room for what is
// derived. `server.storage` of the configuration, come to life.
//
//   <data-dir>/log, ledger --> Stores --(log, heads)--> Writer, Reader
//   <data-dir>/totals -------> Stores::OpenTotals ----> Reader
//
// Every role has them. Damage of the truth is said; damage of what is derived, found while it is in
// use, ends the process, and the next one makes it anew. Thread-safe after Open.
#ifndef FISCAL_SERVICES_SERVER_STORES_H_
#define FISCAL_SERVICES_SERVER_STORES_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "fiscal/config/v1/config.pb.h"
#include "services/admin/system_parts.h"
#include "services/server/process.h"
#include "storage/head_reader.h"
#include "storage/rocks/log_directory.h"
#include "storage/rocks/rocks_kv.h"

namespace fiscal::services {

class Stores {
 public:
  // Brings log and ledger level. A role that copies its log asks the other process for its id when
  // it has none yet. FAILED_PRECONDITION, UNAVAILABLE, DATA_LOSS as Server::Start. REQUIRES:
  // `process` outlives the result.
  static absl::StatusOr<std::unique_ptr<Stores>> Open(const config::v1::ServeConfig& config,
                                                      Process& process);

  storage::LogDirectory& directory() { return *directory_; }
  storage::EventLog& log() { return directory_->log(); }
  const storage::HeadReader& heads() const { return *heads_; }

  // Opens the totals, empty in place of damaged ones.
  absl::StatusOr<std::unique_ptr<storage::RocksKv>> OpenTotals();
  // Makes the next OpenTotals start with nothing.
  absl::Status DropTotals(absl::string_view why);
  // Opens an empty store that is removed when it is closed.
  absl::StatusOr<std::unique_ptr<storage::Kv>> OpenScratch();

  // Ends the waits for events to come.
  void Drain();
  // Settles the log. REQUIRES: everything that writes has stopped.
  void Stop();

  void Show(SystemParts* parts) const;

 private:
  explicit Stores(Process& process);
  absl::Status OpenLog(const config::v1::ServeConfig& config);
  storage::RocksOptions OptionsOf(int64_t write_buffer_bytes) const;
  // Options of a store that is made from the log.
  storage::RocksOptions DerivedOptions(const std::string& name, int64_t write_buffer_bytes);
  void Remade(absl::string_view name, const absl::Status& why);
  std::string PathOf(absl::string_view name) const;

  Process& process_;
  // Derived stores that were of no use at this start, and reads of the log that met damage.
  std::atomic<int64_t> derived_remade_{0}, log_damage_{0};
  // Destroyed from the bottom up: readers before the store, the cache last.
  const std::shared_ptr<storage::RocksCache> cache_;
  std::unique_ptr<storage::LogDirectory> directory_;
  std::unique_ptr<storage::HeadReader> heads_;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_SERVER_STORES_H_
