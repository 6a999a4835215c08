// The matrix: every method x every role x every kind of place x every kind of caller x every way of
// asking, against an oracle that knows nothing of the product (authority_oracle.h).
//
//   InProcess  the gates of a living server, asked directly: every cell of the methods that read
//   OverTheWire  real connections with certificates: every method x role at its own place and at
//              another's, and a seeded slice of all other cells, writes, streams of the log
//              and foreign tokens among them. FISCAL_MATRIX=all: all of them. FISCAL_MATRIX_SEED=n:
//              the slice that a run named.
//   Callers    those whose certificates don't count, in process with each role, and over the wire.
//
// Requests are made by reflection: the fields of a place have the same names everywhere.
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "clients/cpp/error.h"
#include "domain/authority/role.h"
#include "domain/reason.h"
#include "fiscal/authority/v1/authority_service.grpc.pb.h"
#include "fiscal/federation/v1/federation_service.pb.h"
#include "fiscal/log/v1/event_log_service.pb.h"
#include "fiscal/method/v1/method.pb.h"
#include "fiscal/submission/v1/submission_service.grpc.pb.h"
#include "google/protobuf/dynamic_message.h"
#include "google/protobuf/text_format.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "services/rpc/gate.h"
#include "services/rpc/identities.h"
#include "services/rpc/methods.h"
#include "tests/integration/authority_oracle.h"
#include "tests/integration/tenants.h"
#include "tests/support/catalog.h"

namespace fiscal::testing {
namespace {

namespace auth = fiscal::authority::v1;
namespace fed = fiscal::federation::v1;
namespace log = fiscal::log::v1;
namespace sub = fiscal::submission::v1;
using Channel = std::shared_ptr<grpc::Channel>;
using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using oracle::Ask;
using oracle::Extent;
using oracle::Grain;
using oracle::Place;
using services::rpc::Caller;
using services::rpc::Method;

// The caller that has every role for everything.
constexpr char kAll[] = "all";
// Cells over the wire besides those that always are.
constexpr size_t kSliceCells = 15000;
constexpr char kPermitted[] = "permitted", kUnseen[] = "let in, and does not see the event",
               kRefused[] = "PRINCIPAL_REFUSED", kNotConnected[] = "not connected",
               kForeignToken[] = "let in, and the token is another's";

enum class Way { kOne, kBatch, kToken };
const char* NameOf(Way way) {
  return way == Way::kOne ? "" : way == Way::kBatch ? " in a batch" : " with another's token";
}

const Method* MethodOf(const std::string& name) {
  for (const Method& method : services::rpc::Methods()) {
    if (absl::EndsWith(method.name(), "." + name)) return &method;
  }
  return nullptr;
}

std::unique_ptr<Message> NewRequest(const Method& method) {
  const Descriptor* type =
      google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(method.request);
  return std::unique_ptr<Message>(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(type)->New());
}

// Messages in which a field of a place's name is one.
bool HoldsPlaces(const Descriptor& type) {
  static const auto* names =
      new std::set<std::string>{"BudgetKey",   "TotalFilter",         "TotalSide",
                                "WatchFilter", "SubmitBudgetRequest", "DisclosureSubject"};
  return names->count(type.name()) != 0;
}

void SetField(Message* message, const FieldDescriptor& field, const Place& place, Grain grain) {
  const google::protobuf::Reflection& r = *message->GetReflection();
  const std::string& name = field.name();
  if (name == "division_code") r.SetString(message, &field, place.division);
  if (name == "division_codes") r.AddString(message, &field, place.division);
  if (name == "department_code" && grain == Grain::kDepartment)
    r.SetString(message, &field, place.department);
  if (name == "agency_code" && grain == Grain::kAgency) r.SetString(message, &field, place.agency);
  if (name == "fiscal_year") r.SetInt32(message, &field, place.year);
  if (name == "stage")
    r.SetEnum(message, &field, field.enum_type()->FindValueByName("STAGE_" + place.stage));
  if (name == "own_level") r.SetBool(message, &field, grain == Grain::kOwnLevel);
  if (name == "include_children") r.SetBool(message, &field, grain == Grain::kBelow);
}

// The last place is that of single fields; repeated ones get all; a left side gets the first.
void Fill(Message* message, const std::vector<Place>& places, Grain grain) {
  const google::protobuf::Reflection& r = *message->GetReflection();
  for (int i = 0; i < message->GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor& field = *message->GetDescriptor()->field(i);
    if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
      for (const Place& place : places) SetField(message, field, place, grain);
      continue;
    }
    if (!HoldsPlaces(*field.message_type())) continue;
    if (!field.is_repeated()) {
      Fill(r.MutableMessage(message, &field),
           field.name() == "left"    ? std::vector<Place>{places[0]}
           : field.name() == "right" ? std::vector<Place>{places.back()}
                                     : places,
           grain);
      continue;
    }
    std::unique_ptr<Message> first;
    if (r.FieldSize(*message, &field) > 0) {
      first.reset(r.GetRepeatedMessage(*message, &field, 0).New());
      first->CopyFrom(r.GetRepeatedMessage(*message, &field, 0));
    }
    r.ClearField(message, &field);
    for (const Place& place : places) {
      Message* element = r.AddMessage(message, &field);
      if (first != nullptr) element->CopyFrom(*first);
      Fill(element, {place}, grain);
    }
  }
}

// True when a request can be about several places.
bool TakesSeveral(const Descriptor& type) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (field.name() == "division_codes" || field.name() == "left") return true;
    if (field.is_repeated() && field.message_type() != nullptr &&
        HoldsPlaces(*field.message_type()))
      return true;
  }
  return false;
}

