// Tenants of one server, while it is killed with SIGKILL again and again: nobody hears what is
// another's.
//
// Every text and every amount that a tenant sends carries its mark. Four of them write, read, list,
// page, explain, watch and validate their own, and ask for each other's budgets, with each other's
// tokens and positions, too. All that any of them receives, messages and errors, is searched for
// marks of the others; all that the server writes to stderr and to /metrics for anybody's.
// FISCAL_CANARY_KILLS sets the number of kills (6 unless it says otherwise).
#include <atomic>
#include <cstdlib>
#include <functional>
#include <random>
#include <set>
#include <thread>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "clients/cpp/error.h"
#include "fiscal/aggregation/v1/aggregation_service.grpc.pb.h"
#include "fiscal/authority/v1/authority_service.grpc.pb.h"
#include "fiscal/disclosure/v1/disclosure_service.grpc.pb.h"
#include "fiscal/federation/v1/federation_service.grpc.pb.h"
#include "fiscal/log/v1/event_log_service.grpc.pb.h"
#include "fiscal/submission/v1/submission_service.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "tests/support/catalog.h"
#include "tests/support/children.h"
#include "tests/support/guarded_child.h"

namespace fiscal {
namespace {

namespace agg = fiscal::aggregation::v1;
namespace auth = fiscal::authority::v1;
namespace sub = fiscal::submission::v1;
using Channel = std::shared_ptr<grpc::Channel>;

constexpr int kTenants = 4;
// Agencies of a tenant, which is a department; the first has statements of one line, whose total is
// the amount of a line.
constexpr int kAgencies = 3;

constexpr char kMark[] = "canary";
std::string MarkOf(int tenant) { return absl::StrCat(kMark, tenant, "x"); }
// Amounts have eleven digits, of which the first six are the tenant's.
constexpr int64_t kAmounts[kTenants] = {731903, 846127, 592831, 468219};
constexpr int64_t kAmountsOfOne = 100000;
constexpr size_t kAmountDigits = 11;

// Whose amount it is; -1 for nobody's.
int OwnerOf(uint64_t amount) {
  for (int t = 0; t < kTenants; ++t) {
    if (amount / kAmountsOfOne == static_cast<uint64_t>(kAmounts[t])) return t;
  }
  return -1;
}

// The tenants of whom something is in the bytes: a text, an amount in decimals, with separators or
// without, or as protobuf and the log write numbers.
std::set<int> MarksIn(absl::string_view bytes) {
  std::set<int> found;
  for (size_t at = bytes.find(kMark); at != absl::string_view::npos;
       at = bytes.find(kMark, at + 1)) {
    const size_t digit = at + sizeof(kMark) - 1;
    if (digit < bytes.size() && bytes[digit] >= '0' && bytes[digit] < '0' + kTenants)
      found.insert(bytes[digit] - '0');
  }
  std::string digits;
  const auto number = [&] {
    for (size_t i = 0; i + kAmountDigits <= digits.size(); ++i)
      found.insert(OwnerOf(std::strtoull(digits.substr(i, kAmountDigits).c_str(), nullptr, 10)));
    digits.clear();
  };
  for (size_t at = 0; at < bytes.size(); ++at) {
    const char c = bytes[at];
    if (c >= '0' && c <= '9') {
      digits += c;
    } else if (c != ',' && c != '.' && !digits.empty()) {
      number();
    }
    uint64_t value = 0;
    for (size_t i = 0; i < 6 && at + i < bytes.size(); ++i) {
      const uint64_t byte = static_cast<unsigned char>(bytes[at + i]);
      value |= (byte & 127) << (7 * i);
      if (byte >= 128) continue;
      // All of them take six bytes, as the zigzag of their negatives does.
      if (i == 5) {
        found.insert(OwnerOf(value));
        found.insert(OwnerOf((value + 1) / 2));
      }
      break;
    }
  }
  number();
  found.erase(-1);
  return found;
}

TEST(CanaryTest, MarksAreFound) {
  const int64_t amount = kAmounts[2] * kAmountsOfOne + 4711;
  budget::v1::LineItem line;
  EXPECT_EQ(MarksIn(line.SerializeAsString()), std::set<int>());
  line.set_amount_fen(amount);
  EXPECT_EQ(MarksIn(line.SerializeAsString()), std::set<int>{2});
  EXPECT_EQ(MarksIn(absl::StrCat("is ", amount, " fen")), std::set<int>{2});
  EXPECT_EQ(MarksIn("592,831,047.11"), std::set<int>{2});
  EXPECT_EQ(MarksIn("592831046"), std::set<int>());
  line.set_amount_fen(1);
  line.set_note("of " + MarkOf(1));
  EXPECT_EQ(MarksIn(line.SerializeAsString()), std::set<int>{1});
}

// What tenants know of each other: what somebody who looks over a shoulder may have.
struct Stolen {
  std::string page_token, explain_token, resume_token, position;
};
class Board {
 public:
  void Put(int tenant, const std::string Stolen::*what, const std::string& value) {
    absl::MutexLock lock(&mu_);
    if (!value.empty()) stolen_[tenant].*const_cast<std::string Stolen::*>(what) = value;
  }
  Stolen Of(int tenant) const {
    absl::MutexLock lock(&mu_);
    return stolen_[tenant];
  }

