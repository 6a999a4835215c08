#include "clients/cpp/resumable_watch.h"

#include <algorithm>

#include "clients/cpp/error.h"

namespace fiscal::client {
namespace {

constexpr absl::Duration kDelayMin = absl::Milliseconds(20);
constexpr absl::Duration kDelayMax = absl::Seconds(2);

}  // namespace

ResumableWatch::ResumableWatch(const Connection& connection,
                               aggregation::v1::WatchTotalsRequest request)
    : connection_(connection),
      stub_(aggregation::v1::AggregationService::NewStub(connection.channel())),
      request_(std::move(request)),
      delay_(kDelayMin) {}

ResumableWatch::~ResumableWatch() {
  Cancel();
  if (reader_ != nullptr) {
    aggregation::v1::WatchTotalsResponse rest;
    while (reader_->Read(&rest)) continue;
    reader_->Finish();
  }
}

bool ResumableWatch::Open() {
  absl::MutexLock lock(&mu_);
  if (cancelled_) return false;
  context_ = std::make_unique<grpc::ClientContext>();
  connection_.Prepare(context_.get());
  reader_ = stub_->WatchTotals(context_.get(), request_);
  return true;
}

bool ResumableWatch::Read(aggregation::v1::WatchTotalsResponse* response) {
  while (true) {
    if (reader_ == nullptr && !Open()) {
      status_ = grpc::Status::CANCELLED;
      return false;
    }
    if (reader_->Read(response)) {
      request_.set_resume_token(response->resume_token());
      delay_ = kDelayMin;
      return true;
    }
    status_ = reader_->Finish();
    absl::MutexLock lock(&mu_);
    reader_.reset();
    if (cancelled_) {
      status_ = grpc::Status::CANCELLED;
      return false;
    }
    const absl::Duration asked = ToError(status_).retry_after;
    const bool later = asked > absl::ZeroDuration() && !request_.resume_token().empty();
    // A stream that ends well was ended by somebody between us. One that never began is not waited
    // for: whoever has too many watches would never hear of it.
    if (!status_.ok() && !ServerWentAway(status_) && !later) return false;
    ++resumed_;
    // Wakes early when cancelled.
    auto cancelled = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return cancelled_; };
    mu_.AwaitWithTimeout(absl::Condition(&cancelled), asked + delay_);
    delay_ = std::min(delay_ * 2, kDelayMax);
  }
}

void ResumableWatch::Cancel() {
  absl::MutexLock lock(&mu_);
  cancelled_ = true;
  if (context_ != nullptr) context_->TryCancel();
}

}  // namespace fiscal::client
