#include "services/aggregation/aggregation_rpc.h"

#include <functional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "domain/reason.h"
#include "fiscal/aggregation/v1/aggregation_service.grpc.pb.h"
#include "services/aggregation/watch_rpc.h"
#include "services/rpc/status.h"
#include "services/wire/text_wire.h"
#include "services/wire/totals_wire.h"

namespace fiscal::services {
namespace {

using domain::Position;
using domain::Reason;
using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;
namespace pb = fiscal::aggregation::v1;

class AggregationRpc final : public pb::AggregationService::CallbackService {
 public:
  AggregationRpc(Runner& runner, const TotalsReader& reader, WatchHub& hub)
      : runner_(runner), reader_(reader), hub_(hub) {}

  ServerUnaryReactor* GetTotal(CallbackServerContext* context, const pb::GetTotalRequest* request,
                               pb::GetTotalResponse* response) override {
    return At(context, request->consistency(), [this, request, response](Position position) {
      absl::StatusOr<TotalFilter> filter = wire::ToFilter(request->filter(), "filter");
      if (!filter.ok()) return filter.status();
      absl::StatusOr<domain::CellValue> value = reader_.Get(*filter, position);
      if (!value.ok()) return value.status();
      wire::ToProto(*value, response->mutable_total());
      response->set_position(wire::FormatPosition(position));
      return absl::OkStatus();
    });
  }

  ServerUnaryReactor* BatchGetTotals(CallbackServerContext* context,
                                     const pb::BatchGetTotalsRequest* request,
                                     pb::BatchGetTotalsResponse* response) override {
    return At(
        context, request->consistency(),
        [this, request, response](Position position) -> absl::Status {
          if (request->filters_size() < 1 || request->filters_size() > 1000) {
            return domain::Refuse({{Reason::kQueryInvalid, "filters", "", "1 to 1,000 filters"}});
          }
          for (int i = 0; i < request->filters_size(); ++i) {
            absl::StatusOr<TotalFilter> filter =
                wire::ToFilter(request->filters(i), absl::StrCat("filters[", i, "]"));
            if (!filter.ok()) return filter.status();
            absl::StatusOr<domain::CellValue> value = reader_.Get(*filter, position);
            if (!value.ok()) return value.status();
            wire::ToProto(*value, response->add_totals());
          }
          response->set_position(wire::FormatPosition(position));
          return absl::OkStatus();
        });
  }

  ServerUnaryReactor* ListTotals(CallbackServerContext* context,
                                 const pb::ListTotalsRequest* request,
                                 pb::ListTotalsResponse* response) override {
    pb::ListTotalsRequest question = *request;
    question.clear_page_token();
    question.clear_page_size();
    question.clear_consistency();
    const std::string bound = question.SerializeAsString();
    pb::Consistency consistency = request->consistency();
    size_t skip = 0;
    if (!request->page_token().empty()) {
      const absl::StatusOr<std::string> place = wire::ReadPageToken(bound, request->page_token());
      if (!place.ok()) return Finish(context->DefaultReactor(), place.status());
      const size_t split = place->find(' ');
      if (split == std::string::npos || !absl::SimpleAtoi(place->substr(split + 1), &skip)) {
        return Finish(context->DefaultReactor(),
                      domain::Refuse(Reason::kPageTokenInvalid, "the page token is malformed"));
      }
      if (split == 0) {
        consistency.set_latest(true);
      } else {
        consistency.set_exactly(place->substr(0, split));
      }
    }
    return At(context, consistency,
              [this, request, response, bound, skip](Position position) -> absl::Status {
                absl::StatusOr<TotalFilter> filter = wire::ToFilter(request->filter(), "filter");
                if (!filter.ok()) return filter.status();
                absl::StatusOr<std::vector<GroupBy>> group_by =
                    wire::ToGroupBy(request->group_by(), 1, "group_by");
                if (!group_by.ok()) return group_by.status();
                absl::StatusOr<size_t> limit = wire::PageSize(request->page_size(), 1000, 10000);
                if (!limit.ok()) return limit.status();
                if (!pb::Order_IsValid(request->order())) {
                  return domain::Refuse({{Reason::kEnumUnknown, "order", "", "no such order"}});
                }
                absl::StatusOr<TotalList> list = reader_.List(
                    *filter, *group_by, static_cast<Order>(request->order()), position);
                if (!list.ok()) return list.status();
                const size_t end = std::min(list->rows.size(), skip + *limit);
                for (size_t i = skip; i < end; ++i)
                  wire::ToProto(list->rows[i], response->add_totals());
                wire::ToProto(list->grand_total, response->mutable_grand_total());
                response->set_position(wire::FormatPosition(position));
                if (end < list->rows.size()) {
                  response->set_next_page_token(wire::MakePageToken(
                      bound, absl::StrCat(wire::FormatPosition(position), " ", end)));
                }
                return absl::OkStatus();
              });
  }

