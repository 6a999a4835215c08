#include "services/aggregation/aggregation_rpc.h"

#include <algorithm>
#include <functional>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "domain/reason.h"
#include "fiscal/aggregation/v1/aggregation_service.pb.h"
#include "services/aggregation/positioned_reads.h"
#include "services/aggregation/watch_rpc.h"
#include "services/ledger/answer/consolidated.h"
#include "services/ledger/answer/explain.h"
#include "services/ledger/answer/plan.h"
#include "services/ledger/answer/statuses.h"
#include "services/rpc/service.h"
#include "services/wire/explain_wire.h"
#include "services/wire/page.h"
#include "services/wire/text_wire.h"
#include "services/wire/totals_wire.h"

namespace fiscal::services {
namespace {

using domain::AgencyCoverage;
using domain::Dimension;
using domain::GroupBy;
using domain::Moment;
using domain::Position;
using domain::Reason;
using domain::RowChange;
using domain::TotalFilter;
using domain::TotalList;
namespace pb = fiscal::aggregation::v1;

constexpr int kBatchFiltersMax = 1000;
// Of a batch in which each is small.
constexpr int kSmallFiltersMax = 32;

class AggregationRpc final : public rpc::Service {
 public:
  AggregationRpc(rpc::Calls& calls, Runner& runner, const TotalsReader& reader,
                 const storage::HeadReader& statements, WatchHub& hub)
      : Service(calls),
        runner_(runner),
        reads_(runner),
        reader_(reader),
        statements_(statements),
        hub_(hub) {
    Serve(&AggregationRpc::GetTotal);
    Serve(&AggregationRpc::BatchGetTotals);
    Serve(&AggregationRpc::ListTotals);
    Serve(&AggregationRpc::CompareTotals);
    Serve(&AggregationRpc::ExplainTotal);
    Serve(&AggregationRpc::ExplainChange);
    Serve(&AggregationRpc::GetCoverage);
    Serve(&AggregationRpc::GetConsolidatedTotal);
    Serve(&AggregationRpc::WatchTotals);
  }

  void GetTotal(rpc::UnaryCall* call, const pb::GetTotalRequest* request,
                pb::GetTotalResponse* response) {
    return At(call, IsSmall(*request), request->consistency(), response,
              [this, call, request, response](const Moment& at) -> absl::Status {
                FISCAL_ASSIGN_OR_RETURN(const TotalFilter filter,
                                        wire::ToFilter(request->filter(), "filter"));
                FISCAL_ASSIGN_OR_RETURN(const domain::CellValue value,
                                        reader_.Get(filter, at.position(), call->work()));
                FISCAL_RETURN_IF_ERROR(wire::ToProto(value, "filter", response->mutable_total()));
                response->set_position(at.Text());
                return request->coverage() ? FillCoverage(filter, at.position(), call->work(),
                                                          response->mutable_coverage())
                                           : absl::OkStatus();
              });
  }

  void BatchGetTotals(rpc::UnaryCall* call, const pb::BatchGetTotalsRequest* request,
                      pb::BatchGetTotalsResponse* response) {
    return At(
        call, IsSmall(*request), request->consistency(), response,
        [this, call, request, response](const Moment& at) -> absl::Status {
          if (request->filters_size() < 1 || request->filters_size() > kBatchFiltersMax) {
            return domain::Refuse({{Reason::kQueryInvalid, "filters", "", "1 to 1,000 filters"}});
          }
          std::vector<TotalFilter> filters;
          for (int i = 0; i < request->filters_size(); ++i) {
            FISCAL_ASSIGN_OR_RETURN(
                TotalFilter filter,
                wire::ToFilter(request->filters(i), absl::StrCat("filters[", i, "]")));
            filters.push_back(std::move(filter));
          }
          FISCAL_ASSIGN_OR_RETURN(const std::vector<domain::CellValue> values,
                                  reader_.GetAll(filters, at.position(), call->work()));
          for (size_t i = 0; i < values.size(); ++i) {
            FISCAL_RETURN_IF_ERROR(
                wire::ToProto(values[i], absl::StrCat("filters[", i, "]"), response->add_totals()));
          }
          response->set_position(at.Text());
          return absl::OkStatus();
        });
  }