const FieldDescriptor* TokenOf(const Descriptor& type) {
  const FieldDescriptor* field = type.FindFieldByName("page_token");
  return field != nullptr ? field : type.FindFieldByName("resume_token");
}

// One question of the matrix, and who asks it.
struct Cell {
  const Ask* ask;
  std::string role;
  const Extent* extent;
  const Place* place;
  Grain grain;
  Way way;

  std::string caller() const {
    std::string path = absl::StrCat("matrix/", role.empty() ? "none" : role, "/", extent->name);
    std::replace(path.begin(), path.end(), ' ', '-');
    return path;
  }
  std::vector<Place> places() const {
    if (way == Way::kBatch) return {oracle::Places()[0], *place};
    return {*place};
  }
  std::string Text() const {
    return absl::StrCat(ask->method, ask->variant.empty() ? "" : " " + ask->variant, " by ",
                        role.empty() ? "nobody" : role, " of ", extent->name, " at ", place->name,
                        ", ", oracle::NameOf(grain), NameOf(way));
  }
  // What may come of it.
  std::set<std::string> Expected() const {
    const oracle::Expected expected = oracle::Expect(role, *extent, *ask, places(), grain);
    std::set<std::string> outcomes;
    for (const std::string& right : expected.missing) outcomes.insert("denied " + right);
    if (outcomes.empty()) {
      outcomes.insert(way == Way::kToken ? kForeignToken : expected.seen ? kPermitted : kUnseen);
    }
    return outcomes;
  }
};

std::string OutcomeOf(const client::Error& error) {
  if (error.code == grpc::StatusCode::PERMISSION_DENIED && error.reason == "RIGHT_NOT_GRANTED")
    return "denied " + (error.metadata.count("right") ? error.metadata.at("right") : "nothing");
  if (error.code == grpc::StatusCode::PERMISSION_DENIED ||
      error.code == grpc::StatusCode::UNAUTHENTICATED)
    return error.reason.empty() ? error.message : error.reason;
  if (error.code == grpc::StatusCode::UNAVAILABLE && error.reason.empty()) return kNotConnected;
  // Neither says anything of rights.
  if (error.code == grpc::StatusCode::UNIMPLEMENTED ||
      error.code == grpc::StatusCode::RESOURCE_EXHAUSTED) {
    return error.message;
  }
  return kPermitted;
}

struct Answer {
  grpc::Status status;
  std::vector<std::string> messages;
  bool enough = false;
};

