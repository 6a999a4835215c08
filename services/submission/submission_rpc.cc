#include "services/submission/submission_rpc.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "domain/reason.h"
#include "fiscal/submission/v1/submission_service.grpc.pb.h"
#include "services/rpc/caller.h"
#include "services/rpc/raw.h"
#include "services/rpc/status.h"
#include "services/rpc/trace.h"
#include "services/wire/submission_wire.h"
#include "services/wire/text_wire.h"

namespace fiscal::services {
namespace {

using grpc::ByteBuffer;
using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;
namespace pb = fiscal::submission::v1;
using Base = pb::SubmissionService;
// Writes take bytes; reads take messages.
using Generated =
    Base::WithRawCallbackMethod_SubmitBudget<Base::WithRawCallbackMethod_StreamBudgets<
        Base::WithRawCallbackMethod_ValidateBudget<Base::WithRawCallbackMethod_WithdrawBudget<
            Base::WithRawCallbackMethod_SubmitReallocation<Base::WithCallbackMethod_GetBudget<
                Base::WithCallbackMethod_ListBudgets<Base::WithCallbackMethod_ListLineItems<
                    Base::WithCallbackMethod_ListProjects<Base::Service>>>>>>>>>;

class SubmissionRpc final : public Generated {
 public:
  explicit SubmissionRpc(const SubmissionParts& parts)
      : p_(parts), committer_(parts.committer), heads_(parts.heads) {}

  ServerUnaryReactor* SubmitBudget(CallbackServerContext* context, const ByteBuffer* request,
                                   ByteBuffer* response) override {
    ServerUnaryReactor* reactor = context->DefaultReactor();
    auto memory = Reserve(*context, *request);
    if (!memory.ok()) return Finish(reactor, memory.status());
    auto bytes = std::make_shared<const rpc::FlatBytes>(*request);
    auto arena = std::make_shared<google::protobuf::Arena>();
    auto raw = wire::ReadSubmit(bytes->view(), arena.get());
    if (!raw.ok()) return Finish(reactor, raw.status());
    std::string id = raw->envelope->request_id();
    rpc::NoteRequestId(id, context);
    auto submission = wire::ToSubmission({*raw}, {bytes, *memory}, rpc::PrincipalOf(*context),
                                         *committer_.intake().catalog());
    if (!submission.ok()) return Finish(reactor, submission.status());
    return Commit(reactor, *std::move(submission), bytes->view().size(),
                  [response, id = std::move(id)](const IntakeReceipt& receipt) {
                    pb::SubmitBudgetResponse message;
                    wire::ToProto(receipt, id, &message);
                    *response = rpc::ToBuffer(message);
                  });
  }

  grpc::ServerBidiReactor<ByteBuffer, ByteBuffer>* StreamBudgets(
      CallbackServerContext* context) override {
    TraceContext trace;
    (void)rpc::CallersTrace(*context, &trace);
    return new services::StreamBudgets(
        committer_, p_.metrics, p_.drain, p_.memory, p_.stream,
        {rpc::PrincipalOf(*context), rpc::ShareOf(*context), trace.trace_id});
  }

  ServerUnaryReactor* ValidateBudget(CallbackServerContext* context, const ByteBuffer* request,
                                     ByteBuffer* response) override {
    ServerUnaryReactor* reactor = context->DefaultReactor();
    auto memory = Reserve(*context, *request);
    if (!memory.ok()) return Finish(reactor, memory.status());
    auto bytes = std::make_shared<const rpc::FlatBytes>(*request);
    auto arena = std::make_shared<google::protobuf::Arena>();
    auto raw = wire::ReadValidate(bytes->view(), arena.get());
    if (!raw.ok()) return Finish(reactor, raw.status());
    std::string id = raw->envelope->request_id();
    rpc::NoteRequestId(id, context);
    auto submission = wire::ToSubmission({*raw}, {bytes, *memory}, rpc::PrincipalOf(*context),
                                         *committer_.intake().catalog());
    if (!submission.ok()) return Finish(reactor, submission.status());
    submission->validate_only = true;
    return Commit(reactor, *std::move(submission), bytes->view().size(),
                  [response, id = std::move(id)](const IntakeReceipt& receipt) {
                    pb::ValidateBudgetResponse message;
                    wire::ToProto(receipt, id, message.mutable_receipt());
                    message.set_expenditure_change_fen(receipt.expenditure_change_fen);
                    message.set_income_change_fen(receipt.income_change_fen);
                    *response = rpc::ToBuffer(message);
                  });
  }

