// Watchers by the thousand and the changes they hear of, for the benchmark and the soak.
#ifndef FISCAL_TESTS_BENCH_WATCHING_H_
#define FISCAL_TESTS_BENCH_WATCHING_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "fiscal/aggregation/v1/aggregation_service.grpc.pb.h"
#include "fiscal/submission/v1/submission_service.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "tests/bench/province.h"

namespace fiscal::bench {

// What one watcher looks at: a division with all below it, or a department of its own level.
struct Place {
  std::string division, department;
  bool Covers(const Province::Agency& agency) const;
};

// All divisions, the province first, then departments from all over it.
std::vector<Place> PlacesOf(const Province& province, size_t count);
// By agency, the places that cover it.
std::vector<std::vector<uint32_t>> CoveredBy(const Province& province,
                                             const std::vector<Place>& places);

// Expenditure requested in the first year, by functional code, three levels.
aggregation::v1::WatchTotalsRequest WatchOf(const Place& place);
aggregation::v1::ListTotalsRequest ListOf(const Place& place);

// A connection of its own. With a fixed window, streams that are not read are sent 64 KB and no
// more.
std::shared_ptr<grpc::Channel> ConnectTo(int port, bool fixed_window = false);

// One watch, read on gRPC's threads.
class WatchClient final : public grpc::ClientReadReactor<aggregation::v1::WatchTotalsResponse> {
 public:
  // Sees every message, one at a time. Once it says false nothing is read until ReadOn.
  using Heard = std::function<bool(const aggregation::v1::WatchTotalsResponse&)>;

  WatchClient(const std::shared_ptr<grpc::Channel>& channel,
              aggregation::v1::WatchTotalsRequest request, Heard heard);
  // Ends the watch and waits for its end.
  ~WatchClient() override;

  void ReadOn() ABSL_LOCKS_EXCLUDED(mu_);

  void OnReadDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;

 private:
  const std::unique_ptr<aggregation::v1::AggregationService::Stub> stub_;
  const aggregation::v1::WatchTotalsRequest request_;
  const Heard heard_;
  grpc::ClientContext context_;
  aggregation::v1::WatchTotalsResponse response_;
  absl::Mutex mu_;
  bool paused_ ABSL_GUARDED_BY(mu_) = false;
  bool closing_ ABSL_GUARDED_BY(mu_) = false;
  bool done_ ABSL_GUARDED_BY(mu_) = false;
};

struct Change {
  size_t agency = 0;
  uint64_t position = 0;
  absl::Time submitted, received;
};

// Submits what `make` fills in, `rate` times a second whatever the answers take, with at most 1,024
// on the way; `make` returns the agency. Returns when all are answered; exits when one is refused.
// `answered` is called on gRPC's threads.
void SubmitPaced(int port, double rate, size_t count,
                 const std::function<size_t(size_t, submission::v1::SubmitBudgetRequest*)>& make,
                 const std::function<void(const Change&)>& answered);

}  // namespace fiscal::bench

#endif  // FISCAL_TESTS_BENCH_WATCHING_H_