// Sends one message and reads until the answer ends or `enough` of it is there.
Answer Call(const Channel& channel, const std::string& path, const std::string& request,
            const std::function<bool(const std::string&)>& enough) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Minutes(2)));
  grpc::CompletionQueue queue;
  const auto done = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  grpc::GenericStub stub(channel);
  const auto call = stub.PrepareCall(&context, path, &queue);
  Answer answer;
  call->StartCall(nullptr);
  if (done()) {
    const grpc::Slice slice(request);
    call->WriteLast(grpc::ByteBuffer(&slice, 1), grpc::WriteOptions(), nullptr);
    done();
    grpc::ByteBuffer bytes;
    for (call->Read(&bytes, nullptr); done(); call->Read(&bytes, nullptr)) {
      grpc::Slice whole;
      if (!bytes.DumpToSingleSlice(&whole).ok()) break;
      answer.messages.emplace_back(reinterpret_cast<const char*>(whole.begin()), whole.size());
      if (answer.enough || !enough(answer.messages.back())) continue;
      answer.enough = true;
      context.TryCancel();
    }
  }
  call->Finish(&answer.status, nullptr);
  done();
  queue.Shutdown();
  while (done()) continue;
  return answer;
}

// A message of a stream that answers, as what it is.
template <typename Response>
Response Parsed(const std::string& bytes) {
  Response response;
  EXPECT_TRUE(response.ParseFromString(bytes));
  return response;
}

class AuthorityMatrixTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    // Rates are tried in shares_test.cc.
    tenants_ = new Tenants("enforce", [](config::v1::ServerConfig* server) {
      config::v1::ShareConfig& share = *server->add_shares();
      share.set_principal(Tenants::PrincipalOf("*"));
      share.set_requests_per_second(1000000);
      share.set_cost_per_second(1000000000000);
    });
    for (const auto& [role, rights] : oracle::Roles()) {
      if (role.empty()) continue;
      tenants_->Grant(kAll, role);
      for (const Extent& extent : oracle::Extents()) {
        auth::GrantScope scope;
        scope.set_division_code(extent.division);
        scope.set_own_level(extent.own_level);
        if (!extent.department.empty()) scope.add_department_codes(extent.department);
        if (!extent.agency.empty()) scope.add_agency_codes(extent.agency);
        scope.set_first_fiscal_year(extent.year);
        scope.set_last_fiscal_year(extent.year);
        if (!extent.stage.empty()) scope.add_stages(budget::v1::STAGE_APPROVED);
        tenants_->Grant(Cell{nullptr, role, &extent}.caller(), role, scope);
      }
    }
    for (int year : {2024, 2025}) ASSERT_TRUE(ImportTwoCities(tenants_->As(kAll), 12, year));
    events_ = new std::vector<std::string>();
    for (const Place& place : oracle::Places()) {
      sub::SubmitBudgetRequest request =
          MakeBudget(0, 3, 1, absl::StrCat("matrix-", events_->size()));
      Fill(&request, {place}, Grain::kAgency);
      grpc::ClientContext context;
      sub::SubmitBudgetResponse response;
      const grpc::Status status = sub::SubmissionService::NewStub(tenants_->As(kAll))
                                      ->SubmitBudget(&context, request, &response);
      ASSERT_TRUE(status.ok()) << place.name << ": " << status.error_message();
      events_->push_back(response.position());
    }
  }
  static void TearDownTestSuite() {
    delete tenants_;
    delete events_;
  }

  static const std::string& EventOf(const Place& place) {
    return (*events_)[static_cast<size_t>(&place - oracle::Places().data())];
  }

  static std::unique_ptr<Message> RequestOf(const Cell& cell) {
    std::unique_ptr<Message> request = NewRequest(*MethodOf(cell.ask->method));
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(cell.ask->rest, request.get()))
        << cell.ask->method;
    if (cell.ask->Names('D')) Fill(request.get(), cell.places(), cell.grain);
    if (cell.ask->Names('E')) {
      request->GetReflection()->SetString(request.get(),
                                          request->GetDescriptor()->FindFieldByName("position"),
                                          EventOf(*cell.place));
    }
    return request;
  }

  // All that there are, in the same order always.
  static std::vector<Cell> Cells() {
    std::vector<Cell> cells;
    for (const Ask& ask : oracle::Asks()) {
      const Method* method = MethodOf(ask.method);
      if (method == nullptr) continue;
      const Descriptor& type = *NewRequest(*method)->GetDescriptor();
      for (const auto& [role, rights] : oracle::Roles()) {
        for (const Extent& extent : oracle::Extents()) {
          // Nobody's grants are of nothing.
          if (role.empty() && extent.name != "everything") continue;
          for (const Place& place : oracle::Places()) {
            const bool placed = !ask.names.empty();
            // What is about the system is the same anywhere.
            if (!placed && place.name != "own" && place.name != "other division") continue;
            for (Grain grain : ask.grains()) {
              cells.push_back({&ask, role, &extent, &place, grain, Way::kOne});
              if (placed && TakesSeveral(type))
                cells.push_back({&ask, role, &extent, &place, grain, Way::kBatch});
              if (TokenOf(type) != nullptr)
                cells.push_back({&ask, role, &extent, &place, grain, Way::kToken});
            }
          }
        }
      }
    }
    return cells;
  }

  // A token that another caller got for the same request; none when its answer is whole.
  static std::string ForeignToken(const Cell& cell) {
    static auto* tokens = new std::map<std::string, std::string>();
    const std::unique_ptr<Message> request = RequestOf(cell);
    const auto [it, added] =
        tokens->emplace(cell.ask->method + request->SerializeAsString(), std::string());
    if (!added) return it->second;
    const Method& method = *MethodOf(cell.ask->method);
    const Answer answer = Call(tenants_->As(kAll), method.path, request->SerializeAsString(),
                               [](const std::string&) { return true; });
    if (answer.messages.empty()) return "";
    const bool watch = request->GetDescriptor()->FindFieldByName("resume_token") != nullptr;
    std::string type = method.request;
    type.replace(type.rfind("Request"), std::string::npos, "Response");
    const std::unique_ptr<Message> response(
        google::protobuf::MessageFactory::generated_factory()
            ->GetPrototype(
                google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(type))
            ->New());
    EXPECT_TRUE(response->ParseFromString(answer.messages[0]));
    return it->second = response->GetReflection()->GetString(
               *response, response->GetDescriptor()->FindFieldByName(watch ? "resume_token"
                                                                           : "next_page_token"));
  }

  static std::string Observe(const Cell& cell, const Channel& channel) {
    const Method& method = *MethodOf(cell.ask->method);
    const std::unique_ptr<Message> request = RequestOf(cell);
    if (cell.way == Way::kToken) {
      request->GetReflection()->SetString(request.get(), TokenOf(*request->GetDescriptor()),
                                          ForeignToken(cell));
    }
    // Whether the event of the place came with its content.
    bool seen = false;
    const std::string& event = EventOf(*cell.place);
    const auto enough = [&](const std::string& bytes) {
      if (cell.ask->method == "EventLogService/Read") {
        const auto response = Parsed<log::ReadResponse>(bytes);
        for (const auto& record : response.records()) {
          if (record.position() != event) continue;
          seen = !record.record().empty();
          return true;
        }
        return false;
      }
      if (cell.ask->method == "FederationService/ReadPostings") {
        const auto response = Parsed<fed::ReadPostingsResponse>(bytes);
        for (const auto& posted : response.events()) {
          if (posted.position() != event) continue;
          seen = !posted.posting().empty();
          return true;
        }
        return false;
      }
      return method.kind == services::rpc::CallKind::kWatch;
    };
    const Answer answer = Call(channel, method.path, request->SerializeAsString(), enough);
    client::Error error = client::ToError(answer.status);
    if (cell.ask->method == "SubmissionService/StreamBudgets" && !answer.messages.empty()) {
      error = client::ToError(Parsed<sub::StreamBudgetsResponse>(answer.messages[0]).error());
    }
    const std::string outcome = answer.enough ? kPermitted : OutcomeOf(error);
    if (outcome != kPermitted) return outcome;
    if (cell.way == Way::kToken) {
      const std::string reason = error.violations.empty() ? "" : error.violations[0].reason;
      return reason == "PAGE_TOKEN_INVALID" || reason == "RESUME_TOKEN_INVALID"
                 ? kForeignToken
                 : absl::StrCat("answered: ", error.reason, " ", error.message);
    }
    return cell.ask->Names('e') && !seen ? kUnseen : kPermitted;
  }

  static void Check(const Cell& cell, const std::string& outcome) {
    const std::set<std::string> expected = cell.Expected();
    if (expected.count(outcome) != 0) return;
    // The first ones tell enough.
    if (++wrong_ <= 50) {
      ADD_FAILURE() << cell.Text() << "\n  is " << outcome << "\n  not "
                    << absl::StrJoin(expected, " or ");
    }
  }

  static Tenants* tenants_;
  // By place: the position of its statement.
  static std::vector<std::string>* events_;
  static int wrong_;
};