  ServerUnaryReactor* SubmitReallocation(CallbackServerContext* context, const ByteBuffer* request,
                                         ByteBuffer* response) override {
    ServerUnaryReactor* reactor = context->DefaultReactor();
    auto memory = Reserve(*context, *request);
    if (!memory.ok()) return Finish(reactor, memory.status());
    auto bytes = std::make_shared<const rpc::FlatBytes>(*request);
    auto arena = std::make_shared<google::protobuf::Arena>();
    auto raw = wire::ReadReallocation(bytes->view(), arena.get());
    if (!raw.ok()) return Finish(reactor, raw.status());
    rpc::NoteRequestId(raw->request_id, context);
    auto reallocation = wire::ToReallocation(*raw, {bytes, *memory}, rpc::PrincipalOf(*context),
                                             *committer_.intake().catalog());
    if (!reallocation.ok()) return Finish(reactor, reallocation.status());
    return Commit(reactor, *std::move(reallocation), bytes->view().size(),
                  [response, id = raw->request_id](const IntakeReceipt& receipt) {
                    pb::SubmitReallocationResponse message;
                    for (const storage::Receipt& part : receipt.parts)
                      wire::ToProto({part}, id, message.add_receipts());
                    message.set_position(wire::FormatPosition(receipt.receipt.position));
                    *response = rpc::ToBuffer(message);
                  });
  }

  ServerUnaryReactor* WithdrawBudget(CallbackServerContext* context, const ByteBuffer* request,
                                     ByteBuffer* response) override {
    ServerUnaryReactor* reactor = context->DefaultReactor();
    const rpc::FlatBytes bytes(*request);
    pb::WithdrawBudgetRequest parsed;
    const absl::Status status = wire::ParseInto(bytes.view(), &parsed);
    if (!status.ok()) return Finish(reactor, status);
    rpc::NoteRequestId(parsed.request_id(), context);
    return Commit(reactor, wire::ToWithdrawal(parsed, rpc::PrincipalOf(*context)),
                  bytes.view().size(),
                  [response, id = parsed.request_id()](const IntakeReceipt& receipt) {
                    pb::WithdrawBudgetResponse message;
                    wire::ToProto(receipt, id, message.mutable_receipt());
                    *response = rpc::ToBuffer(message);
                  });
  }

  ServerUnaryReactor* GetBudget(CallbackServerContext* context, const pb::GetBudgetRequest* request,
                                pb::GetBudgetResponse* response) override {
    ServerUnaryReactor* reactor = context->DefaultReactor();
    absl::StatusOr<domain::BudgetKey> key = wire::ToKey(request->budget());
    if (!key.ok()) return Finish(reactor, key.status());
    if (request->revision() < 0)
      return Finish(
          reactor, domain::Refuse(domain::Reason::kQueryInvalid, "revision: must not be negative"));
    absl::StatusOr<domain::StatementMeta> meta =
        heads_.Meta(*key, static_cast<uint64_t>(request->revision()));
    if (meta.ok()) wire::ToProto(*meta, response->mutable_budget());
    return Finish(reactor, meta.status());
  }

  ServerUnaryReactor* ListBudgets(CallbackServerContext* context,
                                  const pb::ListBudgetsRequest* request,
                                  pb::ListBudgetsResponse* response) override {
    return Finish(context->DefaultReactor(), List(*request, response));
  }

  ServerUnaryReactor* ListLineItems(CallbackServerContext* context,
                                    const pb::ListLineItemsRequest* request,
                                    pb::ListLineItemsResponse* response) override {
    return Finish(
        context->DefaultReactor(),
        ListStatement(
            request->budget(), request->revision(), request->page_size(), request->page_token(),
            1000, 10000, response,
            [](const storage::HeadReader::Statement& s) { return s.lines.lines.size(); },
            [](const storage::HeadReader::Statement& s, size_t i) {
              return std::string(s.lines.lines[i].line_id);
            },
            [](const storage::HeadReader::Statement& s, size_t i, pb::ListLineItemsResponse* out) {
              wire::ToProto(s.lines.lines[i], out->add_line_items());
            }));
  }

  ServerUnaryReactor* ListProjects(CallbackServerContext* context,
                                   const pb::ListProjectsRequest* request,
                                   pb::ListProjectsResponse* response) override {
    return Finish(
        context->DefaultReactor(),
        ListStatement(
            request->budget(), request->revision(), request->page_size(), request->page_token(),
            100, 1000, response,
            [](const storage::HeadReader::Statement& s) { return s.projects.size(); },
            [](const storage::HeadReader::Statement& s, size_t i) { return s.projects[i].code; },
            [](const storage::HeadReader::Statement& s, size_t i, pb::ListProjectsResponse* out) {
              out->add_projects()->ParseFromString(s.projects[i].bytes);
            }));
  }

 private:
  static ServerUnaryReactor* Finish(ServerUnaryReactor* reactor, const absl::Status& status) {
    reactor->Finish(rpc::ToGrpc(status));
    return reactor;
  }

  // Kept by what is made of the request, until it is answered.
  absl::StatusOr<std::shared_ptr<rpc::MemoryBudget::Reservation>> Reserve(
      const CallbackServerContext& context, const ByteBuffer& request) const {
    return p_.memory.Reserve(rpc::ShareOf(context), request.Length() * rpc::kCostFactor);
  }