  void ListTotals(rpc::UnaryCall* call, const pb::ListTotalsRequest* request,
                  pb::ListTotalsResponse* response) {
    Paged(call, *request, response,
          [this, call, request, response](const std::vector<Moment>& at,
                                          const Page& page) -> absl::Status {
            const Position position = at[0].position();
            FISCAL_ASSIGN_OR_RETURN(const TotalFilter filter,
                                    wire::ToFilter(request->filter(), "filter"));
            FISCAL_ASSIGN_OR_RETURN(const std::vector<GroupBy> group_by,
                                    wire::ToGroupBy(request->group_by(), 1, "group_by"));
            if (!pb::Order_IsValid(request->order()))
              return domain::Refuse({{Reason::kEnumUnknown, "order", "", "no such order"}});
            FISCAL_ASSIGN_OR_RETURN(
                const TotalList list,
                reader_.List(filter, group_by, static_cast<domain::RowOrder>(request->order()),
                             position, call->work()));
            std::vector<AgencyCoverage> agencies;
            std::optional<RowCoverages> coverages;
            if (request->coverage()) {
              FISCAL_ASSIGN_OR_RETURN(
                  agencies, CoverageAt(runner_.projector(), filter, position, call->work()));
              wire::ToProto(Sum(agencies), response->mutable_coverage());
              if (HaveCoverages(group_by))
                coverages.emplace(*runner_.projector().catalog(), filter, agencies);
            }
            wire::PageRoom room = page.room;
            size_t end = page.skip;
            for (; end < list.rows.size() && !room.full(); ++end) {
              pb::Total* row = response->add_totals();
              FISCAL_RETURN_IF_ERROR(wire::ToProto(list.rows[end], row));
              if (coverages.has_value())
                wire::ToProto(
                    CoverageOf(*coverages, list.rows[end].group[0], group_by[0].dimension),
                    row->mutable_coverage());
              if (!room.Take(response->mutable_totals())) break;
            }
            FISCAL_RETURN_IF_ERROR(
                wire::ToProto(list.grand_total, "grand_total", response->mutable_grand_total()));
            response->set_position(at[0].Text());
            if (end < list.rows.size()) response->set_next_page_token(page.Next(at, end));
            return absl::OkStatus();
          });
  }

  void CompareTotals(rpc::UnaryCall* call, const pb::CompareTotalsRequest* request,
                     pb::CompareTotalsResponse* response) {
    Paged(call, *request, response,
          [this, call, request, response](const std::vector<Moment>& at,
                                          const Page& page) -> absl::Status {
            FISCAL_ASSIGN_OR_RETURN(const TotalFilter left,
                                    wire::ToFilter(request->left().filter(), "left.filter"));
            FISCAL_ASSIGN_OR_RETURN(const TotalFilter right,
                                    wire::ToFilter(request->right().filter(), "right.filter"));
            FISCAL_ASSIGN_OR_RETURN(const std::vector<GroupBy> group_by,
                                    wire::ToGroupBy(request->group_by(), 0, "group_by"));
            if (!pb::Order_IsValid(request->order()))
              return domain::Refuse({{Reason::kEnumUnknown, "order", "", "no such order"}});
            Question before(runner_.projector().catalog(), left, group_by);
            Question after(runner_.projector().catalog(), right, group_by);
            FISCAL_RETURN_IF_ERROR(reader_.Ask(before, at[0].position(), call->work()));
            FISCAL_RETURN_IF_ERROR(reader_.Ask(after, at[1].position(), call->work()));
            const domain::Fen left_total = before.rows().grand_total().amount_fen,
                              right_total = after.rows().grand_total().amount_fen;
            FISCAL_RETURN_IF_ERROR(wire::FillComparison(left_total, right_total, left_total,
                                                        right_total, "grand_total",
                                                        response->mutable_grand_total()));
            std::vector<RowChange> rows;
            if (!group_by.empty()) rows = after.rows().Beside(before.rows());
            if (request->order() == pb::ORDER_AMOUNT_DESC) {
              std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
                auto size = [](const RowChange& r) {
                  const domain::Fen d = r.after.amount_fen - r.before.amount_fen;
                  return d < 0 ? -d : d;
                };
                return size(a) > size(b);
              });
            }
            wire::PageRoom room = page.room;
            size_t end = page.skip;
            for (; end < rows.size() && !room.full(); ++end) {
              const RowChange& change = rows[end];
              pb::TotalComparison* row = response->add_rows();
              wire::ToProto(change.group, row->mutable_group());
              FISCAL_RETURN_IF_ERROR(wire::FillComparison(
                  change.before.amount_fen, change.after.amount_fen, left_total, right_total,
                  domain::RowName(change.group), row));
              if (!room.Take(response->mutable_rows())) break;
            }
            response->set_left_position(at[0].Text());
            response->set_right_position(at[1].Text());
            if (end < rows.size()) response->set_next_page_token(page.Next(at, end));
            return absl::OkStatus();
          });
  }