Tenants* AuthorityMatrixTest::tenants_ = nullptr;
std::vector<std::string>* AuthorityMatrixTest::events_ = nullptr;
int AuthorityMatrixTest::wrong_ = 0;

// True when a field on the path is set somewhere in the message.
bool IsSet(const Message& message, const std::vector<std::string>& path, size_t depth = 0) {
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(path[depth]);
  if (field == nullptr) return false;
  const google::protobuf::Reflection& r = *message.GetReflection();
  const bool last = depth + 1 == path.size();
  if (!field->is_repeated()) {
    return r.HasField(message, field) &&
           (last || IsSet(r.GetMessage(message, field), path, depth + 1));
  }
  for (int i = 0; i < r.FieldSize(message, field); ++i) {
    if (last || IsSet(r.GetRepeatedMessage(message, field, i), path, depth + 1)) return true;
  }
  return false;
}

// A method that is new has no row, and a part or a right that is new no request: that fails here.
TEST_F(AuthorityMatrixTest, KnowsEveryMethodRoleAndPart) {
  for (const Method& method : services::rpc::Methods()) {
    std::set<std::string> unset;
    for (const auto& scope : method.option.scopes()) {
      // An upstream is known to operators, whose right is of the system; a list narrows nothing.
      for (const std::string& path :
           {scope.division(), scope.own_level(), scope.children(), scope.department(),
            scope.agency(), scope.fiscal_year(), scope.stage(), scope.position()}) {
        if (!path.empty()) unset.insert(path);
      }
    }
    for (const auto& further : method.option.further_verbs()) unset.insert(further.field());
    bool asked = false;
    for (const Ask& ask : oracle::Asks()) {
      if (MethodOf(ask.method) != &method) continue;
      asked = true;
      EXPECT_EQ("VERB_" + ask.rights[0], method::v1::Verb_Name(method.option.verb()))
          << method.name();
      std::set<Grain> grains = {Grain::kDepartment, Grain::kAgency};
      for (Grain grain : ask.grains()) grains.insert(grain);
      for (Grain grain : grains) {
        const std::unique_ptr<Message> request =
            RequestOf({&ask, "", &oracle::Extents()[0], &oracle::Places()[0], grain, Way::kOne});
        for (auto it = unset.begin(); it != unset.end();) {
          const std::vector<std::string> path = absl::StrSplit(*it, '.');
          it = IsSet(*request, path) ? unset.erase(it) : std::next(it);
        }
      }
    }
    EXPECT_TRUE(asked) << method.name() << " is not asked";
    EXPECT_EQ(absl::StrJoin(unset, " "), "") << method.name() << " is never asked with these";
  }
  for (const Ask& ask : oracle::Asks()) EXPECT_NE(MethodOf(ask.method), nullptr) << ask.method;
  std::set<std::string> roles = {""}, known;
  for (const authority::Role& role : authority::Roles()) roles.insert(role.id);
  for (const auto& [role, rights] : oracle::Roles()) known.insert(role);
  EXPECT_EQ(known, roles);
}