  grpc::ServerWriteReactor<pb::WatchTotalsResponse>* WatchTotals(
      CallbackServerContext*, const pb::WatchTotalsRequest* request) override {
    return StartWatch(*request, hub_, runner_.projector(), reader_);
  }

 private:
  static ServerUnaryReactor* Finish(ServerUnaryReactor* reactor, const absl::Status& status) {
    reactor->Finish(rpc::ToGrpc(status));
    return reactor;
  }

  // Finds the position a read is about, waits for it if need be, and answers.
  ServerUnaryReactor* At(CallbackServerContext* context, const pb::Consistency& consistency,
                         std::function<absl::Status(Position)> answer) {
    ServerUnaryReactor* reactor = context->DefaultReactor();
    const Projector& projector = runner_.projector();
    Position position = projector.folded();
    const absl::Time deadline =
        std::min(absl::FromChrono(context->deadline()), absl::Now() + absl::Minutes(5));
    bool pinned = true;
    switch (consistency.kind_case()) {
      case pb::Consistency::kAtLeast:
      case pb::Consistency::kExactly: {
        pinned = consistency.kind_case() == pb::Consistency::kExactly;
        const absl::StatusOr<Position> asked =
            wire::ParsePosition(pinned ? consistency.exactly() : consistency.at_least());
        if (!asked.ok()) return Finish(reactor, asked.status());
        if (pinned && *asked > projector.log().head().position) {
          return Finish(reactor, domain::Refuse(Reason::kPositionAhead,
                                                absl::StrCat("the log ends at ",
                                                             projector.log().head().position)));
        }
        position = *asked;
        break;
      }
      case pb::Consistency::kAsOf: {
        const int64_t micros =
            consistency.as_of().seconds() > 253402300799 ||
                    consistency.as_of().seconds() < -62135596800
                ? -1
                : consistency.as_of().seconds() * 1000000 + consistency.as_of().nanos() / 1000;
        if (micros == -1)
          return Finish(reactor, domain::Refuse(Reason::kPositionInvalid,
                                                "as_of is no time of the years 1 to 9999"));
        const absl::StatusOr<Position> found = projector.log().AsOf(micros);
        if (!found.ok()) return Finish(reactor, found.status());
        position = *found;
        break;
      }
      default:
        pinned = false;
    }
    if (position <= projector.folded()) {
      if (!pinned) position = projector.folded();
      return Finish(reactor, answer(position));
    }
    runner_.WhenFolded(
        position, deadline,
        [this, reactor, position, pinned, answer = std::move(answer)](bool reached) {
          if (!reached) {
            Finish(reactor,
                   domain::Refuse(Reason::kPositionTimeout,
                                  absl::StrCat("position ", position, " was not reached in time")));
            return;
          }
          Finish(reactor, answer(pinned ? position : runner_.projector().folded()));
        });
    return reactor;
  }

  Runner& runner_;
  const TotalsReader& reader_;
  WatchHub& hub_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeAggregationService(Runner& runner, const TotalsReader& reader,
                                                      WatchHub& hub) {
  return std::make_unique<AggregationRpc>(runner, reader, hub);
}

}  // namespace fiscal::services
