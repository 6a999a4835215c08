#include "clients/cli/print/progress.h"

#include <unistd.h>

#include <iostream>
#include <utility>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"

namespace fiscal::cli {

Progress::Progress(std::string what)
    : Progress(std::move(what), isatty(STDERR_FILENO) == 1, std::cerr, absl::Now) {}

Progress::Progress(std::string what, bool terminal, std::ostream& out,
                   std::function<absl::Time()> now)
    : what_(std::move(what)),
      terminal_(terminal),
      out_(out),
      now_(std::move(now)),
      start_(now_()),
      last_(start_) {}

Progress::~Progress() {
  if (said_) out_ << "\n";
}

void Progress::Count(int64_t done) {
  if (!terminal_) return;
  const absl::Time now = now_();
  if (now - start_ < absl::Seconds(1) || (said_ && now - last_ < absl::Milliseconds(500))) return;
  said_ = true;
  last_ = now;
  out_ << absl::StrFormat("\r%s: %d (%.0f s)", what_, done, absl::ToDoubleSeconds(now - start_))
       << std::flush;
}

}  // namespace fiscal::cli