TEST_F(AuthorityMatrixTest, InProcess) {
  const services::rpc::Gate& gate = tenants_->server().calls().gate();
  int64_t checked = 0;
  for (const Cell& cell : Cells()) {
    const Method& method = *MethodOf(cell.ask->method);
    // Over the wire: writes, which are looked at where they are decided; what a handler looks at
    // itself, event by event or part by part; and tokens.
    if (!method.option.read_only() || method.kind == services::rpc::CallKind::kWrite ||
        (!cell.ask->names.empty() && method.option.scopes().empty()) || cell.way == Way::kToken) {
      continue;
    }
    const Caller caller{Tenants::PrincipalOf(cell.caller()), "ipv4:127.0.0.1:1", absl::OkStatus()};
    std::vector<services::rpc::Need> needs;
    absl::Status status = gate.MayCall(caller, method);
    if (status.ok()) status = gate.MayAsk(caller, method, *RequestOf(cell), &needs);
    std::string outcome = kPermitted;
    if (!status.ok()) {
      outcome = absl::StrCat("not denied: ", status.ToString());
      for (const auto& [key, value] : domain::Explain(status).refusal.metadata) {
        if (absl::IsPermissionDenied(status) && key == "right") outcome = "denied " + value;
      }
    }
    Check(cell, outcome);
    ++checked;
  }
  std::cout << "in process: " << checked << " cells\n";
  EXPECT_GE(checked, 6000);
}

// The first gate is before the body: who has no right at all learns nothing of how he asked.
TEST_F(AuthorityMatrixTest, WithoutTheRightTheRequestIsNotRead) {
  for (const Method& method : services::rpc::Methods()) {
    if (method.option.verb() == method::v1::VERB_IDENTIFY) continue;
    const Answer answer = Call(tenants_->As("matrix/none"), method.path, "\xff\xff",
                               [](const std::string&) { return true; });
    EXPECT_EQ(OutcomeOf(client::ToError(answer.status)),
              "denied " + method::v1::Verb_Name(method.option.verb()).substr(5))
        << method.name();
  }
}

TEST_F(AuthorityMatrixTest, OverTheWire) {
  const char* asked = std::getenv("FISCAL_MATRIX");
  const bool all = asked != nullptr && std::string(asked) == "all";
  const char* named = std::getenv("FISCAL_MATRIX_SEED");
  uint64_t seed = std::random_device()();
  if (named != nullptr) {
    ASSERT_TRUE(absl::SimpleAtoi(named, &seed));
  }
  std::vector<Cell> cells, others;
  size_t possible = 0;
  for (const Cell& cell : Cells()) {
    if (cell.way == Way::kToken && ForeignToken(cell).empty()) continue;
    ++possible;
    const bool always = (cell.extent->name == "department" || cell.role.empty()) &&
                        (cell.place->name == "own" || cell.place->name == "other division") &&
                        cell.way == Way::kOne;
    (all || always ? cells : others).push_back(cell);
  }
  const size_t always = cells.size();
  std::shuffle(others.begin(), others.end(), std::mt19937_64(seed));
  for (size_t i = 0; i < others.size() && i < kSliceCells; ++i) cells.push_back(others[i]);
  std::cout << "over the wire: " << cells.size() << " of " << possible << " cells, " << always
            << " of them always (every method x role at its own place and at another division's); "
               "the others by FISCAL_MATRIX_SEED="
            << seed << ", all with FISCAL_MATRIX=all\n";
  size_t tokens = 0;
  const absl::Time began = absl::Now();
  for (const Cell& cell : cells) {
    Check(cell, Observe(cell, tenants_->As(cell.caller())));
    if (cell.way == Way::kToken) ++tokens;
  }
  std::cout << "over the wire: " << tokens << " cells with another's token; "
            << absl::ToInt64Milliseconds(absl::Now() - began) << " ms\n";
  EXPECT_GE(cells.size(), 4000u);
  EXPECT_GE(tokens, 100u);
}

