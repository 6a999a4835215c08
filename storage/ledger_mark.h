// What of the log a ledger's store has.
#ifndef FISCAL_STORAGE_LEDGER_MARK_H_
#define FISCAL_STORAGE_LEDGER_MARK_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/sha256.h"
#include "domain/event.h"

namespace fiscal::storage {

struct LedgerMark {
  std::string log_id;  // 16 bytes; empty for a ledger that has nothing
  // All of the groups up to this one, and the chain over them.
  uint64_t group = 0;
  Digest groups_hash{};
  // The last event it has of the next group, while that is gone through; else 0.
  domain::Position position = 0;
};

std::string EncodeLedgerMark(const LedgerMark& mark);
// DATA_LOSS when malformed.
absl::StatusOr<LedgerMark> DecodeLedgerMark(absl::string_view bytes);

}  // namespace fiscal::storage

#endif  // FISCAL_STORAGE_LEDGER_MARK_H_