 private:
  mutable absl::Mutex mu_;
  Stolen stolen_[kTenants] ABSL_GUARDED_BY(mu_);
};

struct Counts {
  std::atomic<int64_t> answers{0}, refusals{0}, interrupted{0}, bytes{0};
};

// By the server's death, or its start.
bool Interrupted(const client::Error& error) {
  return error.code == grpc::StatusCode::UNAVAILABLE ||
         (error.code == grpc::StatusCode::CANCELLED && error.reason.empty());
}

// Somebody who may hear of some tenants, and looks at all that he hears.
class Listener {
 public:
  Listener(std::string name, std::set<int> may, Channel channel, Counts& counts)
      : name_(std::move(name)),
        may_(std::move(may)),
        channel_(std::move(channel)),
        counts_(counts) {}

  const Channel& channel() const { return channel_; }
  bool HasHeardOf(int tenant) const { return heard_[tenant]; }

  void Prepare(grpc::ClientContext* context) const {
    context->set_wait_for_ready(true);
    context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  }
  // Searches; counts the server's death as nothing.
  void Hear(absl::string_view bytes, const char* what) const {
    counts_.bytes += static_cast<int64_t>(bytes.size());
    for (int tenant : MarksIn(bytes)) {
      heard_[tenant] = true;
      EXPECT_TRUE(may_.count(tenant) > 0) << name_ << " hears of tenant " << tenant << " from "
                                          << what << ": " << absl::CHexEscape(bytes.substr(0, 500));
    }
  }
  client::Error HearEnd(const grpc::ClientContext& context, const grpc::Status& status,
                        const char* what) const {
    std::string bytes = absl::StrCat(status.error_message(), "\n", status.error_details());
    for (const auto& [key, value] : context.GetServerTrailingMetadata()) {
      absl::StrAppend(&bytes, "\n", absl::string_view(key.data(), key.size()), ": ",
                      absl::string_view(value.data(), value.size()));
    }
    Hear(bytes, what);
    client::Error error = client::ToError(status);
    (Interrupted(error) ? counts_.interrupted : status.ok() ? counts_.answers : counts_.refusals)++;
    return error;
  }
  template <typename Stub, typename Request, typename Response>
  client::Error Ask(Stub& stub,
                    grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                    const Request& request, Response* response) const {
    grpc::ClientContext context;
    Prepare(&context);
    const grpc::Status status = (stub.*method)(&context, request, response);
    const char* what = Request::descriptor()->full_name().c_str();
    Hear(response->SerializeAsString(), what);
    return HearEnd(context, status, what);
  }
  // A stream's messages until `enough` or its end.
  template <typename Response>
  client::Error Drain(grpc::ClientContext* context, grpc::ClientReader<Response>* reader,
                      const std::function<bool(const Response&)>& enough) const {
    Response response;
    const char* what = Response::descriptor()->full_name().c_str();
    bool over = false;
    while (!over && reader->Read(&response)) {
      Hear(response.SerializeAsString(), what);
      over = enough(response);
    }
    if (over) context->TryCancel();
    const grpc::Status status = reader->Finish();
    const client::Error error = HearEnd(*context, status, what);
    return over ? client::Error() : error;
  }

