#include "services/aggregation/aggregation_rpc.h"

#include <functional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "domain/reason.h"
#include "fiscal/aggregation/v1/aggregation_service.grpc.pb.h"
#include "services/aggregation/positioned_reads.h"
#include "services/aggregation/watch_rpc.h"
#include "services/rpc/status.h"
#include "services/wire/explain_wire.h"
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
  AggregationRpc(Runner& runner, const TotalsReader& reader, const storage::HeadReader& statements,
                 WatchHub& hub)
      : runner_(runner), reads_(runner), reader_(reader), statements_(statements), hub_(hub) {}

  ServerUnaryReactor* GetTotal(CallbackServerContext* context, const pb::GetTotalRequest* request,
                               pb::GetTotalResponse* response) override {
    return At(context, request->consistency(),
              [this, request, response](Position position) -> absl::Status {
                absl::StatusOr<TotalFilter> filter = wire::ToFilter(request->filter(), "filter");
                if (!filter.ok()) return filter.status();
                absl::StatusOr<domain::CellValue> value = reader_.Get(*filter, position);
                if (!value.ok()) return value.status();
                FISCAL_RETURN_IF_ERROR(wire::ToProto(*value, "filter", response->mutable_total()));
                response->set_position(wire::FormatPosition(position));
                if (!request->coverage()) return absl::OkStatus();
                return FillCoverage(*filter, position, response->mutable_coverage());
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
            const std::string field = absl::StrCat("filters[", i, "]");
            absl::StatusOr<TotalFilter> filter = wire::ToFilter(request->filters(i), field);
            if (!filter.ok()) return filter.status();
            absl::StatusOr<domain::CellValue> value = reader_.Get(*filter, position);
            if (!value.ok()) return value.status();
            FISCAL_RETURN_IF_ERROR(wire::ToProto(*value, field, response->add_totals()));
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
    auto page = OpenPage(question, request->page_token(), {request->consistency()});
    if (!page.ok()) return Finish(context->DefaultReactor(), page.status());
    return At(
        context, page->at[0],
        [this, request, response, page = *page](Position position) -> absl::Status {
          FISCAL_ASSIGN_OR_RETURN(const TotalFilter filter,
                                  wire::ToFilter(request->filter(), "filter"));
          FISCAL_ASSIGN_OR_RETURN(const std::vector<GroupBy> group_by,
                                  wire::ToGroupBy(request->group_by(), 1, "group_by"));
          FISCAL_ASSIGN_OR_RETURN(const size_t limit,
                                  wire::PageSize(request->page_size(), 1000, 10000));
          if (!pb::Order_IsValid(request->order()))
            return domain::Refuse({{Reason::kEnumUnknown, "order", "", "no such order"}});
          FISCAL_ASSIGN_OR_RETURN(
              const TotalList list,
              reader_.List(filter, group_by, static_cast<Order>(request->order()), position));
          const size_t end = std::min(list.rows.size(), page.skip + limit);
          for (size_t i = page.skip; i < end; ++i) {
            FISCAL_RETURN_IF_ERROR(wire::ToProto(list.rows[i], response->add_totals()));
            const GroupValue& v = list.rows[i].group[0];
            if (!request->coverage() || group_by.size() > 1 ||
                (v.dimension != Dimension::kDivision && v.dimension != Dimension::kDepartment))
              continue;
            TotalFilter of = filter;
            of.division = v.division;
            of.own_level = v.own_level;
            if (v.dimension == Dimension::kDepartment) of.department = v.code;
            FISCAL_RETURN_IF_ERROR(FillCoverage(
                of, position, response->mutable_totals()->rbegin()->mutable_coverage()));
          }
          FISCAL_RETURN_IF_ERROR(
              wire::ToProto(list.grand_total, "grand_total", response->mutable_grand_total()));
          if (request->coverage())
            FISCAL_RETURN_IF_ERROR(FillCoverage(filter, position, response->mutable_coverage()));
          response->set_position(wire::FormatPosition(position));
          if (end < list.rows.size())
            response->set_next_page_token(NextPage(page, {position}, end));
          return absl::OkStatus();
        });
  }

  ServerUnaryReactor* CompareTotals(CallbackServerContext* context,
                                    const pb::CompareTotalsRequest* request,
                                    pb::CompareTotalsResponse* response) override {
    pb::CompareTotalsRequest question = *request;
    question.clear_page_token();
    question.clear_page_size();
    question.mutable_left()->clear_consistency();
    question.mutable_right()->clear_consistency();
    auto page = OpenPage(question, request->page_token(),
                         {request->left().consistency(), request->right().consistency()});
    if (!page.ok()) return Finish(context->DefaultReactor(), page.status());
    return AtAll(
        context, {&page->at[0], &page->at[1]},
        [this, request, response, page = *page](const std::vector<Position>& at) -> absl::Status {
          FISCAL_ASSIGN_OR_RETURN(const TotalFilter left,
                                  wire::ToFilter(request->left().filter(), "left.filter"));
          FISCAL_ASSIGN_OR_RETURN(const TotalFilter right,
                                  wire::ToFilter(request->right().filter(), "right.filter"));
          FISCAL_ASSIGN_OR_RETURN(const std::vector<GroupBy> group_by,
                                  wire::ToGroupBy(request->group_by(), 0, "group_by"));
          FISCAL_ASSIGN_OR_RETURN(const size_t limit,
                                  wire::PageSize(request->page_size(), 1000, 10000));
          if (!pb::Order_IsValid(request->order()))
            return domain::Refuse({{Reason::kEnumUnknown, "order", "", "no such order"}});
          Question before(runner_.projector().catalog(), left, group_by);
          Question after(runner_.projector().catalog(), right, group_by);
          FISCAL_RETURN_IF_ERROR(reader_.Ask(before, at[0]));
          FISCAL_RETURN_IF_ERROR(reader_.Ask(after, at[1]));
          const domain::Fen left_total = before.grand_total().amount_fen,
                            right_total = after.grand_total().amount_fen;
          FISCAL_RETURN_IF_ERROR(wire::FillComparison(left_total, right_total, left_total,
                                                      right_total, "grand_total",
                                                      response->mutable_grand_total()));
          std::vector<Question::RowChange> rows;
          if (!group_by.empty()) rows = after.RowsBeside(before);
          if (request->order() == pb::ORDER_AMOUNT_DESC) {
            std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
              auto size = [](const Question::RowChange& r) {
                const domain::Fen d = r.after.amount_fen - r.before.amount_fen;
                return d < 0 ? -d : d;
              };
              return size(a) > size(b);
            });
          }
          const size_t end = std::min(rows.size(), page.skip + limit);
          for (size_t i = page.skip; i < end; ++i) {
            pb::TotalComparison* row = response->add_rows();
            wire::ToProto(rows[i].group, row->mutable_group());
            FISCAL_RETURN_IF_ERROR(wire::FillComparison(
                rows[i].before.amount_fen, rows[i].after.amount_fen, left_total, right_total,
                RowName(rows[i].group), row));
          }
          response->set_left_position(wire::FormatPosition(at[0]));
          response->set_right_position(wire::FormatPosition(at[1]));
          if (end < rows.size()) response->set_next_page_token(NextPage(page, at, end));
          return absl::OkStatus();
        });
  }

  ServerUnaryReactor* ExplainTotal(CallbackServerContext* context,
                                   const pb::ExplainTotalRequest* request,
                                   pb::ExplainTotalResponse* response) override {
    pb::ExplainTotalRequest question = *request;
    question.clear_page_token();
    question.clear_page_size();
    question.clear_consistency();
    auto page = OpenPage(question, request->page_token(), {request->consistency()});
    if (!page.ok()) return Finish(context->DefaultReactor(), page.status());
    return At(context, page->at[0],
              [this, request, response, page = *page](Position position) -> absl::Status {
                FISCAL_ASSIGN_OR_RETURN(const TotalFilter filter,
                                        wire::ToFilter(request->filter(), "filter"));
                FISCAL_ASSIGN_OR_RETURN(const size_t limit,
                                        wire::PageSize(request->page_size(), 1000, 10000));
                FISCAL_ASSIGN_OR_RETURN(
                    const Explanation explanation,
                    services::ExplainTotal(runner_.projector(), reader_, statements_, filter,
                                           request->line_items(), page.skip, limit, position));
                FISCAL_RETURN_IF_ERROR(
                    wire::ToProto(explanation.total, "total", response->mutable_total()));
                for (const Contribution& c : explanation.contributions)
                  FISCAL_RETURN_IF_ERROR(wire::ToProto(c, response->add_contributions()));
                response->set_position(wire::FormatPosition(position));
                if (explanation.more)
                  response->set_next_page_token(NextPage(page, {position}, page.skip + limit));
                return absl::OkStatus();
              });
  }

  ServerUnaryReactor* ExplainChange(CallbackServerContext* context,
                                    const pb::ExplainChangeRequest* request,
                                    pb::ExplainChangeResponse* response) override {
    return AtAll(
        context, {&request->left().consistency(), &request->right().consistency()},
        [this, request, response](const std::vector<Position>& at) -> absl::Status {
          // The sides differ in year and department only: else the parts would not be those of one question.
          pb::TotalFilter left = request->left().filter(), right = request->right().filter();
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
          FISCAL_ASSIGN_OR_RETURN(to.filter,
                                  wire::ToFilter(request->right().filter(), "right.filter"));
          from.position = at[0];
          to.position = at[1];
          FISCAL_ASSIGN_OR_RETURN(const ChangeExplanation change,
                                  services::ExplainChange(runner_.projector(), reader_, from, to));
          FISCAL_RETURN_IF_ERROR(wire::ToProto(change, response));
          response->set_left_position(wire::FormatPosition(at[0]));
          response->set_right_position(wire::FormatPosition(at[1]));
          return absl::OkStatus();
        });
  }

  ServerUnaryReactor* GetCoverage(CallbackServerContext* context,
                                  const pb::GetCoverageRequest* request,
                                  pb::GetCoverageResponse* response) override {
    pb::GetCoverageRequest question = *request;
    question.clear_page_token();
    question.clear_page_size();
    question.clear_consistency();
    auto page = OpenPage(question, request->page_token(), {request->consistency()});
    if (!page.ok()) return Finish(context->DefaultReactor(), page.status());
    return At(context, page->at[0],
              [this, request, response, page = *page](Position position) -> absl::Status {
                pb::TotalFilter asked;
                asked.set_division_code(request->division_code());
                asked.set_own_level(request->own_level());
                asked.set_department_code(request->department_code());
                asked.set_fiscal_year(request->fiscal_year());
                asked.set_stage(request->stage());
                asked.set_direction(budget::v1::DIRECTION_EXPENDITURE);
                FISCAL_ASSIGN_OR_RETURN(const TotalFilter filter, wire::ToFilter(asked, ""));
                FISCAL_ASSIGN_OR_RETURN(const size_t limit,
                                        wire::PageSize(request->page_size(), 1000, 10000));
                if (!pb::CoverageState_IsValid(request->state()))
                  return domain::Refuse({{Reason::kEnumUnknown, "state", "", "no such state"}});
                FISCAL_ASSIGN_OR_RETURN(const std::vector<services::AgencyCoverage> agencies,
                                        CoverageAt(runner_.projector(), filter, position));
                wire::ToProto(Sum(agencies), response->mutable_coverage());
                size_t seen = 0, end = page.skip + limit;
                for (const services::AgencyCoverage& agency : agencies) {
                  if (request->state() != 0 &&
                      static_cast<int>(agency.state) != static_cast<int>(request->state()))
                    continue;
                  if (seen >= page.skip && seen < end)
                    wire::ToProto(agency, response->add_agencies());
                  ++seen;
                }
                response->set_position(wire::FormatPosition(position));
                if (seen > end) response->set_next_page_token(NextPage(page, {position}, end));
                return absl::OkStatus();
              });
  }

  ServerUnaryReactor* GetConsolidatedTotal(CallbackServerContext* context,
                                           const pb::GetConsolidatedTotalRequest* request,
                                           pb::GetConsolidatedTotalResponse* response) override {
    return At(context, request->consistency(),
              [this, request, response](Position position) -> absl::Status {
                pb::TotalFilter asked;
                asked.set_division_code(request->division_code());
                asked.set_fiscal_year(request->fiscal_year());
                asked.set_stage(request->stage());
                asked.set_direction(request->direction());
                asked.set_fund(request->fund());
                FISCAL_ASSIGN_OR_RETURN(const TotalFilter filter, wire::ToFilter(asked, ""));
                FISCAL_ASSIGN_OR_RETURN(
                    const Consolidated consolidated,
                    Consolidate(runner_.projector(), reader_, filter, position));
                FISCAL_RETURN_IF_ERROR(wire::ToProto(consolidated, response));
                response->set_position(wire::FormatPosition(position));
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

  ServerUnaryReactor* At(CallbackServerContext* context, const pb::Consistency& consistency,
                         std::function<absl::Status(Position)> answer) const {
    return reads_.At(context, consistency, std::move(answer));
  }
  ServerUnaryReactor* AtAll(
      CallbackServerContext* context, const std::vector<const pb::Consistency*>& consistencies,
      std::function<absl::Status(const std::vector<Position>&)> answer) const {
    return reads_.AtAll(context, consistencies, std::move(answer));
  }

  // A page of a listing: the question it is bound to, where it starts, and the positions of the first page.
  struct Page {
    std::string bound;
    size_t skip = 0;
    std::vector<pb::Consistency> at;
  };
  // `question` is the request without token, size and consistencies; `asked` these, for the first page.
  static absl::StatusOr<Page> OpenPage(const google::protobuf::Message& question,
                                       const std::string& token,
                                       std::vector<pb::Consistency> asked) {
    Page page{question.SerializeAsString(), 0, std::move(asked)};
    if (token.empty()) return page;
    FISCAL_ASSIGN_OR_RETURN(const std::string place, wire::ReadPageToken(page.bound, token));
    const std::vector<std::string> parts = absl::StrSplit(place, ' ');
    if (parts.size() != page.at.size() + 1 || !absl::SimpleAtoi(parts.back(), &page.skip))
      return domain::Refuse(Reason::kPageTokenInvalid, "the page token is malformed");
    for (size_t i = 0; i < page.at.size(); ++i) {
      page.at[i].Clear();
      page.at[i].set_exactly(parts[i]);
    }
    return page;
  }
  static std::string NextPage(const Page& page, const std::vector<Position>& at, size_t end) {
    std::string place;
    for (Position p : at) absl::StrAppend(&place, wire::FormatPosition(p), " ");
    return wire::MakePageToken(page.bound, absl::StrCat(place, end));
  }

  absl::Status FillCoverage(const TotalFilter& filter, Position position, pb::Coverage* out) const {
    FISCAL_ASSIGN_OR_RETURN(const std::vector<services::AgencyCoverage> agencies,
                            CoverageAt(runner_.projector(), filter, position));
    wire::ToProto(Sum(agencies), out);
    return absl::OkStatus();
  }

  Runner& runner_;
  const PositionedReads reads_;
  const TotalsReader& reader_;
  const storage::HeadReader& statements_;
  WatchHub& hub_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeAggregationService(Runner& runner, const TotalsReader& reader,
                                                      const storage::HeadReader& statements,
                                                      WatchHub& hub) {
  return std::make_unique<AggregationRpc>(runner, reader, statements, hub);
}

}  // namespace fiscal::services
