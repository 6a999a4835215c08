#include "services/submission/submission_rpc.h"

#include <algorithm>
#include <optional>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "domain/reason.h"
#include "domain/shapes.h"
#include "fiscal/submission/v1/submission_service.pb.h"
#include "services/ledger/decide/prepare.h"
#include "services/ledger/moments.h"
#include "services/rpc/raw.h"
#include "services/rpc/service.h"
#include "services/wire/page.h"
#include "services/wire/submission_wire.h"
#include "services/wire/text_wire.h"

namespace fiscal::services {
namespace {

using grpc::ByteBuffer;
namespace pb = fiscal::submission::v1;

// Budgets read from the store at once.
constexpr size_t kMetasAtOnce = 256;

// What a write is about, for the audit log.
std::string ScopeOf(const Intake::Request& request) {
  if (const auto* s = std::get_if<domain::Submission>(&request))
    return TextOf(authority::AskedOf(s->key, ""));
  const auto& parts = std::get<domain::Reallocation>(request).parts;
  if (parts.empty()) return "";
  const std::string first = TextOf(authority::AskedOf(parts[0].key, ""));
  return parts.size() == 1 ? first : absl::StrCat(first, " and ", parts.size() - 1, " more");
}

class SubmissionRpc final : public rpc::Service {
 public:
  explicit SubmissionRpc(const SubmissionParts& parts)
      : Service(parts.calls),
        p_(parts),
        committer_(parts.committer),
        log_(parts.committer.intake().log()),
        heads_(parts.heads) {
    // Writes take bytes; reads take messages.
    ServeBytes<pb::SubmitBudgetRequest>(&SubmissionRpc::SubmitBudget);
    ServeBytes<pb::StreamBudgetsRequest>(&SubmissionRpc::StreamBudgets);
    ServeBytes<pb::ValidateBudgetRequest>(&SubmissionRpc::ValidateBudget);
    ServeBytes<pb::SubmitReallocationRequest>(&SubmissionRpc::SubmitReallocation);
    ServeBytes<pb::WithdrawBudgetRequest>(&SubmissionRpc::WithdrawBudget);
    Serve(&SubmissionRpc::GetBudget);
    Serve(&SubmissionRpc::ListBudgets);
    Serve(&SubmissionRpc::ListLineItems);
    Serve(&SubmissionRpc::ListProjects);
  }

  void SubmitBudget(rpc::UnaryCall* call, const ByteBuffer* request, ByteBuffer* response) {
    auto memory = Reserve(*call, *request);
    if (!memory.ok()) return call->Finish(memory.status());
    auto bytes = std::make_shared<const rpc::FlatBytes>(*request);
    auto arena = std::make_shared<google::protobuf::Arena>();
    auto raw = wire::ReadSubmit(bytes->view(), arena.get());
    if (!raw.ok()) return call->Finish(raw.status());
    std::string id = raw->envelope->request_id();
    call->NoteRequestId(id);
    auto submission = wire::ToSubmission({*raw}, {bytes, *memory}, call->caller().principal);
    if (!submission.ok()) return call->Finish(submission.status());
    Prepare(*committer_.intake().catalog(), &*submission);
    return Commit(call, *std::move(submission), bytes->view().size(),
                  [this, response, id = std::move(id)](const domain::RequestReceipt& receipt) {
                    pb::SubmitBudgetResponse message;
                    wire::ToProto(receipt, MomentOf(log_, receipt.receipt), id, &message);
                    *response = rpc::ToBuffer(message);
                  });
  }

  WireReactor* StreamBudgets(std::unique_ptr<rpc::Call> call) {
    return new services::StreamBudgets(committer_, p_.metrics, p_.drain, p_.memory, p_.stream,
                                       std::move(call));
  }

  void ValidateBudget(rpc::UnaryCall* call, const ByteBuffer* request, ByteBuffer* response) {
    auto memory = Reserve(*call, *request);
    if (!memory.ok()) return call->Finish(memory.status());
    auto bytes = std::make_shared<const rpc::FlatBytes>(*request);
    auto arena = std::make_shared<google::protobuf::Arena>();
    auto raw = wire::ReadValidate(bytes->view(), arena.get());
    if (!raw.ok()) return call->Finish(raw.status());
    std::string id = raw->envelope->request_id();
    call->NoteRequestId(id);
    auto submission = wire::ToSubmission({*raw}, {bytes, *memory}, call->caller().principal);
    if (!submission.ok()) return call->Finish(submission.status());
    Prepare(*committer_.intake().catalog(), &*submission);
    submission->validate_only = true;
    return Commit(call, *std::move(submission), bytes->view().size(),
                  [response, id = std::move(id)](const domain::RequestReceipt& receipt) {
                    pb::ValidateBudgetResponse message;
                    wire::ToProto(receipt, domain::Moment(), id, message.mutable_receipt());
                    message.set_expenditure_change_fen(receipt.expenditure_change_fen);
                    message.set_income_change_fen(receipt.income_change_fen);
                    *response = rpc::ToBuffer(message);
                  });
  }