 private:
  const std::string name_;
  const std::set<int> may_;
  const Channel channel_;
  Counts& counts_;
  mutable std::atomic<bool> heard_[kTenants] = {};
};

budget::v1::BudgetKey KeyOf(int tenant, int agency) {
  return testing::MakeBudget(10 * tenant + agency, 0, 1, "").budget();
}

// One that exists of its own, and asks for what does not.
class Tenant {
 public:
  Tenant(int number, Channel channel, Counts& counts, Board& board)
      : number_(number),
        board_(board),
        random_(static_cast<uint64_t>(number) + 11),
        listener_(absl::StrCat("tenant ", number), {number}, std::move(channel), counts),
        submission_(sub::SubmissionService::NewStub(listener_.channel())),
        totals_(agg::AggregationService::NewStub(listener_.channel())) {}

  void DoSomething() {
    switch (Below(10)) {
      case 0:
      case 1:
      case 2:
        return Write();
      case 3:
        return ReadOwn();
      case 4:
        return Explain();
      case 5:
        return Totals();
      case 6:
        return Watch(number_, "");
      case 7:
        return Stream();
      default:
        return AskForeign();
    }
  }

 private:
  uint64_t Below(uint64_t n) { return random_() % n; }
  int Agency() { return static_cast<int>(Below(kAgencies)); }
  int Other() { return (number_ + 1 + static_cast<int>(Below(kTenants - 1))) % kTenants; }

  // Of one's own nothing fails but for the kill.
  static void Mine(const client::Error& error) {
    EXPECT_TRUE(error.code == grpc::StatusCode::OK || Interrupted(error))
        << error.code << " " << error.reason << " " << error.message;
  }
  static void Foreign(const client::Error& error, const char* what) {
    EXPECT_TRUE(error.reason == "RIGHT_NOT_GRANTED" || Interrupted(error))
        << what << ": " << error.code << " " << error.reason << " " << error.message;
  }

  // A statement; of others' agencies it has no mark at all.
  sub::SubmitBudgetRequest Statement(int tenant, int agency) {
    const int lines = agency == 0 ? 1 : 1 + static_cast<int>(Below(5));
    // Some ids are the same for everybody.
    const std::string id = absl::StrCat("r", ++sent_);
    sub::SubmitBudgetRequest r = testing::MakeBudget(10 * tenant + agency, lines, random_(), id);
    if (tenant != number_) return r;
    const std::string mark = MarkOf(number_);
    if (Below(2) == 0) r.set_request_id(absl::StrCat(id, ".", mark));
    r.set_note("note " + mark);
    budget::v1::Project* project = r.add_projects();
    project->set_project_code("P1." + mark);
    project->set_name("项目 " + mark);
    for (budget::v1::LineItem& line : *r.mutable_line_items()) {
      line.set_line_id(absl::StrCat(line.line_id(), ".", mark));
      line.set_note("of " + mark);
      if (Below(2) == 0) line.set_project_code(project->project_code());
      line.set_amount_fen(kAmounts[number_] * kAmountsOfOne +
                          static_cast<int64_t>(Below(kAmountsOfOne)));
    }
    return r;
  }

  void Write() {
    const sub::SubmitBudgetRequest request = Statement(number_, Agency());
    if (Below(4) == 0) {
      sub::ValidateBudgetRequest validate;
      *validate.mutable_budget() = request;
      sub::ValidateBudgetResponse answer;
      return Mine(listener_.Ask(*submission_, &sub::SubmissionService::Stub::ValidateBudget,
                                validate, &answer));
    }
    sub::SubmitBudgetResponse receipt;
    Mine(listener_.Ask(*submission_, &sub::SubmissionService::Stub::SubmitBudget, request,
                       &receipt));
    board_.Put(number_, &Stolen::position, receipt.position());
    if (!receipt.position().empty()) written_ = true;
  }