// A certificate that does not count is no role's, whatever name it has.
TEST_F(AuthorityMatrixTest, CallersInProcess) {
  const services::rpc::Gate& gate = tenants_->server().calls().gate();
  const Authority ours("trial authority", "URI:spiffe://fiscal.example");
  const Authority strangers("trial authority", "URI:spiffe://fiscal.example");
  const auto write = [](const std::string& name, const std::string& bytes) {
    const std::string path = ::testing::TempDir() + "matrix-" + name;
    std::ofstream(path, std::ios::trunc) << bytes;
    return path;
  };
  std::vector<std::string> revoked;
  std::vector<std::tuple<std::string, std::string, std::string>> shown;
  for (const auto& [role, rights] : oracle::Roles()) {
    for (const Extent& extent : oracle::Extents()) {
      const std::string names =
          "URI:" + Tenants::PrincipalOf(Cell{nullptr, role, &extent}.caller());
      revoked.push_back(ours.SignNames("a", names).certificate);
      shown.emplace_back(role, "revoked", revoked.back());
      shown.emplace_back(role, "expired", ours.SignNames("a", names, -1).certificate);
      shown.emplace_back(role, "another authority's", strangers.SignNames("a", names).certificate);
      // Without a certificate, or without TLS.
      shown.emplace_back(role, "none", "");
    }
  }
  ManualClock clock{absl::Now()};
  services::rpc::Identities identities(
      clock, {write("ca.pem", ours.certificate()), write("crl.pem", ours.RevocationList(revoked))});
  int64_t checked = 0;
  for (const auto& [role, kind, pem] : shown) {
    const absl::StatusOr<std::string> principal = identities.Of(pem, "");
    const Caller caller{principal.ok() ? *principal : "", "ipv4:127.0.0.1:1", principal.status()};
    for (const Method& method : services::rpc::Methods()) {
      const absl::Status status = gate.MayCall(caller, method);
      EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated)
          << method.name() << " by " << role << ", " << kind;
      ++checked;
    }
  }
  std::cout << "callers in process: " << checked << " cells\n";
}

TEST_F(AuthorityMatrixTest, CallersOverTheWire) {
  const std::string revoked = "matrix/revoked";
  for (const auto& [role, rights] : oracle::Roles()) {
    if (!role.empty()) tenants_->Grant(revoked, role);
  }
  // The connection is open before.
  const auto who = [&] {
    grpc::ClientContext context;
    auth::WhoAmIResponse response;
    return client::ToError(auth::AuthorityService::NewStub(tenants_->As(revoked))
                               ->WhoAmI(&context, auth::WhoAmIRequest(), &response))
        .reason;
  };
  ASSERT_EQ(who(), "");
  tenants_->RevokeCertificate(revoked);
  const absl::Time limit = absl::Now() + absl::Minutes(1);
  while (who() != kRefused) ASSERT_LT(absl::Now(), limit);
  const std::vector<std::tuple<std::string, Channel, std::string>> callers = {
      {"revoked", tenants_->As(revoked), kRefused},
      {"expired", tenants_->Connect(kAll, -1), kNotConnected},
      {"another authority's", tenants_->Connect(kAll, 30, /*strange=*/true), kNotConnected},
      {"no certificate", tenants_->Nameless(), kNotConnected},
      {"plain text", tenants_->Plain(), kNotConnected}};
  int64_t checked = 0;
  for (const auto& [kind, channel, expected] : callers) {
    for (const Ask& ask : oracle::Asks()) {
      const Cell cell{&ask,     "", &oracle::Extents()[0], &oracle::Places()[0], ask.grains()[0],
                      Way::kOne};
      const Method& method = *MethodOf(ask.method);
      const int64_t before = tenants_->server().calls().passed(method.name());
      EXPECT_EQ(Observe(cell, channel), expected) << ask.method << ", " << kind;
      const int64_t came = tenants_->server().calls().passed(method.name()) - before;
      EXPECT_EQ(came, expected == kRefused ? 1 : 0) << ask.method << ", " << kind;
      ++checked;
    }
  }
  std::cout << "callers over the wire: " << checked << " cells\n";
}

}  // namespace
}  // namespace fiscal::testing