  void SubmitReallocation(rpc::UnaryCall* call, const ByteBuffer* request, ByteBuffer* response) {
    auto memory = Reserve(*call, *request);
    if (!memory.ok()) return call->Finish(memory.status());
    auto bytes = std::make_shared<const rpc::FlatBytes>(*request);
    auto arena = std::make_shared<google::protobuf::Arena>();
    auto raw = wire::ReadReallocation(bytes->view(), arena.get());
    if (!raw.ok()) return call->Finish(raw.status());
    call->NoteRequestId(raw->request_id);
    auto reallocation = wire::ToReallocation(*raw, {bytes, *memory}, call->caller().principal);
    if (!reallocation.ok()) return call->Finish(reallocation.status());
    Prepare(*committer_.intake().catalog(), &*reallocation);
    return Commit(call, *std::move(reallocation), bytes->view().size(),
                  [this, response, id = raw->request_id](const domain::RequestReceipt& receipt) {
                    pb::SubmitReallocationResponse message;
                    for (const domain::Receipt& part : receipt.parts)
                      wire::ToProto({part}, MomentOf(log_, part), id, message.add_receipts());
                    message.set_position(MomentOf(log_, receipt.receipt).Text());
                    *response = rpc::ToBuffer(message);
                  });
  }

  void WithdrawBudget(rpc::UnaryCall* call, const ByteBuffer* request, ByteBuffer* response) {
    const rpc::FlatBytes bytes(*request);
    pb::WithdrawBudgetRequest parsed;
    const absl::Status status = wire::ParseInto(bytes.view(), &parsed);
    if (!status.ok()) return call->Finish(status);
    call->NoteRequestId(parsed.request_id());
    domain::Submission withdrawal = wire::ToWithdrawal(parsed, call->caller().principal);
    Prepare(*committer_.intake().catalog(), &withdrawal);
    return Commit(
        call, std::move(withdrawal), bytes.view().size(),
        [this, response, id = parsed.request_id()](const domain::RequestReceipt& receipt) {
          pb::WithdrawBudgetResponse message;
          wire::ToProto(receipt, MomentOf(log_, receipt.receipt), id, message.mutable_receipt());
          *response = rpc::ToBuffer(message);
        });
  }

  void GetBudget(rpc::UnaryCall* call, const pb::GetBudgetRequest* request,
                 pb::GetBudgetResponse* response) {
    call->Read([this, request, response] { return Get(*request, response); }, /*small=*/true);
  }

  void ListBudgets(rpc::UnaryCall* call, const pb::ListBudgetsRequest* request,
                   pb::ListBudgetsResponse* response) {
    call->Read([this, call, request, response] { return List(*call, *request, response); });
  }

  void ListLineItems(rpc::UnaryCall* call, const pb::ListLineItemsRequest* request,
                     pb::ListLineItemsResponse* response) {
    call->Read([this, call, request, response] {
      return ListParts(
          *call, *request, {1000, 10000, 1000}, &storage::HeadReader::VisitLines,
          [](const domain::Line& line) { return line.line_id; }, response->mutable_line_items(),
          response);
    });
  }

  void ListProjects(rpc::UnaryCall* call, const pb::ListProjectsRequest* request,
                    pb::ListProjectsResponse* response) {
    call->Read([this, call, request, response] {
      return ListParts(
          *call, *request, {100, 1000, 25}, &storage::HeadReader::VisitProjects,
          [](const domain::ProjectEntry& project) { return absl::string_view(project.code); },
          response->mutable_projects(), response);
    });
  }

 private:
  // Kept by what is made of the request, until it is answered.
  absl::StatusOr<std::shared_ptr<rpc::MemoryBudget::Reservation>> Reserve(
      const rpc::UnaryCall& call, const ByteBuffer& request) const {
    return p_.memory.Reserve(call.key(), request.Length() * rpc::kCostFactor);
  }

