// The values that a store keeps records of the log as.
//
//   LocalLog --(StageRecord)--> Batch;   a store --(ReadRecord, CheckRecords)--> LocalLog, Upgrade,
//                                                                                LogScan
//
//   value of an event := chain:32 size:u32 record's-first-bytes; what is more in segments
#ifndef FISCAL_STORAGE_LOG_RECORDS_H_
#define FISCAL_STORAGE_LOG_RECORDS_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/sha256.h"
#include "storage/event_log.h"
#include "storage/kv.h"

namespace fiscal::storage {

// Adds the entry's values to `batch`, and its place in the lists of catalogs and of operators'
// events.
void StageRecord(const LogEntry& entry, Batch* batch);
// True for kinds that are in the list of operators' events.
bool IsOperators(domain::EventKind kind);

// Reads a store, or something that reads like one.
using GetValue = std::function<absl::StatusOr<std::string>(KeyView key)>;
// The whole record. NOT_FOUND when there is none.
absl::StatusOr<LogEntry> ReadRecord(const GetValue& get, domain::Position position);
// As EventLog::ReadBytes.
absl::StatusOr<std::string> ReadRecordBytes(const GetValue& get, domain::Position position,
                                            uint64_t offset, uint64_t size);

// The chain after the event with this value. DATA_LOSS when malformed.
absl::StatusOr<Digest> ChainOf(domain::Position position, absl::string_view value);
// The record in an event's value, up to its payload.
absl::StatusOr<std::string> HeadOf(domain::Position position, absl::string_view value,
                                   domain::EventHeader* header);

// The records `from` to `to` are whole and continue `chain`, which becomes the chain after them.
// DATA_LOSS names the first that is not.
absl::Status CheckRecords(const Kv& kv, domain::Position from, domain::Position to, Digest* chain);

}  // namespace fiscal::storage

#endif  // FISCAL_STORAGE_LOG_RECORDS_H_