  ServerUnaryReactor* Commit(ServerUnaryReactor* reactor, Intake::Request submission, size_t bytes,
                             std::function<void(const IntakeReceipt&)> fill) {
    committer_.Submit(std::make_unique<Intake::Request>(std::move(submission)), bytes,
                      [reactor, fill = std::move(fill)](absl::StatusOr<IntakeReceipt> outcome) {
                        if (outcome.ok()) fill(*outcome);
                        reactor->Finish(rpc::ToGrpc(outcome.status()));
                      });
    return reactor;
  }

  absl::Status List(const pb::ListBudgetsRequest& request,
                    pb::ListBudgetsResponse* response) const {
    const domain::Code division = wire::ParseDivision(request.division_code());
    if (division == 0) {
      return domain::Refuse({{domain::Reason::kCodeMalformed, "division_code", "",
                              "a division has 6 digits, or 9 ending in 000"}});
    }
    auto limit = wire::PageSize(request.page_size(), 100, 1000);
    if (!limit.ok()) return limit.status();
    pb::ListBudgetsRequest question = request;
    question.clear_page_token();
    question.clear_page_size();
    const std::string bound = question.SerializeAsString();
    std::string after;
    if (!request.page_token().empty()) {
      auto place = wire::ReadPageToken(bound, request.page_token());
      if (!place.ok()) return place.status();
      after = *place;
    }
    const std::shared_ptr<const domain::Catalog> catalog = committer_.intake().catalog();
    std::vector<domain::Code> divisions = {division};
    if (request.include_children()) {
      // Trees differ from year to year: a division below it in any year is listed.
      for (size_t i = 0; i < divisions.size(); ++i) {
        for (const auto& [key, entries] : catalog->lists()) {
          if (key.list != domain::CatalogList::kDivision) continue;
          if (request.fiscal_year() != 0 && key.year != request.fiscal_year()) continue;
          for (domain::Code child : catalog->ChildrenOf(divisions[i], key.year)) {
            if (std::find(divisions.begin(), divisions.end(), child) == divisions.end())
              divisions.push_back(child);
          }
        }
      }
      std::sort(divisions.begin(), divisions.end());
    }
    // Behind the last budget of this page.
    std::string last;
    for (domain::Code d : divisions) {
      // One more than asked for tells whether there is a next page.
      while (true) {
        auto metas = heads_.List(d, after, 256);
        if (!metas.ok()) return metas.status();
        for (const domain::StatementMeta& m : *metas) {
          after = storage::HeadReader::AfterKey(m.key);
          if (request.fiscal_year() != 0 && m.key.year != request.fiscal_year()) continue;
          if (request.stage() != 0 && static_cast<int>(m.key.stage) != request.stage()) continue;
          if (!request.department_code().empty() && m.department_code != request.department_code())
            continue;
          if (static_cast<size_t>(response->budgets_size()) == *limit) {
            response->set_next_page_token(wire::MakePageToken(bound, last));
            return absl::OkStatus();
          }
          wire::ToProto(m, response->add_budgets());
          last = after;
        }
        if (metas->size() < 256) break;
      }
    }
    return absl::OkStatus();
  }

  template <typename Response, typename Size, typename Id, typename Add>
  absl::Status ListStatement(const budget::v1::BudgetKey& budget, int64_t revision,
                             int32_t page_size, const std::string& token, size_t fallback,
                             size_t max, Response* response, Size size, Id id, Add add) const {
    absl::StatusOr<domain::BudgetKey> key = wire::ToKey(budget);
    if (!key.ok()) return key.status();
    if (revision < 0)
      return domain::Refuse(domain::Reason::kQueryInvalid, "revision: must not be negative");
    auto limit = wire::PageSize(page_size, fallback, max);
    if (!limit.ok()) return limit.status();
    const std::string bound =
        absl::StrCat(Response::descriptor()->full_name(), budget.SerializeAsString(), revision);
    std::string after;
    if (!token.empty()) {
      auto place = wire::ReadPageToken(bound, token);
      if (!place.ok()) return place.status();
      const size_t split = place->find(' ');
      if (split == std::string::npos || !absl::SimpleAtoi(place->substr(0, split), &revision)) {
        return domain::Refuse(domain::Reason::kPageTokenInvalid, "the page token is malformed");
      }
      after = place->substr(split + 1);
    }
    auto statement = heads_.Read(*key, static_cast<uint64_t>(revision));
    if (!statement.ok()) return statement.status();
    response->set_revision(static_cast<int64_t>(statement->meta.revision));
    const size_t count = size(*statement);
    size_t taken = 0;
    for (size_t i = 0; i < count; ++i) {
      if (!after.empty() && id(*statement, i) <= after) continue;
      if (taken == *limit) {
        response->set_next_page_token(wire::MakePageToken(
            bound, absl::StrCat(statement->meta.revision, " ", id(*statement, i - 1))));
        break;
      }
      add(*statement, i, response);
      ++taken;
    }
    return absl::OkStatus();
  }

  const SubmissionParts p_;
  Committer& committer_;
  const storage::HeadReader& heads_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeSubmissionService(const SubmissionParts& parts) {
  return std::make_unique<SubmissionRpc>(parts);
}

}  // namespace fiscal::services
