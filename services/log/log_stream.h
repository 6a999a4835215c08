// One call that streams the log from a place on and then waits for more: EventLogService.Read and
// FederationService.ReadPostings. A thread of its own waits for the log, so that a slow or idle reader holds up
// nobody.
#ifndef FISCAL_SERVICES_LOG_LOG_STREAM_H_
#define FISCAL_SERVICES_LOG_LOG_STREAM_H_

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "domain/reason.h"
#include "grpcpp/support/server_callback.h"
#include "services/log/past_head.h"
#include "services/rpc/call.h"
#include "services/rpc/status.h"
#include "services/wire/text_wire.h"
#include "storage/event_log.h"

namespace fiscal::services {

// A call that ends at once with an error.
template <typename Response>
class RefusedStream final : public grpc::ServerWriteReactor<Response> {
 public:
  explicit RefusedStream(const absl::Status& status) { this->Finish(rpc::ToGrpc(status)); }
  void OnDone() override { delete this; }
};

// Response has head_position and log_id.
template <typename Response>
class LogStream final : public grpc::ServerWriteReactor<Response> {
 public:
  // Adds a record to the response; its size, or an error that ends the stream. `more` is set when the response
  // can't end here.
  using Append =
      std::function<absl::StatusOr<size_t>(const storage::LogEntry&, Response*, bool* more)>;

  LogStream(std::shared_ptr<rpc::OpenCall> open, const storage::EventLog& log,
            domain::Position after, bool until_head, Append append)
      : open_(std::move(open)),
        log_(log),
        after_(after),
        until_head_(until_head),
        append_(std::move(append)) {
    thread_ = std::thread([this] { Run(); });
  }
  ~LogStream() override { thread_.join(); }

  // Where a reader stands that has `chain_hash` (optional) at `position` (empty: before all).
  // POSITION_AHEAD, of a copy REPLICA_BEHIND; HISTORY_DIFFERS.
  static absl::StatusOr<domain::Position> Start(const storage::EventLog& log,
                                                const std::string& position,
                                                const std::string& chain_hash) {
    if (position.empty()) return domain::Position{0};
    FISCAL_ASSIGN_OR_RETURN(const domain::Position after, wire::ParsePosition(position));
    const domain::Position head = log.head().position;
    if (after > head) {
      return PastHead(log, absl::StrCat("the log ends at ", head, ", before ", after));
    }
    if (chain_hash.empty() || after == 0) return after;
    FISCAL_ASSIGN_OR_RETURN(const Digest chain, log.ChainAt(after));
    if (BytesOf(chain) != absl::string_view(chain_hash)) {
      return domain::Refuse(domain::Reason::kHistoryDiffers,
                            absl::StrCat("the hash at ", after, " is another one here"));
    }
    return after;
  }

  void OnWriteDone(bool ok) override {
    absl::MutexLock lock(&mu_);
    writing_ = false;
    if (!ok) cancelled_ = true;
  }
  void OnCancel() override {
    absl::MutexLock lock(&mu_);
    cancelled_ = true;
  }
  // The thread calls Finish last and ends.
  void OnDone() override { delete this; }

 private:
  static constexpr size_t kBytesMax = 1 << 20;
  static constexpr int kRecordsMax = 256;
  static constexpr absl::Duration kSignOfLife = absl::Seconds(10);

  bool Cancelled() {
    absl::MutexLock lock(&mu_);
    return cancelled_;
  }

  void Run() {
    absl::Status status;
    bool first = true;
    while (!Cancelled()) {
      Response response;
      const domain::Position head = log_.head().position;
      size_t bytes = 0;
      bool more = false;
      int records = 0;
      while (after_ < head && (more || (bytes < kBytesMax && records < kRecordsMax))) {
        more = false;
        absl::StatusOr<storage::LogEntry> entry = log_.Read(after_ + 1);
        absl::StatusOr<size_t> size =
            entry.ok() ? append_(*entry, &response, &more) : entry.status();
        if (!size.ok()) {
          status = size.status();
          break;
        }
        bytes += *size;
        ++records;
        ++after_;
      }
      if (!status.ok()) break;
      response.set_head_position(wire::FormatPosition(head));
      response.set_log_id(absl::BytesToHexString(log_.log_id()));
      // A quiet log says now and then that it is there.
      if (records > 0 || first || absl::Now() - said_ > kSignOfLife) {
        first = false;
        said_ = absl::Now();
        absl::MutexLock lock(&mu_);
        writing_ = true;
        response_.Swap(&response);
        this->StartWrite(&response_);
        auto written = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return !writing_; };
        mu_.Await(absl::Condition(&written));
        continue;
      }
      if (until_head_) break;
      if (log_.stopped()) {
        status = domain::Refuse(domain::Reason::kDraining, "the service is stopping");
        break;
      }
      // Wakes at every commit, and now and then to see whether the caller is still there.
      log_.WaitPast(after_, absl::Now() + absl::Milliseconds(200));
    }
    this->Finish(rpc::ToGrpc(status));
  }

  const std::shared_ptr<rpc::OpenCall> open_;
  const storage::EventLog& log_;
  domain::Position after_;
  const bool until_head_;
  const Append append_;
  absl::Time said_ = absl::InfinitePast();
  absl::Mutex mu_;
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
  Response response_;
  std::thread thread_;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LOG_LOG_STREAM_H_
