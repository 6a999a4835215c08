// The process's own log: one line a message on stderr, as JSON for machines or as text for people.
//
//   Write(level, sentence, fields) --> a bounded queue --> its thread --> stderr
//
// No thread waits for a terminal: when the queue is full its oldest lines are dropped and counted.
// Text that a caller sent is written as a field's value, which is escaped, never as part of the
// sentence; amounts and texts of lines are not written at all. Thread-safe. Until Start, lines of
// level warning and above go to stderr as text, at once.
#ifndef FISCAL_BASE_LOG_H_
#define FISCAL_BASE_LOG_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace fiscal::logging {

enum class Level { kDebug, kInfo, kWarning, kError, kCritical };

class Field {
 public:
  Field(absl::string_view key, absl::string_view value);
  Field(absl::string_view key, const char* value) : Field(key, absl::string_view(value)) {}
  Field(absl::string_view key, const std::string& value) : Field(key, absl::string_view(value)) {}
  Field(absl::string_view key, int64_t value);
  Field(absl::string_view key, uint64_t value);
  Field(absl::string_view key, double value);

 private:
  friend void Write(Level, absl::string_view, std::vector<Field>);
  std::string key_;
  // As JSON.
  std::string value_;
};

void Write(Level level, absl::string_view message, std::vector<Field> fields = {});
inline void Info(absl::string_view m, std::vector<Field> f = {}) {
  Write(Level::kInfo, m, std::move(f));
}
inline void Warning(absl::string_view m, std::vector<Field> f = {}) {
  Write(Level::kWarning, m, std::move(f));
}
inline void Error(absl::string_view m, std::vector<Field> f = {}) {
  Write(Level::kError, m, std::move(f));
}
inline void Critical(absl::string_view m, std::vector<Field> f = {}) {
  Write(Level::kCritical, m, std::move(f));
}

struct Options {
  Level level = Level::kInfo;
  bool json = true;
  size_t queue_lines_max = 8192;
};
// Once, before threads that write. Tests and tools do without.
void Start(const Options& options);
// Writes what waits and ends the queue's thread; later lines go to stderr at once. Idempotent.
void Stop();
// Lines that nobody took in time.
int64_t Dropped();

// `text` as a JSON string, quotes included. Bytes that are no UTF-8 and controls are escaped.
std::string JsonString(absl::string_view text);

}  // namespace fiscal::logging

#endif  // FISCAL_BASE_LOG_H_
