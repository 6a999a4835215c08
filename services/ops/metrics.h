// The process's metrics for Prometheus. docs/metrics.md has every name; a test compares.
//
//   where it happens --(Counter, Histogram)--> Metrics --(Scrape)--> admin_pages.h
//   where it is known --(a Sampler, asked at each scrape)--^
//
// Labels are few and known beforehand: an rpc, a code, a reason. A caller, or what was sent, is
// never one. Thread-safe.
#ifndef FISCAL_SERVICES_OPS_METRICS_H_
#define FISCAL_SERVICES_OPS_METRICS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "prometheus/counter.h"
#include "prometheus/family.h"
#include "prometheus/histogram.h"
#include "prometheus/metric_family.h"
#include "prometheus/registry.h"

namespace fiscal::services {

// Gauges and counters that a sampler fills at a scrape.
class Samples {
 public:
  using Labels = std::vector<std::pair<std::string, std::string>>;
  void Gauge(const std::string& name, const std::string& help, double value, Labels labels = {});
  void Counter(const std::string& name, const std::string& help, double value, Labels labels = {});

 private:
  friend class Metrics;
  void Add(prometheus::MetricType type, const std::string& name, const std::string& help,
           double value, Labels labels);
  std::map<std::string, prometheus::MetricFamily> families_;
};

class Metrics {
 public:
  Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // Everything as text, in the order of names.
  std::string Scrape() const ABSL_LOCKS_EXCLUDED(mu_);
  // The content type of it.
  static absl::string_view ContentType();

  using Sampler = std::function<void(Samples*)>;
  // `sampler` is asked at each scrape until SetSampler(nullptr), which waits for one that is
  // running.
  void SetSampler(Sampler sampler) ABSL_LOCKS_EXCLUDED(mu_);

  // Counts a refusal, by the reason of docs/errors.md.
  void CountRefusal(absl::string_view reason);
  // Counts the committer's decision about one request, and its lines when it became an event.
  // `kind` and `result` are literals.
  void CountSubmission(absl::string_view kind, absl::string_view result, size_t lines);

  prometheus::Family<prometheus::Counter>& rpc_started() { return rpc_started_; }
  prometheus::Family<prometheus::Counter>& rpc_completed() { return rpc_completed_; }
  prometheus::Family<prometheus::Histogram>& rpc_duration() { return rpc_duration_; }
  static const prometheus::Histogram::BucketBoundaries& DurationBuckets();

  prometheus::Histogram& commit_group_requests() { return commit_group_requests_; }
  prometheus::Histogram& commit_duration() { return commit_duration_; }
  prometheus::Histogram& log_sync_duration() { return log_sync_duration_; }

 private:
  prometheus::Registry registry_;
  prometheus::Family<prometheus::Counter>& rpc_started_;
  prometheus::Family<prometheus::Counter>& rpc_completed_;
  prometheus::Family<prometheus::Histogram>& rpc_duration_;
  prometheus::Family<prometheus::Counter>& refusals_;
  prometheus::Family<prometheus::Counter>& submissions_;
  // By kind and result. Finding one in its family costs more than a line of a budget.
  absl::Mutex submissions_mu_;
  absl::flat_hash_map<std::pair<absl::string_view, absl::string_view>, prometheus::Counter*>
      submission_counters_ ABSL_GUARDED_BY(submissions_mu_);
  prometheus::Counter& committed_lines_;
  prometheus::Histogram& commit_group_requests_;
  prometheus::Histogram& commit_duration_;
  prometheus::Histogram& log_sync_duration_;
  mutable absl::Mutex mu_;
  Sampler sampler_ ABSL_GUARDED_BY(mu_);
};

// Samples of this process, from /proc.
void SampleProcess(Samples* out);
int64_t ResidentBytes();

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_OPS_METRICS_H_