  void ReadOwn() {
    if (!written_) return;
    sub::ListBudgetsRequest list;
    list.set_division_code("141100");
    list.set_fiscal_year(2024);
    list.set_stage(budget::v1::STAGE_APPROVED);
    list.set_department_code(testing::DepartmentCode(10 * number_));
    sub::ListBudgetsResponse budgets;
    Mine(listener_.Ask(*submission_, &sub::SubmissionService::Stub::ListBudgets, list, &budgets));
    for (const budget::v1::Budget& budget : budgets.budgets()) {
      sub::GetBudgetRequest get;
      *get.mutable_budget() = budget.key();
      sub::GetBudgetResponse got;
      Mine(listener_.Ask(*submission_, &sub::SubmissionService::Stub::GetBudget, get, &got));
      sub::ListProjectsRequest projects;
      *projects.mutable_budget() = budget.key();
      sub::ListProjectsResponse named;
      Mine(listener_.Ask(*submission_, &sub::SubmissionService::Stub::ListProjects, projects,
                         &named));
      sub::ListLineItemsRequest lines;
      *lines.mutable_budget() = budget.key();
      lines.set_page_size(2);
      sub::ListLineItemsResponse page;
      do {
        page.Clear();
        const client::Error error =
            listener_.Ask(*submission_, &sub::SubmissionService::Stub::ListLineItems, lines, &page);
        // Between two pages the statement was replaced by nobody else, but a kill may lie there.
        Mine(error);
        lines.set_page_token(page.next_page_token());
        board_.Put(number_, &Stolen::page_token, page.next_page_token());
      } while (!page.next_page_token().empty());
    }
  }

  static agg::TotalFilter FilterOf(int tenant) {
    agg::TotalFilter filter;
    filter.set_division_code("141100");
    filter.set_department_code(testing::DepartmentCode(10 * tenant));
    filter.set_fiscal_year(2024);
    filter.set_stage(budget::v1::STAGE_APPROVED);
    filter.set_direction(budget::v1::DIRECTION_EXPENDITURE);
    return filter;
  }
  static agg::TotalFilter FilterOf(int tenant, int agency) {
    agg::TotalFilter filter = FilterOf(tenant);
    filter.clear_department_code();
    filter.set_agency_code(testing::AgencyCode(10 * tenant + agency));
    return filter;
  }

  void Explain() {
    if (!written_) return;
    agg::ExplainTotalRequest request;
    *request.mutable_filter() = FilterOf(number_);
    request.set_line_items(true);
    request.set_page_size(2);
    agg::ExplainTotalResponse page;
    for (int pages = 0; pages < 3; ++pages) {
      page.Clear();
      Mine(listener_.Ask(*totals_, &agg::AggregationService::Stub::ExplainTotal, request, &page));
      if (page.next_page_token().empty()) return;
      request.set_page_token(page.next_page_token());
      board_.Put(number_, &Stolen::explain_token, page.next_page_token());
    }
  }

  void Totals() {
    agg::ListTotalsRequest list;
    *list.mutable_filter() = FilterOf(number_);
    list.add_group_by()->set_dimension(Below(2) == 0 ? agg::DIMENSION_AGENCY
                                                     : agg::DIMENSION_PROJECT);
    agg::ListTotalsResponse rows;
    Mine(listener_.Ask(*totals_, &agg::AggregationService::Stub::ListTotals, list, &rows));
    // At the position of another's statement, which is no secret.
    agg::GetTotalRequest get;
    *get.mutable_filter() = FilterOf(number_, Agency());
    get.mutable_consistency()->set_at_least(board_.Of(Other()).position);
    if (get.consistency().at_least().empty()) get.clear_consistency();
    agg::GetTotalResponse total;
    Mine(listener_.Ask(*totals_, &agg::AggregationService::Stub::GetTotal, get, &total));
  }

  // A few messages of a watch of a tenant's money, from a token where there is one.
  void Watch(int of, const std::string& token) {
    agg::WatchTotalsRequest request;
    *request.add_filters()->mutable_filter() = FilterOf(of);
    request.mutable_filters(0)->add_group_by()->set_dimension(agg::DIMENSION_AGENCY);
    request.set_resume_token(token);
    request.mutable_progress_interval()->set_seconds(1);
    request.set_previous_amounts(true);
    grpc::ClientContext context;
    listener_.Prepare(&context);
    const auto reader = totals_->WatchTotals(&context, request);
    uint64_t left = 1 + Below(4);
    const client::Error error = listener_.Drain<agg::WatchTotalsResponse>(
        &context, reader.get(), [&](const agg::WatchTotalsResponse& message) {
          board_.Put(of, &Stolen::resume_token, message.resume_token());
          return --left == 0 || message.event() == agg::WATCH_EVENT_CAUGHT_UP;
        });
    of == number_ ? Mine(error) : Foreign(error, "watch");
  }

