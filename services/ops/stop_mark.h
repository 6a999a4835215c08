// How the process before this one ended: a file in the data directory that says `running` while one
// runs.
//
// It is for the operator alone: nothing is decided by it, and a mark that can't be written is not
// an error of the system.
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
  // Called when it ends on purpose; `previous()` when it never served, so that what the next one is
  // told is still the last process that did.
  void Stopping(StopReason reason);

 private:
  void Write(absl::string_view word);
  const std::string path_;
  StopReason previous_ = StopReason::kNone;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_OPS_STOP_MARK_H_