  void ExplainTotal(rpc::UnaryCall* call, const pb::ExplainTotalRequest* request,
                    pb::ExplainTotalResponse* response) {
    Paged(call, *request, response,
          [this, call, request, response](const std::vector<Moment>& at,
                                          const Page& page) -> absl::Status {
            const Position position = at[0].position();
            FISCAL_ASSIGN_OR_RETURN(const TotalFilter filter,
                                    wire::ToFilter(request->filter(), "filter"));
            FISCAL_ASSIGN_OR_RETURN(
                const domain::Explanation explanation,
                services::ExplainTotal(runner_.projector(), reader_, statements_, filter,
                                       request->line_items(), page.skip, page.room.count_max(),
                                       position, call->work()));
            FISCAL_RETURN_IF_ERROR(
                wire::ToProto(explanation.total, "total", response->mutable_total()));
            wire::PageRoom room = page.room;
            for (const domain::Contribution& c : explanation.contributions) {
              FISCAL_RETURN_IF_ERROR(wire::ToProto(c, response->add_contributions()));
              if (!room.Take(response->mutable_contributions())) break;
            }
            response->set_position(at[0].Text());
            if (explanation.more || room.taken() < explanation.contributions.size())
              response->set_next_page_token(page.Next(at, page.skip + room.taken()));
            return absl::OkStatus();
          });
  }

  void ExplainChange(rpc::UnaryCall* call, const pb::ExplainChangeRequest* request,
                     pb::ExplainChangeResponse* response) {
    return AtAll(call, {&request->left().consistency(), &request->right().consistency()}, response,
                 [this, call, request, response](const std::vector<Moment>& at) -> absl::Status {
                   // The sides differ in year and department only: else the parts would not be
                   // those of one question.
                   pb::TotalFilter left = request->left().filter(),
                                   right = request->right().filter();
                   for (pb::TotalFilter* f : {&left, &right}) {
                     f->clear_fiscal_year();
                     f->clear_department_code();
                   }
                   if (left.SerializeAsString() != right.SerializeAsString()) {
                     return domain::Refuse({{Reason::kQueryInvalid, "right.filter", "",
                                             "may differ from the left's in fiscal_year and "
                                             "department_code only"}});
                   }
                   Side from, to;
                   FISCAL_ASSIGN_OR_RETURN(from.filter,
                                           wire::ToFilter(request->left().filter(), "left.filter"));
                   FISCAL_ASSIGN_OR_RETURN(
                       to.filter, wire::ToFilter(request->right().filter(), "right.filter"));
                   from.position = at[0].position();
                   to.position = at[1].position();
                   FISCAL_ASSIGN_OR_RETURN(const domain::ChangeExplanation change,
                                           services::ExplainChange(runner_.projector(), reader_,
                                                                   from, to, call->work()));
                   FISCAL_RETURN_IF_ERROR(wire::ToProto(change, response));
                   response->set_left_position(at[0].Text());
                   response->set_right_position(at[1].Text());
                   return absl::OkStatus();
                 });
  }

