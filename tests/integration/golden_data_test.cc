// Data directories written by version 0.1 (tests/golden/data-0.1): opened, brought to this version,
// verified, and asked again everything they were ever asked.
#include <zlib.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "fiscal/log/v1/event_log_service.grpc.pb.h"
#include "google/protobuf/message.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "tests/integration/deployment.h"
#include "tests/support/position.h"
#include "tests/support/serve_options.h"

namespace fiscal::testing {
namespace {

namespace fs = std::filesystem;
namespace adm = fiscal::admin::v1;
namespace agg = fiscal::aggregation::v1;
namespace log = fiscal::log::v1;
namespace sub = fiscal::submission::v1;
using google::protobuf::Message;
using google::protobuf::Value;

const std::string kGolden = "tests/golden/data-0.1/";

// A string of a JSON object; empty where there is none.
std::string Text(const Value& object, const std::string& name) {
  const auto& fields = object.struct_value().fields();
  auto it = fields.find(name);
  return it == fields.end() ? std::string() : it->second.string_value();
}
const Value& Field(const Value& object, const std::string& name) {
  static const Value kNone;
  const auto& fields = object.struct_value().fields();
  auto it = fields.find(name);
  return it == fields.end() ? kNone : it->second;
}

Value ParseJson(const std::string& text) {
  Value value;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(text, &value).ok());
  return value;
}

void ToMessage(const Value& json, Message* out) {
  std::string text;
  ASSERT_TRUE(google::protobuf::util::MessageToJsonString(json, &text).ok());
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(text, out).ok()) << text;
}

std::vector<Value> Requests() {
  std::string text;
  gzFile file = gzopen((kGolden + "requests.ndjson.gz").c_str(), "rb");
  EXPECT_NE(file, nullptr);
  char buffer[1 << 16];
  for (int n; (n = gzread(file, buffer, sizeof(buffer))) > 0;) text.append(buffer, n);
  gzclose(file);
  std::vector<Value> requests;
  for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty()))
    requests.push_back(ParseJson(std::string(line)));
  return requests;
}

// A copy of a golden directory and a server on it.
class Golden {
 public:
  explicit Golden(const std::string& name) {
    fs::copy(kGolden + name, dir_.path() + "/data", fs::copy_options::recursive);
    // A checkout does not keep the mode of a key.
    fs::permissions(data() + "/signing-key.pem", fs::perms::owner_read | fs::perms::owner_write);
    options_.data_dir = data();
  }
  std::string data() const { return dir_.path() + "/data"; }
  absl::Status Start() {
    auto server = services::Server::Start(options_.Config());
    if (!server.ok()) return server.status();
    server_ = *std::move(server);
    channel = grpc::CreateChannel(absl::StrCat("127.0.0.1:", server_->port()),
                                  grpc::InsecureChannelCredentials());
    return absl::OkStatus();
  }
  void Stop() { server_.reset(); }

  std::shared_ptr<grpc::Channel> channel;

 private:
  TempDir dir_;
  ServeOptions options_;
  std::unique_ptr<services::Server> server_;
};

// Positions were numbers alone when the answers were kept.
void LeaveNumbers(google::protobuf::Message* message) {
  const google::protobuf::Reflection& reflection = *message->GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection.ListFields(*message, &fields);
  for (const google::protobuf::FieldDescriptor* field : fields) {
    if (field->name() == "position") {
      const std::string position = reflection.GetString(*message, field);
      reflection.SetString(message, field, absl::StrCat(PositionNumber(position)));
    } else if (field->name() == "receipts") {
      for (int i = 0; i < reflection.FieldSize(*message, field); ++i)
        LeaveNumbers(reflection.MutableRepeatedMessage(message, field, i));
    } else if (field->name() == "receipt") {
      LeaveNumbers(reflection.MutableMessage(message, field));
    }
  }
}

template <typename Stub, typename Request, typename Response>
void Repeat(const Value& said,
            grpc::Status (Stub::*call)(grpc::ClientContext*, const Request&, Response*),
            Stub& stub) {
  Request request;
  Response expected, response;
  ToMessage(Field(said, "request"), &request);
  ToMessage(Field(said, "response"), &expected);
  grpc::ClientContext context;
  const grpc::Status status = (stub.*call)(&context, request, &response);
  ASSERT_TRUE(status.ok()) << request.request_id() << ": " << status.error_message();
  LeaveNumbers(&response);
  EXPECT_EQ(response.SerializeAsString(), expected.SerializeAsString()) << request.request_id();
}

