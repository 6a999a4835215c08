// Records how a process ended: a file in the data directory, with the word `running` while one
// runs.
//
// For the operator alone: nothing is decided by it, and failing to write it is no error of the
// system.
#ifndef FISCAL_SERVICES_OPS_STOP_MARK_H_
#define FISCAL_SERVICES_OPS_STOP_MARK_H_

#include <string>

#include "absl/strings/string_view.h"

namespace fiscal::services {

enum class StopReason {
  kNone,
  kDrained,
  kCrashed,
  kSyncFailed,
  kFoldFailed,
  kCopyFailed,
  kDerivedDamaged
};
// none, drained, crashed, sync_failed, fold_failed, copy_failed, derived_damaged.
absl::string_view NameOf(StopReason reason);

class StopMark {
 public:
  // Reads how the last one ended and marks this one as running. REQUIRES: this process holds the
  // lock of the directory.
  explicit StopMark(const std::string& data_dir);
  StopReason previous() const { return previous_; }
  // Called at an end on purpose. A process that never served passes `previous()`, so that the next
  // one still learns of the last that did.
  void Stopping(StopReason reason);

 private:
  void Write(absl::string_view word);
  const std::string path_;
  StopReason previous_ = StopReason::kNone;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_OPS_STOP_MARK_H_
