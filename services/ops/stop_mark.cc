#include "services/ops/stop_mark.h"

#include <cstdio>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "base/log.h"

namespace fiscal::services {
namespace {

constexpr absl::string_view kRunning = "running";
constexpr StopReason kReasons[] = {StopReason::kNone,       StopReason::kDrained,
                                   StopReason::kSyncFailed, StopReason::kFoldFailed,
                                   StopReason::kCopyFailed, StopReason::kDerivedDamaged};

}  // namespace

absl::string_view NameOf(StopReason reason) {
  switch (reason) {
    case StopReason::kNone:
      return "none";
    case StopReason::kDrained:
      return "drained";
    case StopReason::kCrashed:
      return "crashed";
    case StopReason::kSyncFailed:
      return "sync_failed";
    case StopReason::kFoldFailed:
      return "fold_failed";
    case StopReason::kCopyFailed:
      return "copy_failed";
    case StopReason::kDerivedDamaged:
      return "derived_damaged";
  }
  return "none";
}

StopMark::StopMark(const std::string& data_dir) : path_(absl::StrCat(data_dir, "/last-stop")) {
  std::ifstream file(path_);
  std::string word;
  if (file >> word) {
    // The last process never wrote how it ended: it was killed, or the power went.
    previous_ = StopReason::kCrashed;
    for (const StopReason reason : kReasons) {
      if (word == NameOf(reason)) previous_ = reason;
    }
  }
  Write(kRunning);
}

void StopMark::Stopping(StopReason reason) { Write(NameOf(reason)); }

void StopMark::Write(absl::string_view word) {
  // Whole or not at all; after a power loss either word is told as a crash or as what it was.
  const std::string made = absl::StrCat(path_, ".new");
  std::ofstream file(made, std::ios::trunc);
  file << word << "\n";
  file.close();
  if (!file || std::rename(made.c_str(), path_.c_str()) != 0)
    logging::Warning("the mark of how this process ends can't be written", {{"path", path_}});
}

}  // namespace fiscal::services
