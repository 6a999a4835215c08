#include "services/aggregation/positioned_reads.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "domain/reason.h"
#include "services/ledger/moments.h"
#include "services/wire/text_wire.h"

namespace fiscal::services {
namespace {

using domain::Moment;
using domain::Position;
using domain::Reason;
namespace pb = fiscal::aggregation::v1;

}  // namespace

absl::StatusOr<PositionedReads::Place> PositionedReads::Find(const pb::Consistency& consistency,
                                                             absl::string_view field) const {
  const Projector& projector = runner_.projector();
  switch (consistency.kind_case()) {
    case pb::Consistency::kAtLeast:
    case pb::Consistency::kExactly: {
      const bool pinned = consistency.kind_case() == pb::Consistency::kExactly;
      FISCAL_ASSIGN_OR_RETURN(
          const Moment asked,
          wire::ParsePosition(pinned ? consistency.exactly() : consistency.at_least(),
                              absl::StrCat(field, pinned ? ".exactly" : ".at_least")));
      const absl::Status found = CheckMoment(projector.log(), asked);
      // REPLICA_BEHIND: a page token, too, may come from a replica that was ahead.
      const bool ahead = absl::IsUnavailable(found);
      if (!found.ok() && !ahead) return found;
      return Place{asked, pinned, ahead};
    }
    case pb::Consistency::kAsOf: {
      FISCAL_ASSIGN_OR_RETURN(const int64_t time,
                              wire::ToMicros(consistency.as_of(), absl::StrCat(field, ".as_of")));
      FISCAL_ASSIGN_OR_RETURN(const Position found, projector.log().AsOf(time));
      return Place{Moment(found), true};
    }
    default: {
      const absl::Status stop = projector.stop();
      if (!stop.ok()) return stop;
      return Place{Moment(projector.folded()), false};
    }
  }
}

void PositionedReads::AtAll(rpc::UnaryCall* call, bool small,
                            const std::vector<const pb::Consistency*>& consistencies,
                            google::protobuf::Message* response,
                            std::function<absl::Status(const std::vector<Moment>&)> answer) const {
  std::vector<Place> places;
  Moment last;
  for (const pb::Consistency* consistency : consistencies) {
    const char* const field = consistencies.size() == 1 ? "consistency"
                              : places.empty()          ? "left.consistency"
                                                        : "right.consistency";
    absl::StatusOr<Place> place = Find(*consistency, field);
    if (!place.ok()) return call->Finish(place.status());
    last = Moment::Join(last, place->moment);
    places.push_back(*place);
  }
  auto now = [this, response, places = std::move(places),
              answer = std::move(answer)]() -> absl::Status {
    response->Clear();
    const Projector& projector = runner_.projector();
    const Position folded = projector.folded();
    std::vector<Moment> moments;
    for (const Place& place : places) {
      if (place.ahead) FISCAL_RETURN_IF_ERROR(CheckMoment(projector.log(), place.moment));
      Position position = folded;
      // No read sees a part of what was committed at once.
      if (place.pinned) {
        FISCAL_ASSIGN_OR_RETURN(position, projector.EndOfGroup(place.moment.position()));
      }
      FISCAL_ASSIGN_OR_RETURN(moments.emplace_back(), MomentAt(projector.log(), position));
    }
    return answer(moments);
  };
  if (Moment(runner_.projector().folded()).Covers(last)) {
    call->Read(std::move(now), small);
    return;
  }
  call->OnLeave([this, work = &call->work()] { runner_.Forget(work); });
  const absl::Time deadline = std::min(call->answer_by(), absl::Now() + absl::Minutes(5));
  runner_.WhenFolded(last.position(), deadline, call->key(), &call->work(),
                     [call, small, now = std::move(now)](const absl::Status& reached) {
                       if (reached.ok()) {
                         call->Read(now, small, /*waited=*/true);
                       } else {
                         call->Finish(reached);
                       }
                     });
}

void PositionedReads::At(rpc::UnaryCall* call, bool small, const pb::Consistency& consistency,
                         google::protobuf::Message* response,
                         std::function<absl::Status(const Moment&)> answer) const {
  AtAll(call, small, {&consistency}, response,
        [answer = std::move(answer)](const std::vector<Moment>& at) { return answer(at[0]); });
}

}  // namespace fiscal::services
