// The log as a reader outside sees it: every record over EventLogService.Read, its hashes computed
// here from the bytes alone.
#ifndef FISCAL_TESTS_CRASH_DAMAGE_LOG_COPY_H_
#define FISCAL_TESTS_CRASH_DAMAGE_LOG_COPY_H_

#include <string>
#include <vector>

#include "base/sha256.h"
#include "tests/crash/damage/exchange.h"

namespace fiscal::damage {

struct LogCopy {
  // Of the bytes of each record, in order.
  std::vector<Digest> records;
  // True when every record up to the head was read; then the hashes are recomputed.
  bool whole = false;
  Digest chain_hash{};
  Digest root_hash{};
  // The signed tree head, serialized; its signature holds against the key kept with the base.
  std::string tree_head;
};

// Reads the whole log. When an error ended the reading, it is `*status`; when the bytes contradict
// themselves (a gap, a chain hash or a tree head that is not the recomputed one), `*contradiction`
// says how. `public_key_pem` empty: the one the server names.
LogCopy ReadLog(Caller& caller, std::string* public_key_pem, grpc::Status* status,
                std::string* contradiction);

}  // namespace fiscal::damage

#endif  // FISCAL_TESTS_CRASH_DAMAGE_LOG_COPY_H_