  void Stream() {
    grpc::ClientContext context;
    listener_.Prepare(&context);
    const auto stream = submission_->StreamBudgets(&context);
    const int other = Other();
    sub::StreamBudgetsRequest mine, foreign;
    *mine.mutable_budget() = Statement(number_, Agency());
    *foreign.mutable_budget() = Statement(other, Agency());
    bool open = stream->Write(mine) && stream->Write(foreign);
    stream->WritesDone();
    sub::StreamBudgetsResponse answer;
    while (open && stream->Read(&answer)) {
      listener_.Hear(answer.SerializeAsString(), "StreamBudgets");
      if (answer.index() == 1) {
        EXPECT_EQ(client::ToError(answer.error()).reason, "RIGHT_NOT_GRANTED");
      }
    }
    Mine(listener_.HearEnd(context, stream->Finish(), "StreamBudgets"));
  }

  template <typename Stub, typename Request, typename Response>
  void Refused(Stub& stub,
               grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
               const Request& request) {
    Response response;
    Foreign(listener_.Ask(stub, method, request, &response), Request::descriptor()->name().c_str());
  }

  void AskForeign() {
    const int other = Other(), agency = Agency();
    const Stolen stolen = board_.Of(other);
    using Submission = sub::SubmissionService::Stub;
    using Totals = agg::AggregationService::Stub;
    switch (Below(18)) {
      case 0: {
        sub::GetBudgetRequest request;
        *request.mutable_budget() = KeyOf(other, agency);
        return Refused(*submission_, &Submission::GetBudget, request);
      }
      case 1: {
        sub::ListLineItemsRequest request;
        *request.mutable_budget() = KeyOf(other, agency);
        request.set_page_token(stolen.page_token);
        return Refused(*submission_, &Submission::ListLineItems, request);
      }
      case 2: {
        // With another's token for what is one's own.
        if (!written_ || stolen.page_token.empty()) return;
        sub::ListLineItemsRequest request;
        *request.mutable_budget() = KeyOf(number_, agency);
        request.set_page_token(stolen.page_token);
        sub::ListLineItemsResponse response;
        listener_.Ask(*submission_, &Submission::ListLineItems, request, &response);
        return;
      }
      case 3: {
        if (stolen.explain_token.empty()) return;
        agg::ExplainTotalRequest request;
        *request.mutable_filter() = FilterOf(number_);
        request.set_page_token(stolen.explain_token);
        request.set_line_items(true);
        agg::ExplainTotalResponse response;
        listener_.Ask(*totals_, &Totals::ExplainTotal, request, &response);
        *request.mutable_filter() = FilterOf(other);
        return Refused(*totals_, &Totals::ExplainTotal, request);
      }
      case 4:
        return Watch(other, stolen.resume_token);
      case 5: {
        sub::ListBudgetsRequest request;
        request.set_division_code("141100");
        request.set_fiscal_year(2024);
        request.set_stage(budget::v1::STAGE_APPROVED);
        if (Below(2) == 0) request.set_department_code(testing::DepartmentCode(10 * other));
        return Refused(*submission_, &Submission::ListBudgets, request);
      }
      case 6: {
        sub::SubmitBudgetRequest request = Statement(other, agency);
        if (Below(2) == 0) request.set_expected_revision(static_cast<int64_t>(Below(4)));
        request.set_validate_only(Below(2) == 0);
        return Refused(*submission_, &Submission::SubmitBudget, request);
      }
      case 7: {
        sub::ValidateBudgetRequest request;
        *request.mutable_budget() = Statement(other, agency);
        return Refused(*submission_, &Submission::ValidateBudget, request);
      }
      case 8: {
        sub::WithdrawBudgetRequest request;
        request.set_request_id(absl::StrCat("w", ++sent_));
        *request.mutable_budget() = KeyOf(other, agency);
        return Refused(*submission_, &Submission::WithdrawBudget, request);
      }
      case 9: {
        agg::BatchGetTotalsRequest request;
        *request.add_filters() = FilterOf(number_);
        *request.add_filters() = FilterOf(other, agency);
        return Refused(*totals_, &Totals::BatchGetTotals, request);
      }
      case 10: {
        agg::CompareTotalsRequest request;
        *request.mutable_left()->mutable_filter() = FilterOf(number_);
        *request.mutable_right()->mutable_filter() = FilterOf(other);
        return Refused(*totals_, &Totals::CompareTotals, request);
      }
      case 11: {
        agg::ListTotalsRequest request;
        *request.mutable_filter() = FilterOf(other);
        if (Below(2) == 0) request.mutable_filter()->clear_department_code();
        request.add_group_by()->set_dimension(agg::DIMENSION_AGENCY);
        return Refused(*totals_, &Totals::ListTotals, request);
      }
      case 12: {
        agg::GetCoverageRequest request;
        request.set_division_code("141100");
        request.set_department_code(testing::DepartmentCode(10 * other));
        request.set_fiscal_year(2024);
        request.set_stage(budget::v1::STAGE_APPROVED);
        return Refused(*totals_, &Totals::GetCoverage, request);
      }
      case 13: {
        log::v1::GetInclusionProofRequest request;
        request.set_position(stolen.position);
        const auto stub = log::v1::EventLogService::NewStub(listener_.channel());
        return Refused(*stub, &log::v1::EventLogService::Stub::GetInclusionProof, request);
      }
      case 14: {
        grpc::ClientContext context;
        listener_.Prepare(&context);
        log::v1::ReadRequest request;
        request.set_until_head(true);
        const auto reader =
            log::v1::EventLogService::NewStub(listener_.channel())->Read(&context, request);
        return Foreign(listener_.Drain<log::v1::ReadResponse>(&context, reader.get(),
                                                              [](const auto&) { return false; }),
                       "log");
      }
      case 15: {
        federation::v1::GetDigestsRequest request;
        request.set_fiscal_year(2024);
        request.set_stage(budget::v1::STAGE_APPROVED);
        request.set_division_code("141100");
        request.set_agency_code(testing::AgencyCode(10 * other + agency));
        const auto stub = federation::v1::FederationService::NewStub(listener_.channel());
        return Refused(*stub, &federation::v1::FederationService::Stub::GetDigests, request);
      }
      case 16: {
        disclosure::v1::GetTablesRequest request;
        request.mutable_subject()->set_division_code("141100");
        request.mutable_subject()->set_department_code(testing::DepartmentCode(10 * other));
        request.mutable_subject()->set_fiscal_year(2024);
        request.mutable_subject()->set_stage(budget::v1::STAGE_APPROVED);
        const auto stub = disclosure::v1::DisclosureService::NewStub(listener_.channel());
        return Refused(*stub, &disclosure::v1::DisclosureService::Stub::GetTables, request);
      }
      default: {
        auth::GrantRequest request;
        request.set_principal(testing::GuardedChild::PrincipalOf(absl::StrCat("agency/", number_)));
        request.set_role("auditor");
        const auto stub = auth::AuthorityService::NewStub(listener_.channel());
        return Refused(*stub, &auth::AuthorityService::Stub::Grant, request);
      }
    }
  }

