// How much of the log a ledger's store reflects.
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
  // The last group that is in whole, and the chain up to it.
  uint64_t group = 0;
  Digest groups_hash{};
  // While the next group is applied in parts: the last of its events that is in. Otherwise 0.
  domain::Position position;
};

std::string EncodeLedgerMark(const LedgerMark& mark);
// DATA_LOSS when malformed, or of another format: the ledger is to be made again.
absl::StatusOr<LedgerMark> DecodeLedgerMark(absl::string_view bytes);

}  // namespace fiscal::storage

#endif  // FISCAL_STORAGE_LEDGER_MARK_H_