  void GetCoverage(rpc::UnaryCall* call, const pb::GetCoverageRequest* request,
                   pb::GetCoverageResponse* response) {
    Paged(call, *request, response,
          [this, call, request, response](const std::vector<Moment>& at,
                                          const Page& page) -> absl::Status {
            const Position position = at[0].position();
            pb::TotalFilter asked;
            asked.set_division_code(request->division_code());
            asked.set_own_level(request->own_level());
            asked.set_department_code(request->department_code());
            asked.set_fiscal_year(request->fiscal_year());
            asked.set_stage(request->stage());
            asked.set_direction(budget::v1::DIRECTION_EXPENDITURE);
            FISCAL_ASSIGN_OR_RETURN(const TotalFilter filter, wire::ToFilter(asked, ""));
            if (!pb::CoverageState_IsValid(request->state()))
              return domain::Refuse({{Reason::kEnumUnknown, "state", "", "no such state"}});
            FISCAL_ASSIGN_OR_RETURN(
                const std::vector<AgencyCoverage> agencies,
                CoverageAt(runner_.projector(), filter, position, call->work()));
            wire::ToProto(Sum(agencies), response->mutable_coverage());
            wire::PageRoom room = page.room;
            size_t seen = 0;
            for (const AgencyCoverage& agency : agencies) {
              if (request->state() != 0 &&
                  static_cast<int>(agency.state) != static_cast<int>(request->state()))
                continue;
              if (seen++ < page.skip) continue;
              wire::ToProto(agency, response->add_agencies());
              if (room.Take(response->mutable_agencies())) continue;
              response->set_next_page_token(page.Next(at, page.skip + room.taken()));
              break;
            }
            response->set_position(at[0].Text());
            return absl::OkStatus();
          });
  }

  void GetConsolidatedTotal(rpc::UnaryCall* call, const pb::GetConsolidatedTotalRequest* request,
                            pb::GetConsolidatedTotalResponse* response) {
    return At(call, /*small=*/false, request->consistency(), response,
              [this, call, request, response](const Moment& at) -> absl::Status {
                pb::TotalFilter asked;
                asked.set_division_code(request->division_code());
                asked.set_fiscal_year(request->fiscal_year());
                asked.set_stage(request->stage());
                asked.set_direction(request->direction());
                asked.set_fund(request->fund());
                FISCAL_ASSIGN_OR_RETURN(const TotalFilter filter, wire::ToFilter(asked, ""));
                FISCAL_ASSIGN_OR_RETURN(
                    const domain::Consolidated consolidated,
                    Consolidate(runner_.projector(), reader_, filter, at.position(), call->work()));
                FISCAL_RETURN_IF_ERROR(wire::ToProto(consolidated, response));
                response->set_position(at.Text());
                return absl::OkStatus();
              });
  }

  grpc::ServerWriteReactor<pb::WatchTotalsResponse>* WatchTotals(
      std::unique_ptr<rpc::Call> call, const pb::WatchTotalsRequest* request) {
    return StartWatch(*request, std::move(call), hub_, runner_.projector(), reader_);
  }

 private:
  static bool IsSmall(const pb::TotalFilter& filter) {
    const absl::StatusOr<TotalFilter> asked = wire::ToFilter(filter, "");
    return !asked.ok() || services::IsSmall(*asked);
  }
  static bool IsSmall(const pb::GetTotalRequest& request) {
    return !request.coverage() && IsSmall(request.filter());
  }
  static bool IsSmall(const pb::BatchGetTotalsRequest& request) {
    return request.filters_size() <= kSmallFiltersMax &&
           std::all_of(request.filters().begin(), request.filters().end(),
                       [](const pb::TotalFilter& f) { return IsSmall(f); });
  }

  void At(rpc::UnaryCall* call, bool small, const pb::Consistency& consistency,
          google::protobuf::Message* response,
          std::function<absl::Status(const Moment&)> answer) const {
    return reads_.At(call, small, consistency, response, std::move(answer));
  }
  void AtAll(rpc::UnaryCall* call, const std::vector<const pb::Consistency*>& consistencies,
             google::protobuf::Message* response,
             std::function<absl::Status(const std::vector<Moment>&)> answer) const {
    return reads_.AtAll(call, /*small=*/false, consistencies, response, std::move(answer));
  }

  // A page of a listing: whose it is, what it has room for, the question it is bound to, where it
  // starts, and the positions of the first page.
  struct Page {
    const rpc::Call* call;
    wire::PageRoom room;
    std::string bound;
    size_t skip = 0;
    std::vector<pb::Consistency> at;

