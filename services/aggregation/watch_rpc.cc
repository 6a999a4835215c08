#include "services/aggregation/watch_rpc.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "domain/moment.h"
#include "domain/reason.h"
#include "services/ledger/moments.h"
#include "services/rpc/service.h"
#include "services/rpc/status.h"
#include "services/wire/text_wire.h"
#include "services/wire/totals_wire.h"

namespace fiscal::services {
namespace {

namespace pb = fiscal::aggregation::v1;
using domain::Reason;
using Reactor = grpc::ServerWriteReactor<pb::WatchTotalsResponse>;

static_assert(static_cast<int>(WatchEvent::kFellBehind) == pb::WATCH_EVENT_FELL_BEHIND &&
              pb::WatchEvent_MAX == 5);

constexpr int kFiltersMax = 100;
// Reading the rows once: all lines of a province of 10 million, some 10 seconds.
constexpr uint64_t kWatchCostMax = 50000000;
// Rows of a message whose memory serves the next one.
constexpr int kRowsKept = 8;

// The question of a watch, read on the call's thread before the hub gets it.
struct WatchQuestion {
  Watch::Options options;
  Digest watched{};
  absl::Duration progress_interval = absl::Seconds(10);
};

absl::StatusOr<WatchQuestion> ToQuestion(const pb::WatchTotalsRequest& request,
                                         const rpc::Call& call, const storage::EventLog& log) {
  WatchQuestion q;
  if (request.filters_size() < 1 || request.filters_size() > kFiltersMax) {
    return domain::Refuse(
        {{Reason::kQueryInvalid, "filters", "", absl::StrCat("1 to ", kFiltersMax, " filters")}});
  }
  std::string filters;
  for (int i = 0; i < request.filters_size(); ++i) {
    const std::string path = absl::StrCat("filters[", i, "]");
    WatchedTotals totals;
    FISCAL_ASSIGN_OR_RETURN(totals.filter,
                            wire::ToFilter(request.filters(i).filter(), path + ".filter"));
    FISCAL_ASSIGN_OR_RETURN(totals.group_by,
                            wire::ToGroupBy(request.filters(i).group_by(), 0, path + ".group_by"));
    q.options.totals.push_back(std::move(totals));
    // Messages without maps: the same filters have the same bytes.
    absl::StrAppend(&filters, request.filters(i).ByteSizeLong(), ":",
                    request.filters(i).SerializeAsString());
  }
  q.watched = Sha256({filters});
  q.options.cost_max = kWatchCostMax;
  if (!pb::WatchMode_IsValid(request.mode()))
    return domain::Refuse({{Reason::kEnumUnknown, "mode", "", "no such mode"}});
  q.options.conflated = request.mode() == pb::WATCH_MODE_CONFLATED;
  if (request.has_progress_interval()) {
    const auto& interval = request.progress_interval();
    if (interval.seconds() < 1 || interval.seconds() > 60 || interval.nanos() < 0 ||
        (interval.seconds() == 60 && interval.nanos() > 0)) {
      return domain::Refuse({{Reason::kQueryInvalid, "progress_interval", "", "1 s to 60 s"}});
    }
    q.progress_interval = absl::Seconds(interval.seconds()) + absl::Nanoseconds(interval.nanos());
  }
  if (!request.resume_token().empty()) {
    FISCAL_ASSIGN_OR_RETURN(const std::string place,
                            call.ReadResumeToken(BytesOf(q.watched), request.resume_token()));
    FISCAL_ASSIGN_OR_RETURN(const domain::Moment moment,
                            wire::ParsePosition(place, "resume_token"));
    FISCAL_RETURN_IF_ERROR(CheckMoment(log, moment));
    q.options.resume = moment.position();
  }
  return q;
}

class WatchStream final : public Reactor, public Watcher {
 public:
  WatchStream(WatchQuestion question, bool previous, std::unique_ptr<rpc::Call> call, WatchHub& hub,
              const Projector& projector, const TotalsReader& reader)
      : Watcher(call->key(),
                std::make_unique<Watch>(projector, reader, std::move(question.options)),
                question.progress_interval),
        call_(std::move(call)),
        hub_(hub),
        log_(projector.log()),
        watched_(question.watched),
        previous_(previous) {}

  // The call keeps it until OnDone.
  void Keep(std::shared_ptr<WatchStream> self) { self_ = std::move(self); }
  // From now on the hub ends it when its caller may not have it any more.
  void MindRights() {
    call_->OnRefused([this](const absl::Status& status) { hub_.End(this, status); });
  }

  void Send(const WatchMessage& message) override {
    response_.Clear();
    response_.set_event(static_cast<pb::WatchEvent>(message.event));
    const absl::StatusOr<Digest> chain = log_.ChainAt(message.position);
    if (!chain.ok()) {
      // Without its place in the log nothing can be told that could be resumed.
      hub_.Sent(this, /*ok=*/false);
      return;
    }
    const std::string position = domain::Moment(message.position, log_.log_id(), *chain).Text();
    response_.set_position(position);
    response_.set_resume_token(call_->MakeToken(BytesOf(watched_), position));
    for (const WatchMessage::Change& change : message.changes) {
      pb::TotalChange* out = response_.add_changes();
      out->set_filter_index(change.filter);
      // Amounts fit: Watch::Next looked at them.
      wire::ToProto(change.row.after, "", out->mutable_total()).IgnoreError();
      wire::ToProto(change.row.group, out->mutable_total()->mutable_group());
      if (previous_ && message.event == WatchEvent::kChange)
        out->set_previous_amount_fen(static_cast<int64_t>(change.row.before.amount_fen));
    }
    StartWrite(&response_);
  }
  void End(const absl::Status& status) override {
    // A caller that went away is nobody's error.
    Finish(absl::IsCancelled(status) ? grpc::Status::CANCELLED : rpc::ToGrpc(status));
  }

  void OnWriteDone(bool ok) override {
    // Cleared rows would stay allocated for as long as the call; most changes are of few.
    if (response_.changes_size() > kRowsKept) response_ = pb::WatchTotalsResponse();
    hub_.Sent(this, ok);
  }
  void OnCancel() override { hub_.Cancel(this); }
  void OnDone() override {
    call_->Detach();
    // The hub's copy may outlive the call by the step that ends it.
    const std::shared_ptr<WatchStream> self = std::move(self_);
  }

 private:
  // Counts for as long as the hub has the watcher.
  const std::unique_ptr<rpc::Call> call_;
  WatchHub& hub_;
  const storage::EventLog& log_;
  const Digest watched_;
  const bool previous_;
  pb::WatchTotalsResponse response_;
  std::shared_ptr<WatchStream> self_;
};

}  // namespace

Reactor* StartWatch(const pb::WatchTotalsRequest& request, std::unique_ptr<rpc::Call> call,
                    WatchHub& hub, const Projector& projector, const TotalsReader& reader) {
  absl::StatusOr<WatchQuestion> question = ToQuestion(request, *call, projector.log());
  if (!question.ok()) return new rpc::RefusedStream<Reactor>(question.status());
  auto stream = std::make_shared<WatchStream>(*std::move(question), request.previous_amounts(),
                                              std::move(call), hub, projector, reader);
  WatchStream* reactor = stream.get();
  reactor->Keep(stream);
  reactor->MindRights();
  const absl::Status added = hub.Add(std::move(stream));
  if (!added.ok()) reactor->End(added);
  return reactor;
}

}  // namespace fiscal::services
