#include "services/ops/metrics.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "prometheus/text_serializer.h"

namespace fiscal::services {
namespace {

using Buckets = prometheus::Histogram::BucketBoundaries;

template <typename T>
prometheus::Family<T>& MakeFamily(prometheus::Registry& registry, const std::string& name,
                                  const std::string& help);
template <>
prometheus::Family<prometheus::Counter>& MakeFamily(prometheus::Registry& registry,
                                                    const std::string& name,
                                                    const std::string& help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}
template <>
prometheus::Family<prometheus::Histogram>& MakeFamily(prometheus::Registry& registry,
                                                      const std::string& name,
                                                      const std::string& help) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
}

constexpr auto MakeCounters = MakeFamily<prometheus::Counter>;
constexpr auto MakeHistograms = MakeFamily<prometheus::Histogram>;

const Buckets& GroupBuckets() {
  static const Buckets* const buckets = new Buckets{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024};
  return *buckets;
}

}  // namespace

void Samples::Add(prometheus::MetricType type, const std::string& name, const std::string& help,
                  double value, Labels labels) {
  prometheus::MetricFamily& family = families_[name];
  family.name = name;
  family.help = help;
  family.type = type;
  prometheus::ClientMetric metric;
  for (auto& [key, text] : labels) metric.label.push_back({std::move(key), std::move(text)});
  if (type == prometheus::MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
  family.metric.push_back(std::move(metric));
}

void Samples::Gauge(const std::string& name, const std::string& help, double value, Labels labels) {
  Add(prometheus::MetricType::Gauge, name, help, value, std::move(labels));
}

void Samples::Counter(const std::string& name, const std::string& help, double value,
                      Labels labels) {
  Add(prometheus::MetricType::Counter, name, help, value, std::move(labels));
}

const Buckets& Metrics::DurationBuckets() {
  static const Buckets* const buckets =
      new Buckets{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                  0.05,   0.1,     0.25,   0.5,   1,      2.5,   5,    10};
  return *buckets;
}

Metrics::Metrics()
    : rpc_started_(MakeCounters(registry_, "fiscal_rpc_started_total", "Calls that came in.")),
      rpc_completed_(
          MakeCounters(registry_, "fiscal_rpc_completed_total", "Calls that ended, by code.")),
      rpc_duration_(MakeHistograms(registry_, "fiscal_rpc_duration_seconds",
                                   "From the arrival of a call to the last byte handed over.")),
      refusals_(MakeCounters(registry_, "fiscal_refusals_total",
                             "What was refused, by reason: calls, and budgets inside streams.")),
      submissions_(MakeCounters(registry_, "fiscal_submissions_total",
                                "What the committer decided, by kind and result.")),
      committed_lines_(MakeCounters(registry_, "fiscal_committed_lines_total",
                                    "Lines of the requests that became events.")
                           .Add({})),
      commit_group_requests_(MakeHistograms(registry_, "fiscal_commit_group_requests",
                                            "Requests that shared one sync.")
                                 .Add({}, GroupBuckets())),
      commit_duration_(MakeHistograms(registry_, "fiscal_commit_duration_seconds",
                                      "Deciding and writing one group, its sync included.")
                           .Add({}, DurationBuckets())),
      log_sync_duration_(MakeHistograms(registry_, "fiscal_log_sync_duration_seconds",
                                        "One synced write of the log's store.")
                             .Add({}, DurationBuckets())) {
  // There from the start, so that the first of them is a rise that an alarm sees.
  for (const char* reason : {"INTERNAL", "STORAGE_DAMAGED", "HISTORY_DIFFERS"})
    refusals_.Add({{"reason", reason}});
}

std::string Metrics::Scrape() const {
  std::map<std::string, prometheus::MetricFamily> families;
  for (prometheus::MetricFamily& family : registry_.Collect())
    families[family.name] = std::move(family);
  Samples samples;
  {
    // Held while the sampler runs, so that SetSampler(nullptr) returns only when it does not.
    absl::MutexLock lock(&mu_);
    if (sampler_) sampler_(&samples);
  }
  SampleProcess(&samples);
  for (auto& [name, family] : samples.families_) families[name] = std::move(family);
  std::vector<prometheus::MetricFamily> all;
  for (auto& [name, family] : families) {
    // A family without a member yet is nothing to tell.
    if (!family.metric.empty()) all.push_back(std::move(family));
  }
  return prometheus::TextSerializer().Serialize(all);
}

absl::string_view Metrics::ContentType() { return "text/plain; version=0.0.4; charset=utf-8"; }

void Metrics::SetSampler(Sampler sampler) {
  absl::MutexLock lock(&mu_);
  sampler_ = std::move(sampler);
}

void Metrics::CountRefusal(absl::string_view reason) {
  refusals_.Add({{"reason", std::string(reason)}}).Increment();
}

void Metrics::CountSubmission(absl::string_view kind, absl::string_view result, size_t lines) {
  prometheus::Counter* counter;
  {
    absl::MutexLock lock(&submissions_mu_);
    prometheus::Counter*& known = submission_counters_[{kind, result}];
    if (known == nullptr) {
      known = &submissions_.Add({{"kind", std::string(kind)}, {"result", std::string(result)}});
    }
    counter = known;
  }
  counter->Increment();
  if (lines > 0) committed_lines_.Increment(static_cast<double>(lines));
}

int64_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  int64_t size = 0, resident = 0;
  statm >> size >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

void SampleProcess(Samples* out) {
  std::ifstream stat("/proc/self/stat");
  std::string text((std::istreambuf_iterator<char>(stat)), std::istreambuf_iterator<char>());
  // The name of the program may have spaces; it ends with the last parenthesis.
  const size_t end = text.rfind(')');
  if (end == std::string::npos) return;
  const std::vector<std::string> fields =
      absl::StrSplit(absl::string_view(text).substr(end + 1), ' ', absl::SkipEmpty());
  // Field 3 of proc(5) is fields[0].
  auto field = [&](size_t number) -> double {
    double value = 0;
    if (number - 3 < fields.size()) (void)absl::SimpleAtod(fields[number - 3], &value);
    return value;
  };
  const double ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  std::ifstream system("/proc/stat");
  std::string word;
  double boot = 0;
  while (system >> word) {
    if (word != "btime") continue;
    system >> boot;
    break;
  }
  out->Counter("process_cpu_seconds_total", "User and system time.",
               (field(14) + field(15)) / ticks);
  out->Gauge("process_start_time_seconds", "When the process started, Unix time.",
             boot + field(22) / ticks);
  out->Gauge("process_virtual_memory_bytes", "Virtual memory.", field(23));
  out->Gauge("process_resident_memory_bytes", "Resident memory.",
             static_cast<double>(ResidentBytes()));
  int open = 0;
  if (DIR* directory = opendir("/proc/self/fd")) {
    while (readdir(directory) != nullptr) ++open;
    closedir(directory);
    // `.`, `..` and the directory itself.
    open -= 3;
  }
  out->Gauge("process_open_fds", "Open files and sockets.", open);
  struct rlimit limit {};
  getrlimit(RLIMIT_NOFILE, &limit);
  out->Gauge("process_max_fds", "Their limit.", static_cast<double>(limit.rlim_cur));
}

}  // namespace fiscal::services