  void Commit(rpc::UnaryCall* call, Intake::Request submission, size_t bytes,
              std::function<void(const domain::RequestReceipt&)> fill) {
    call->NoteScope(ScopeOf(submission));
    committer_.Submit(
        call->key(), std::make_unique<Intake::Request>(std::move(submission)), bytes,
        [call, fill = std::move(fill)](absl::StatusOr<domain::RequestReceipt> outcome) {
          if (outcome.ok()) fill(*outcome);
          call->Finish(outcome.status());
        });
  }

  absl::Status Get(const pb::GetBudgetRequest& request, pb::GetBudgetResponse* response) const {
    FISCAL_ASSIGN_OR_RETURN(const domain::BudgetKey key, wire::ToKey(request.budget()));
    if (request.revision() < 0)
      return domain::Refuse(domain::Reason::kQueryInvalid, "revision: must not be negative");
    FISCAL_ASSIGN_OR_RETURN(const domain::StatementMeta meta,
                            heads_.Meta(key, static_cast<uint64_t>(request.revision())));
    wire::ToProto(meta, response->mutable_budget());
    FISCAL_ASSIGN_OR_RETURN(const domain::Moment at, MomentAt(log_, meta.position));
    response->mutable_budget()->set_position(at.Text());
    return absl::OkStatus();
  }

  static bool IsBelow(const domain::Catalog& catalog, const domain::BudgetKey& budget,
                      domain::Code division) {
    const std::vector<domain::Code> chain = catalog.ChainOf(budget.division, budget.year);
    return std::find(chain.begin(), chain.end(), division) != chain.end();
  }

  // `division`, and with `children` all below it, in order. Trees differ from year to year: what is
  // below in any is listed.
  static std::vector<domain::Code> DivisionsOf(const domain::Catalog& catalog,
                                               domain::Code division, bool children, int year) {
    std::vector<domain::Code> divisions = {division};
    if (!children) return divisions;
    std::vector<uint16_t> years;
    for (const auto& [key, entries] : catalog.lists()) {
      if (key.list == domain::CatalogList::kDivision && (year == 0 || key.year == year))
        years.push_back(key.year);
    }
    absl::flat_hash_set<domain::Code> seen = {division};
    for (size_t i = 0; i < divisions.size(); ++i) {
      for (uint16_t of : years) {
        for (domain::Code child : catalog.ChildrenOf(divisions[i], of)) {
          if (seen.insert(child).second) divisions.push_back(child);
        }
      }
    }
    std::sort(divisions.begin(), divisions.end());
    return divisions;
  }

  absl::Status List(rpc::UnaryCall& call, const pb::ListBudgetsRequest& request,
                    pb::ListBudgetsResponse* response) const {
    const domain::Code division = wire::ParseDivision(request.division_code());
    if (division == 0) {
      return domain::Refuse(
          {{domain::Reason::kCodeMalformed, "division_code", "", domain::kDivisionShape}});
    }
    FISCAL_ASSIGN_OR_RETURN(wire::PageRoom room,
                            wire::PageRoom::Of(request.page_size(), 100, 1000));
    pb::ListBudgetsRequest question = request;
    question.clear_page_token();
    question.clear_page_size();
    const std::string bound = question.SerializeAsString();
    // The division the page before ended in, and the place behind its last budget.
    domain::Code at = 0;
    std::string after;
    if (!request.page_token().empty()) {
      FISCAL_ASSIGN_OR_RETURN(const std::string place,
                              call.ReadPageToken(bound, request.page_token()));
      const size_t split = place.find(' ');
      if (split == std::string::npos || !absl::SimpleAtoi(place.substr(0, split), &at))
        return domain::Refuse(domain::Reason::kPageTokenInvalid, "the page token is malformed");
      after = place.substr(split + 1);
    }
    const std::shared_ptr<const domain::Catalog> catalog = committer_.intake().catalog();
    const std::vector<domain::Code> divisions =
        DivisionsOf(*catalog, division, request.include_children(), request.fiscal_year());
    // The place of the last budget of this page.
    std::string last;
    for (auto d = std::lower_bound(divisions.begin(), divisions.end(), at); d != divisions.end();
         ++d) {
      // One more than there is room for tells whether there is a next page.
      while (true) {
        FISCAL_ASSIGN_OR_RETURN(const std::vector<domain::StatementMeta> metas,
                                heads_.List(*d, after, kMetasAtOnce));
        FISCAL_RETURN_IF_ERROR(call.work().Spend(Work::kSeek + 8 * metas.size()));
        for (const domain::StatementMeta& m : metas) {
          after = storage::HeadReader::AfterKey(m.key);
          if (request.fiscal_year() != 0 && m.key.year != request.fiscal_year()) continue;
          // Below in another year is not below in this.
          if (*d != division && !IsBelow(*catalog, m.key, division)) continue;
          if (request.stage() != 0 && static_cast<int>(m.key.stage) != request.stage()) continue;
          if (!request.department_code().empty() && m.department_code != request.department_code())
            continue;
          wire::ToProto(m, response->add_budgets());
          if (!room.Take(response->mutable_budgets())) {
            response->set_next_page_token(call.MakeToken(bound, last));
            return absl::OkStatus();
          }
          last = absl::StrCat(*d, " ", after);
        }
        if (metas.size() < kMetasAtOnce) break;
      }
    }
    return absl::OkStatus();
  }

