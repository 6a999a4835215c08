// One call that streams the log from a place on and then waits for more: EventLogService.Read and
// FederationService.ReadPostings. It has no thread: the feed (log_feed.h) lets it step, a page at a
// time.
#ifndef FISCAL_SERVICES_LOG_LOG_STREAM_H_
#define FISCAL_SERVICES_LOG_LOG_STREAM_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "domain/reason.h"
#include "grpcpp/support/server_callback.h"
#include "services/ledger/moments.h"
#include "services/log/log_feed.h"
#include "services/rpc/call.h"
#include "services/rpc/status.h"
#include "services/wire/text_wire.h"
#include "storage/event_log.h"

namespace fiscal::services {

// Response has head_position and log_id.
template <typename Response>
class LogStream final : public grpc::ServerWriteReactor<Response>, private LogFeed::Stream {
 public:
  using Reactor = grpc::ServerWriteReactor<Response>;
  // Adds a record to the response. Returns its size, or an error that ends the stream. Sets `more`
  // when the response can't end here.
  using Append =
      std::function<absl::StatusOr<size_t>(const storage::LogEntry&, Response*, bool* more)>;

  // REQUIRES: `feed` outlives it.
  LogStream(std::unique_ptr<rpc::Call> call, LogFeed& feed, domain::Position after, bool until_head,
            Append append)
      : call_(std::move(call)), feed_(feed), until_head_(until_head), append_(std::move(append)) {
    after_ = after;
    call_->OnRefused([this](const absl::Status& status) {
      {
        absl::MutexLock lock(&mu_);
        refused_ = status;
      }
      feed_.Wake(this);
    });
    feed_.Wake(this);
  }

  // The position of a reader that has `chain_hash` (optional) at `position` (empty: before all).
  // As CheckMoment refuses; with a hash, which says more than a bound position does,
  // HISTORY_DIFFERS, and what is past the head is POSITION_AHEAD, at a copy REPLICA_BEHIND.
  static absl::StatusOr<domain::Position> Start(const storage::EventLog& log,
                                                const std::string& position,
                                                const std::string& chain_hash) {
    if (position.empty()) return domain::Position{};
    FISCAL_ASSIGN_OR_RETURN(const domain::Moment asked,
                            wire::ParsePosition(position, "after_position"));
    const domain::Position after = asked.position();
    FISCAL_RETURN_IF_ERROR(CheckMoment(log, chain_hash.empty() ? asked : domain::Moment(after)));
    if (chain_hash.empty() || after.zero()) return after;
    FISCAL_ASSIGN_OR_RETURN(const Digest chain, log.ChainAt(after));
    if (BytesOf(chain) != absl::string_view(chain_hash)) {
      return domain::Refuse(domain::Reason::kHistoryDiffers,
                            absl::StrCat("the hash at ", after.value(), " is another one here"));
    }
    return after;
  }

  void OnWriteDone(bool ok) override {
    {
      absl::MutexLock lock(&mu_);
      // The page that was written is not kept until the next one is read.
      Response().Swap(&response_);
      writing_ = false;
      if (!ok) cancelled_ = true;
    }
    feed_.GiveBack(this);
    feed_.Wake(this);
  }
  void OnCancel() override {
    {
      absl::MutexLock lock(&mu_);
      cancelled_ = true;
    }
    feed_.Wake(this);
  }
  void OnDone() override {
    // Nobody tells it anything while it goes.
    call_->Detach();
    delete this;
  }

 private:
  static constexpr int kRecordsMax = 256;

  LogFeed::Next Step() override {
    bool cancelled = false;
    absl::Status refused;
    {
      absl::MutexLock lock(&mu_);
      // Woken for another reason than the page that is on its way.
      if (writing_) return LogFeed::Next::kWritten;
      cancelled = cancelled_;
      refused = refused_;
    }
    // Not under the lock: the stream may be gone before it would be let go.
    if (cancelled || !refused.ok()) return End(refused);
    const storage::EventLog::Head head = feed_.log().head();
    const absl::Time now = absl::Now();
    Response response;
    absl::StatusOr<Page> page = NextPage(head.position, &response);
    if (!page.ok()) return End(page.status());
    if (page->records == 0 && !first_ && now < life_due_) {
      if (until_head_) return End(absl::OkStatus());
      if (feed_.log().stopped())
        return End(domain::Refuse(domain::Reason::kDraining, "the service is stopping"));
      return LogFeed::Next::kCommit;
    }
    if (!feed_.Take(this, page->bytes)) return LogFeed::Next::kRoom;
    response.set_head_position(MomentOf(feed_.log(), head).Text());
    response.set_log_id(absl::BytesToHexString(feed_.log().log_id()));
    after_ = after_ + page->records;
    first_ = false;
    life_due_ = now + kSignOfLife;
    absl::MutexLock lock(&mu_);
    writing_ = true;
    response_.Swap(&response);
    this->StartWrite(&response_);
    return LogFeed::Next::kWritten;
  }

  void CutOff() override { call_->CutOff(); }

  struct Page {
    size_t bytes = 0;
    uint64_t records = 0;
  };

  // The records after `after_`, as many as a page has; those committed at once are not cut apart.
  absl::StatusOr<Page> NextPage(domain::Position head, Response* response) const {
    const size_t bytes_max = feed_.PageBytes();
    Page page;
    bool more = false;
    for (domain::Position last = after_;
         last < head && (more || (page.bytes < bytes_max && page.records < kRecordsMax));) {
      more = false;
      FISCAL_ASSIGN_OR_RETURN(const storage::LogEntry entry, feed_.log().Read(++last));
      FISCAL_ASSIGN_OR_RETURN(const size_t size, append_(entry, response, &more));
      page.bytes += size;
      ++page.records;
    }
    return page;
  }

  LogFeed::Next End(const absl::Status& status) {
    feed_.Leave(this);
    this->Finish(rpc::ToGrpc(status));
    return LogFeed::Next::kEnded;
  }

  static constexpr absl::Duration kSignOfLife = absl::Seconds(10);

  const std::unique_ptr<rpc::Call> call_;
  LogFeed& feed_;
  const bool until_head_;
  const Append append_;
  // Only Step uses these.
  bool first_ = true;
  absl::Time life_due_ = absl::InfinitePast();
  absl::Mutex mu_;
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
  // Why the caller may not read on.
  absl::Status refused_ ABSL_GUARDED_BY(mu_);
  Response response_;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LOG_LOG_STREAM_H_
