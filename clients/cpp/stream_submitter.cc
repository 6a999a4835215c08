#include "clients/cpp/stream_submitter.h"

#include <deque>
#include <thread>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "fiscal/submission/v1/submission_service.grpc.pb.h"

namespace fiscal::client {
namespace {

namespace pb = fiscal::submission::v1;

constexpr size_t kFrameBytes = 900 << 10;

// The budget as frames: one, or as many as its size needs.
std::vector<pb::StreamBudgetsRequest> Frames(const pb::SubmitBudgetRequest& budget) {
  std::vector<pb::StreamBudgetsRequest> frames(1);
  if (budget.ByteSizeLong() <= kFrameBytes) {
    *frames[0].mutable_budget() = budget;
    return frames;
  }
  pb::SubmitBudgetRequest* part = frames[0].mutable_budget();
  *part = budget;
  part->clear_line_items();
  part->clear_projects();
  part->clear_removed_line_ids();
  part->clear_removed_project_codes();
  size_t bytes = part->ByteSizeLong();
  auto room = [&](size_t size) {
    if (bytes + size > kFrameBytes) {
      frames.back().set_more(true);
      frames.emplace_back();
      part = frames.back().mutable_budget();
      bytes = 0;
    }
    bytes += size + 8;
  };
  for (const auto& line : budget.line_items()) {
    room(line.ByteSizeLong());
    *part->add_line_items() = line;
  }
  for (const auto& project : budget.projects()) {
    room(project.ByteSizeLong());
    *part->add_projects() = project;
  }
  for (const auto& id : budget.removed_line_ids()) {
    room(id.size());
    part->add_removed_line_ids(id);
  }
  for (const auto& code : budget.removed_project_codes()) {
    room(code.size());
    part->add_removed_project_codes(code);
  }
  return frames;
}

class Submitter {
 public:
  Submitter(const Connection& connection, const StreamCallbacks& callbacks, size_t unanswered_max)
      : connection_(connection), callbacks_(callbacks), unanswered_max_(unanswered_max) {}

  grpc::Status Run() {
    grpc::Status status;
    do {
      progressed_ = false;
      // An answer is worth attempts for as long as before the first; only an attempt that brings
      // none is one of Call's.
      const auto once = [&](grpc::ClientContext* context) {
        status = Once(context);
        if (ServerWentAway(status) && callbacks_.broken) callbacks_.broken(status);
        return progressed_ ? grpc::Status::OK : status;
      };
      (void)connection_.Call(once, /*deadline=*/false);
    } while (ServerWentAway(status) && progressed_);
    return status;
  }

 private:
  grpc::Status Once(grpc::ClientContext* context) {
    const auto stub = pb::SubmissionService::NewStub(connection_.channel());
    auto stream = stub->StreamBudgets(context);
    {
      absl::MutexLock lock(&mu_);
      sent_ = 0;
      broken_ = false;
    }
    std::thread reader([&] {
      pb::StreamBudgetsResponse response;
      while (stream->Read(&response)) {
        int64_t index;
        {
          absl::MutexLock lock(&mu_);
          if (unanswered_.empty()) break;
          unanswered_.pop_front();
          --sent_;
          index = answered_++;
          progressed_ = true;
        }
        response.set_index(index);
        callbacks_.answered(index, response);
      }
      absl::MutexLock lock(&mu_);
      broken_ = true;
    });
    while (true) {
      pb::SubmitBudgetRequest budget;
      {
        absl::MutexLock lock(&mu_);
        auto room = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
          return broken_ || sent_ < unanswered_.size() || unanswered_.size() < unanswered_max_;
        };
        mu_.Await(absl::Condition(&room));
        if (broken_) break;
        if (sent_ == unanswered_.size()) {
          if (ended_) break;
          std::optional<pb::SubmitBudgetRequest> next;
          mu_.Unlock();
          next = callbacks_.next();
          mu_.Lock();
          if (!next.has_value()) {
            ended_ = true;
            if (sent_ == unanswered_.size()) break;
            continue;
          }
          unanswered_.push_back(*std::move(next));
        }
        budget = unanswered_[sent_];
        ++sent_;
      }
      bool written = true;
      for (const pb::StreamBudgetsRequest& frame : Frames(budget))
        written = written && stream->Write(frame);
      if (!written) break;
    }
    stream->WritesDone();
    reader.join();
    const grpc::Status status = stream->Finish();
    absl::MutexLock lock(&mu_);
    if (status.ok() && (!ended_ || !unanswered_.empty())) {
      return grpc::Status(grpc::StatusCode::UNAVAILABLE,
                          "the stream ended before everything was answered");
    }
    return status;
  }

  const Connection& connection_;
  const StreamCallbacks& callbacks_;
  const size_t unanswered_max_;
  absl::Mutex mu_;
  std::deque<pb::SubmitBudgetRequest> unanswered_ ABSL_GUARDED_BY(mu_);
  // Of unanswered_, how many were sent on this stream.
  size_t sent_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t answered_ ABSL_GUARDED_BY(mu_) = 0;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
  bool broken_ ABSL_GUARDED_BY(mu_) = false;
  bool progressed_ = false;
};

}  // namespace

grpc::Status SubmitStream(const Connection& connection, const StreamCallbacks& callbacks,
                          size_t unanswered_max) {
  return Submitter(connection, callbacks, unanswered_max).Run();
}

}  // namespace fiscal::client