  const int number_;
  Board& board_;
  std::mt19937_64 random_;
  const Listener listener_;
  const std::unique_ptr<sub::SubmissionService::Stub> submission_;
  const std::unique_ptr<agg::AggregationService::Stub> totals_;
  int sent_ = 0;
  bool written_ = false;
};

// One who reads what is posted, and one who copies the log, each of one tenant's part.
void ReadParts(const Listener& consumer, const Listener& copy) {
  {
    grpc::ClientContext context;
    consumer.Prepare(&context);
    const auto reader =
        federation::v1::FederationService::NewStub(consumer.channel())->ReadPostings(&context, {});
    const client::Error error = consumer.Drain<federation::v1::ReadPostingsResponse>(
        &context, reader.get(), [](const federation::v1::ReadPostingsResponse& response) {
          return response.events_size() > 0 &&
                 response.events(response.events_size() - 1).position() == response.head_position();
        });
    EXPECT_TRUE(error.code == grpc::StatusCode::OK || Interrupted(error)) << error.message;
  }
  grpc::ClientContext context;
  copy.Prepare(&context);
  log::v1::ReadRequest request;
  request.set_until_head(true);
  const auto reader = log::v1::EventLogService::NewStub(copy.channel())->Read(&context, request);
  const client::Error error =
      copy.Drain<log::v1::ReadResponse>(&context, reader.get(), [](const auto&) { return false; });
  EXPECT_TRUE(error.code == grpc::StatusCode::OK || Interrupted(error)) << error.message;
}

TEST(CanaryTest, NobodyHearsWhatIsAnothers) {
  const char* asked = std::getenv("FISCAL_CANARY_KILLS");
  const int kills = asked == nullptr ? 6 : std::atoi(asked);
  testing::GuardedChild server("canary");
  server.Start();
  const Channel lists = server.As("lists");
  ASSERT_TRUE(server.AwaitServing(lists));
  ASSERT_EQ(server.Grant("lists", "catalog-owner"), "");
  ASSERT_EQ(server.Grant("consumer", "consumer", testing::DepartmentCode(10)), "");
  ASSERT_EQ(server.Grant("copy", "replica", testing::DepartmentCode(20)), "");
  for (int t = 0; t < kTenants; ++t) {
    ASSERT_EQ(
        server.Grant(absl::StrCat("agency/", t), "submitter", testing::DepartmentCode(10 * t)), "");
  }
  ASSERT_TRUE(testing::ImportSmallCatalog(lists, 10 * kTenants));

  Counts counts;
  Board board;
  std::atomic<bool> over{false};
  absl::Mutex mu;
  std::vector<std::thread> threads;
  const auto run = [&](std::function<void()> step) {
    threads.emplace_back([&, step] {
      while (!over) {
        step();
        // So that who waits looks again.
        absl::MutexLock lock(&mu);
      }
    });
  };
  const auto await = [&](int64_t answers) {
    absl::MutexLock lock(&mu);
    const int64_t enough = counts.answers + counts.refusals + answers;
    auto reached = [&]() { return counts.answers + counts.refusals >= enough; };
    mu.Await(absl::Condition(&reached));
  };
  std::vector<std::unique_ptr<Tenant>> tenants;
  for (int t = 0; t < kTenants; ++t) {
    tenants.push_back(
        std::make_unique<Tenant>(t, server.As(absl::StrCat("agency/", t)), counts, board));
    run([tenant = tenants.back().get()] { tenant->DoSomething(); });
  }
  const Listener consumer("consumer", {1}, server.As("consumer"), counts);
  const Listener copy("copy", {2}, server.As("copy"), counts);
  run([&] { ReadParts(consumer, copy); });

  std::mt19937_64 random(9);
  std::string metrics;
  for (int kill = 0; kill < kills; ++kill) {
    await(1000 + static_cast<int64_t>(random() % 2000));
    metrics += server.Metrics();
    server.Kill();
    server.Start();
  }
  await(1000);
  over = true;
  for (std::thread& thread : threads) thread.join();
  metrics += server.Metrics();
  const std::string lines = server.Log();
  EXPECT_EQ(MarksIn(lines), std::set<int>()) << lines.substr(0, 2000);
  EXPECT_EQ(MarksIn(metrics), std::set<int>());
  EXPECT_FALSE(lines.empty());
  EXPECT_FALSE(metrics.empty());
  // Marks are where they may be.
  EXPECT_TRUE(consumer.HasHeardOf(1));
  EXPECT_TRUE(copy.HasHeardOf(2));
  EXPECT_GT(counts.answers, 0);
  EXPECT_GT(counts.refusals, 0);
  std::printf(
      "%d kills, %lld answers, %lld refusals, %lld interrupted, %lld bytes heard, %zu of log, %zu "
      "of metrics, 0 marks of others\n",
      kills, static_cast<long long>(counts.answers), static_cast<long long>(counts.refusals),
      static_cast<long long>(counts.interrupted), static_cast<long long>(counts.bytes),
      lines.size(), metrics.size());
}

}  // namespace
}  // namespace fiscal

int main(int argc, char** argv) {
  if (const auto served = fiscal::testing::ServeIfAsked(argc, argv)) return *served;
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