    // The token of the page that starts at row `end`.
    std::string Next(const std::vector<Moment>& at, size_t end) const {
      std::string place;
      for (const Moment& moment : at) absl::StrAppend(&place, moment.Text(), " ");
      return call->MakeToken(bound, absl::StrCat(place, end));
    }
  };
  template <typename Request>
  static std::vector<pb::Consistency> TakeConsistencies(Request* question) {
    std::vector<pb::Consistency> taken = {question->consistency()};
    question->clear_consistency();
    return taken;
  }
  static std::vector<pb::Consistency> TakeConsistencies(pb::CompareTotalsRequest* question) {
    std::vector<pb::Consistency> taken = {question->left().consistency(),
                                          question->right().consistency()};
    question->mutable_left()->clear_consistency();
    question->mutable_right()->clear_consistency();
    return taken;
  }
  template <typename Request>
  static absl::StatusOr<Page> OpenPage(const rpc::Call& call, const Request& request) {
    FISCAL_ASSIGN_OR_RETURN(const wire::PageRoom room,
                            wire::PageRoom::Of(request.page_size(), 1000, 10000));
    Page page{&call, room, "", 0, {}};
    Request question = request;
    question.clear_page_token();
    question.clear_page_size();
    page.at = TakeConsistencies(&question);
    page.bound = question.SerializeAsString();
    if (request.page_token().empty()) return page;
    FISCAL_ASSIGN_OR_RETURN(const std::string place,
                            call.ReadPageToken(page.bound, request.page_token()));
    const std::vector<std::string> parts = absl::StrSplit(place, ' ');
    if (parts.size() != page.at.size() + 1 || !absl::SimpleAtoi(parts.back(), &page.skip))
      return domain::Refuse(Reason::kPageTokenInvalid, "the page token is malformed");
    for (size_t i = 0; i < page.at.size(); ++i) {
      page.at[i].Clear();
      page.at[i].set_exactly(parts[i]);
    }
    return page;
  }
  // Finishes the call with the page that `request` asks for, at the positions of its first page.
  template <typename Request, typename Response>
  void Paged(rpc::UnaryCall* call, const Request& request, Response* response,
             std::function<absl::Status(const std::vector<Moment>&, const Page&)> answer) const {
    const absl::StatusOr<Page> page = OpenPage(*call, request);
    if (!page.ok()) return call->Finish(page.status());
    std::vector<const pb::Consistency*> consistencies;
    for (const pb::Consistency& at : page->at) consistencies.push_back(&at);
    AtAll(call, consistencies, response,
          [page = *page, answer = std::move(answer)](const std::vector<Moment>& at) {
            return answer(at, page);
          });
  }

  absl::Status FillCoverage(const TotalFilter& filter, Position position, Work& work,
                            pb::Coverage* out) const {
    FISCAL_ASSIGN_OR_RETURN(const std::vector<AgencyCoverage> agencies,
                            CoverageAt(runner_.projector(), filter, position, work));
    wire::ToProto(Sum(agencies), out);
    return absl::OkStatus();
  }
  // True when each row is a division or a department.
  static bool HaveCoverages(const std::vector<GroupBy>& group_by) {
    return group_by.size() == 1 && (group_by[0].dimension == Dimension::kDivision ||
                                    group_by[0].dimension == Dimension::kDepartment);
  }
  static domain::Coverage CoverageOf(const RowCoverages& rows, const domain::GroupValue& row,
                                     Dimension by) {
    return by == Dimension::kDepartment ? rows.OfDepartment(row.division, row.code)
                                        : rows.OfDivision(row.division, row.own_level);
  }

  Runner& runner_;
  const PositionedReads reads_;
  const TotalsReader& reader_;
  const storage::HeadReader& statements_;
  WatchHub& hub_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeAggregationService(rpc::Calls& calls, Runner& runner,
                                                      const TotalsReader& reader,
                                                      const storage::HeadReader& statements,
                                                      WatchHub& hub) {
  return std::make_unique<AggregationRpc>(calls, runner, reader, statements, hub);
}

}  // namespace fiscal::services
