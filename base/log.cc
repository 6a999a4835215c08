#include "base/log.h"

#include <atomic>
#include <cmath>
#include <memory>
#include <mutex>
#include <shared_mutex>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/text.h"
#include "spdlog/async.h"
#include "spdlog/pattern_formatter.h"
#include "spdlog/sinks/stdout_sinks.h"
#include "spdlog/spdlog.h"

namespace fiscal::logging {
namespace {

spdlog::level::level_enum ToSpdlog(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarning:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
    case Level::kCritical:
      return spdlog::level::critical;
  }
  return spdlog::level::err;
}

absl::string_view Name(Level level) {
  switch (level) {
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarning:
      return "warning";
    case Level::kError:
      return "error";
    case Level::kCritical:
      return "critical";
  }
  return "error";
}

// The sink of lines. Its end writes what waits and joins the thread.
struct Writer {
  std::shared_ptr<spdlog::details::thread_pool> pool;
  std::shared_ptr<spdlog::logger> logger;
};
// Shared by those who write; alone for who starts or ends the writer.
std::shared_mutex writer_mutex;
std::unique_ptr<const Writer> writer;
std::atomic<bool> as_json{false};
std::atomic<int> level_min{static_cast<int>(Level::kWarning)};
std::atomic<int64_t> dropped_before{0};

std::string Now() {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::Now(), absl::UTCTimeZone());
}

}  // namespace

std::string JsonString(absl::string_view text) {
  const bool utf8 = IsUtf8(text);
  std::string out = "\"";
  for (const char c : text) {
    const unsigned char u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (u < 0x20 || u == 0x7f || (!utf8 && u >= 0x80)) {
      absl::StrAppendFormat(&out, "\\u%04x", u);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
  return out;
}

Field::Field(absl::string_view key, absl::string_view value)
    : key_(key), value_(JsonString(value)) {}
Field::Field(absl::string_view key, int64_t value) : key_(key), value_(absl::StrCat(value)) {}
Field::Field(absl::string_view key, uint64_t value) : key_(key), value_(absl::StrCat(value)) {}
Field::Field(absl::string_view key, double value)
    : key_(key), value_(std::isfinite(value) ? absl::StrFormat("%.6g", value) : "null") {}

void Write(Level level, absl::string_view message, std::vector<Field> fields) {
  if (static_cast<int>(level) < level_min.load(std::memory_order_relaxed)) return;
  std::string line;
  if (as_json.load(std::memory_order_relaxed)) {
    line = absl::StrCat("{\"time\":\"", Now(), "\",\"level\":\"", Name(level),
                        "\",\"msg\":", JsonString(message));
    for (const Field& f : fields) absl::StrAppend(&line, ",\"", f.key_, "\":", f.value_);
    line.push_back('}');
  } else {
    const std::string quoted = JsonString(message);
    line = absl::StrCat(Now(), " ", Name(level), " ",
                        absl::string_view(quoted).substr(1, quoted.size() - 2));
    for (const Field& f : fields) absl::StrAppend(&line, " ", f.key_, "=", f.value_);
  }
  // Putting a line into the queue waits for nobody.
  const std::shared_lock<std::shared_mutex> lock(writer_mutex);
  if (writer == nullptr) {
    line.push_back('\n');
    std::fwrite(line.data(), 1, line.size(), stderr);
    return;
  }
  writer->logger->log(ToSpdlog(level), spdlog::string_view_t(line.data(), line.size()));
}

void Start(const Options& options) {
  auto started = std::make_unique<Writer>();
  started->pool = std::make_shared<spdlog::details::thread_pool>(options.queue_lines_max, 1);
  started->logger = std::make_shared<spdlog::async_logger>(
      "fiscal", std::make_shared<spdlog::sinks::stderr_sink_mt>(), started->pool,
      spdlog::async_overflow_policy::overrun_oldest);
  // The line is whole already.
  started->logger->set_pattern("%v");
  started->logger->set_level(spdlog::level::trace);
  as_json = options.json;
  level_min = static_cast<int>(options.level);
  const std::lock_guard<std::shared_mutex> lock(writer_mutex);
  writer = std::move(started);
}

void Stop() {
  // Whoever stops second waits for the first: both may be about to end the process, and have said
  // why.
  const std::lock_guard<std::shared_mutex> lock(writer_mutex);
  if (writer == nullptr) return;
  const std::shared_ptr<spdlog::details::thread_pool> pool = writer->pool;
  writer.reset();
  dropped_before += static_cast<int64_t>(pool->overrun_counter());
}

int64_t Dropped() {
  const std::shared_lock<std::shared_mutex> lock(writer_mutex);
  return dropped_before +
         (writer == nullptr ? 0 : static_cast<int64_t>(writer->pool->overrun_counter()));
}

}  // namespace fiscal::logging
