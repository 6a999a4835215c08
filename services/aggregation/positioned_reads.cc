#include "services/aggregation/positioned_reads.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "domain/reason.h"
#include "services/wire/text_wire.h"

namespace fiscal::services {
namespace {

using domain::Position;
using domain::Reason;
namespace pb = fiscal::aggregation::v1;

}  // namespace

absl::StatusOr<PositionedReads::Place> PositionedReads::Find(
    const pb::Consistency& consistency) const {
  const Projector& projector = runner_.projector();
  switch (consistency.kind_case()) {
    case pb::Consistency::kAtLeast:
    case pb::Consistency::kExactly: {
      const bool pinned = consistency.kind_case() == pb::Consistency::kExactly;
      FISCAL_ASSIGN_OR_RETURN(
          const Position asked,
          wire::ParsePosition(pinned ? consistency.exactly() : consistency.at_least()));
      // A copy may only be behind: it waits, as for `at_least`. A page token may come from a
      // replica that was ahead.
      if (pinned && asked > projector.log().head().position && !projector.log().copied()) {
        return domain::Refuse(Reason::kPositionAhead,
                              absl::StrCat("the log ends at ", projector.log().head().position));
      }
      return Place{asked, pinned};
    }
    case pb::Consistency::kAsOf: {
      const auto& time = consistency.as_of();
      if (time.seconds() > 253402300799 || time.seconds() < -62135596800)
        return domain::Refuse(Reason::kPositionInvalid, "as_of is no time of the years 1 to 9999");
      FISCAL_ASSIGN_OR_RETURN(const Position found,
                              projector.log().AsOf(time.seconds() * 1000000 + time.nanos() / 1000));
      return Place{found, true};
    }
    default: {
      const absl::Status stop = projector.stop();
      if (!stop.ok()) return stop;
      return Place{projector.folded(), false};
    }
  }
}

void PositionedReads::AtAll(
    rpc::UnaryCall* call, bool small, const std::vector<const pb::Consistency*>& consistencies,
    google::protobuf::Message* response,
    std::function<absl::Status(const std::vector<Position>&)> answer) const {
  std::vector<Place> places;
  Position last = 0;
  for (const pb::Consistency* consistency : consistencies) {
    absl::StatusOr<Place> place = Find(*consistency);
    if (!place.ok()) return call->Finish(place.status());
    last = std::max(last, place->position);
    places.push_back(*place);
  }
  auto now = [this, response, places = std::move(places),
              answer = std::move(answer)]() -> absl::Status {
    response->Clear();
    const Position folded = runner_.projector().folded();
    std::vector<Position> positions;
    for (const Place& place : places) {
      positions.push_back(folded);
      if (!place.pinned) continue;
      // No read sees a part of what was committed at once.
      FISCAL_ASSIGN_OR_RETURN(positions.back(), runner_.projector().EndOfGroup(place.position));
    }
    return answer(positions);
  };
  if (last <= runner_.projector().folded()) {
    call->Read(std::move(now), small);
    return;
  }
  call->OnLeave([this, work = &call->work()] { runner_.Forget(work); });
  const absl::Time deadline = std::min(call->answer_by(), absl::Now() + absl::Minutes(5));
  runner_.WhenFolded(last, deadline, call->key(), &call->work(),
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
                         std::function<absl::Status(Position)> answer) const {
  AtAll(call, small, {&consistency}, response,
        [answer = std::move(answer)](const std::vector<Position>& at) { return answer(at[0]); });
}

}  // namespace fiscal::services