// Every request is answered as it was the first time.
void RepeatAll(const std::shared_ptr<grpc::Channel>& channel) {
  const auto stub = sub::SubmissionService::NewStub(channel);
  using Stub = sub::SubmissionService::Stub;
  for (const Value& said : Requests()) {
    const std::string method = Text(said, "method");
    if (method == "SubmitBudget") {
      Repeat(said, &Stub::SubmitBudget, *stub);
    } else if (method == "WithdrawBudget") {
      Repeat(said, &Stub::WithdrawBudget, *stub);
    } else {
      ASSERT_EQ(method, "SubmitReallocation");
      Repeat(said, &Stub::SubmitReallocation, *stub);
    }
  }
}

void CheckTotals(const std::shared_ptr<grpc::Channel>& channel, const Value& expected) {
  const auto stub = agg::AggregationService::NewStub(channel);
  for (const Value& row : Field(expected, "totals").list_value().values()) {
    agg::GetTotalRequest request;
    agg::GetTotalResponse response;
    ToMessage(Field(row, "request"), &request);
    grpc::ClientContext context;
    const grpc::Status status = stub->GetTotal(&context, request, &response);
    ASSERT_TRUE(status.ok()) << request.ShortDebugString() << status.error_message();
    EXPECT_EQ(absl::StrCat(response.total().amount_fen()), Text(row, "amountFen"))
        << request.ShortDebugString();
    EXPECT_EQ(absl::StrCat(response.total().line_count()), Text(row, "lineCount"));
  }
}

// The log up to where it was: the same leaves, and so the same root.
void CheckTree(const std::shared_ptr<grpc::Channel>& channel, const Value& expected) {
  log::GetTreeHeadResponse was;
  ToMessage(Field(expected, "treeHead"), &was);
  log::GetConsistencyProofRequest request;
  log::GetConsistencyProofResponse proof;
  request.set_old_tree_size(was.tree_head().tree_size());
  grpc::ClientContext context;
  const grpc::Status status =
      log::EventLogService::NewStub(channel)->GetConsistencyProof(&context, request, &proof);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(absl::BytesToHexString(proof.old_tree_head().root_hash()),
            absl::BytesToHexString(was.tree_head().root_hash()));
}

Value Expected(const std::string& name) {
  return Field(ParseJson(ReadFile(kGolden + "expected.json")), name);
}

void CheckVerified(const std::shared_ptr<grpc::Channel>& channel) {
  adm::VerifyResponse response;
  grpc::ClientContext context;
  const grpc::Status status = adm::AdminService::NewStub(channel)->Verify(&context, {}, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_TRUE(response.ok()) << response.ShortDebugString();
}

class GoldenData : public ::testing::TestWithParam<std::string> {};

TEST_P(GoldenData, OfVersion01OpensAndAnswersAsItDid) {
  Golden golden(GetParam());
  const bool city = GetParam() != "province";
  const Value expected = Expected(city ? "city" : "province");
  for (int start = 0; start < 2; ++start) {
    const absl::Status status = golden.Start();
    ASSERT_TRUE(status.ok()) << status;
    CheckTotals(golden.channel, expected);
    if (city) CheckTree(golden.channel, expected);
    if (city) RepeatAll(golden.channel);
    // Repeats moved nothing.
    CheckTotals(golden.channel, expected);
    CheckVerified(golden.channel);
    golden.Stop();
  }
}

INSTANTIATE_TEST_SUITE_P(All, GoldenData, ::testing::Values("city", "city-killed", "province"),
                         [](const auto& info) {
                           return info.param == "city-killed" ? "cityKilled" : info.param;
                         });

// Where the answers to acknowledged requests are damaged, nothing makes them again.
TEST(GoldenDataTest, DamagedAnswersAreRefusedAndNothingIsChanged) {
  Golden golden("city-killed");
  const std::string file = golden.data() + "/log/000004.log";
  const std::string whole = ReadFile(file);
  std::ofstream(file, std::ios::trunc) << whole.substr(0, whole.size() - 1);
  const absl::Status status = golden.Start();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_EQ(ReadFile(file), whole.substr(0, whole.size() - 1));
  std::ofstream(file, std::ios::trunc) << whole;
  EXPECT_TRUE(golden.Start().ok());
}

}  // namespace
}  // namespace fiscal::testing
