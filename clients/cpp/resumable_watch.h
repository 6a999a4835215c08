// A watch of totals that goes on by itself when the connection or the server goes away: it resumes
// with the last token, so that its reader sees one unbroken stream.
//
// Read by one thread; Cancel from any.
#ifndef FISCAL_CLIENTS_CPP_RESUMABLE_WATCH_H_
#define FISCAL_CLIENTS_CPP_RESUMABLE_WATCH_H_

#include <memory>

#include "absl/synchronization/mutex.h"
#include "clients/cpp/connection.h"
#include "fiscal/aggregation/v1/aggregation_service.grpc.pb.h"

namespace fiscal::client {

class ResumableWatch {
 public:
  // `request.resume_token` may be of an earlier watch of the same filters.
  ResumableWatch(const Connection& connection, aggregation::v1::WatchTotalsRequest request);
  ~ResumableWatch();

  // Waits for the next message. False when the watch is over: cancelled, or refused for good
  // (status()). While the server can't be reached it tries again, for ever.
  bool Read(aggregation::v1::WatchTotalsResponse* response);
  // Ends Read, now and later.
  void Cancel() ABSL_LOCKS_EXCLUDED(mu_);

  // Why Read returned false; CANCELLED after Cancel.
  const grpc::Status& status() const { return status_; }
  // The number of times it was resumed.
  int64_t resumed() const { return resumed_; }

 private:
  // False when cancelled.
  bool Open() ABSL_LOCKS_EXCLUDED(mu_);

  const Connection& connection_;
  const std::unique_ptr<aggregation::v1::AggregationService::Stub> stub_;
  aggregation::v1::WatchTotalsRequest request_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientReader<aggregation::v1::WatchTotalsResponse>> reader_;
  grpc::Status status_;
  absl::Duration delay_;
  int64_t resumed_ = 0;
  absl::Mutex mu_;
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace fiscal::client

#endif  // FISCAL_CLIENTS_CPP_RESUMABLE_WATCH_H_