  // The revision that a page token of a statement's parts stays at, and the part it goes on behind.
  absl::Status ReadPlace(const rpc::Call& call, const std::string& bound, const std::string& token,
                         int64_t* revision, std::string* after) const {
    FISCAL_ASSIGN_OR_RETURN(const std::string place, call.ReadPageToken(bound, token));
    const std::vector<std::string> parts = absl::StrSplit(place, absl::MaxSplits(' ', 2));
    const std::optional<domain::Moment> at = domain::Moment::Parse(parts[0]);
    if (parts.size() != 3 || !at.has_value() || !absl::SimpleAtoi(parts[1], revision))
      return domain::Refuse(domain::Reason::kPageTokenInvalid, "the page token is malformed");
    *after = parts[2];
    // Another history may have another statement as that revision.
    return CheckMoment(log_, *at);
  }

  // How many parts of a statement a page has where nothing is asked, and at most; so many are read
  // at once.
  struct Sizes {
    size_t fallback = 0, max = 0, at_once = 0;
  };
  // A page of the lines or projects of a statement: `visit` reads them, `id_of` is what they are
  // ordered by, `items` is where in the response they go.
  template <typename Request, typename Response, typename Item, typename IdOf, typename Message>
  absl::Status ListParts(rpc::UnaryCall& call, const Request& request, const Sizes& sizes,
                         absl::StatusOr<domain::StatementMeta> (storage::HeadReader::*visit)(
                             const domain::BudgetKey&, const storage::HeadReader::Place&,
                             absl::FunctionRef<absl::StatusOr<bool>(const std::vector<Item>&)>,
                             storage::SpendWork) const,
                         IdOf id_of, google::protobuf::RepeatedPtrField<Message>* items,
                         Response* response) const {
    FISCAL_ASSIGN_OR_RETURN(const domain::BudgetKey key, wire::ToKey(request.budget()));
    int64_t revision = request.revision();
    if (revision < 0)
      return domain::Refuse(domain::Reason::kQueryInvalid, "revision: must not be negative");
    FISCAL_ASSIGN_OR_RETURN(wire::PageRoom room,
                            wire::PageRoom::Of(request.page_size(), sizes.fallback, sizes.max));
    const std::string bound = absl::StrCat(revision, " ", request.budget().SerializeAsString());
    std::string after;
    if (!request.page_token().empty())
      FISCAL_RETURN_IF_ERROR(ReadPlace(call, bound, request.page_token(), &revision, &after));
    storage::HeadReader::Place place;
    place.revision = static_cast<uint64_t>(revision);
    place.after = after;
    // One more tells whether there is a next page.
    place.count = std::min(room.count_max() + 1, sizes.at_once);
    bool more = false;
    std::string last;
    FISCAL_ASSIGN_OR_RETURN(const domain::StatementMeta meta,
                            (heads_.*visit)(
                                key, place,
                                [&](const std::vector<Item>& found) -> absl::StatusOr<bool> {
                                  for (const Item& item : found) {
                                    if (!room.full()) wire::ToProto(item, items->Add());
                                    more = room.full() || !room.Take(items);
                                    if (more) return false;
                                    last = std::string(id_of(item));
                                  }
                                  return true;
                                },
                                [&call](uint64_t units) { return call.work().Spend(units); }));
    response->set_revision(static_cast<int64_t>(meta.revision));
    if (!more) return absl::OkStatus();
    FISCAL_ASSIGN_OR_RETURN(const domain::Moment at, MomentAt(log_, meta.position));
    response->set_next_page_token(
        call.MakeToken(bound, absl::StrCat(at.Text(), " ", meta.revision, " ", last)));
    return absl::OkStatus();
  }

  const SubmissionParts p_;
  Committer& committer_;
  const storage::EventLog& log_;
  const storage::HeadReader& heads_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeSubmissionService(const SubmissionParts& parts) {
  return std::make_unique<SubmissionRpc>(parts);
}

}  // namespace fiscal::services
