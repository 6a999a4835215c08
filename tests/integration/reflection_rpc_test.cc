// What tools learn of a server: its services by both versions of reflection, described as they are,
// health among them.
#include "services/ops/reflection_rpc.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/descriptor_database.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpc/reflection/v1/reflection.grpc.pb.h"
#include "grpcpp/generic/generic_stub.h"
#include "gtest/gtest.h"
#include "tests/integration/deployment.h"

namespace fiscal::testing {
namespace {

namespace hlt = grpc::health::v1;
namespace ref = grpc::reflection::v1;

// A stream of questions to one version; the messages of both have the same bytes.
class Conversation {
 public:
  Conversation(const std::shared_ptr<grpc::Channel>& channel, const std::string& version)
      : stub_(channel) {
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(1));
    call_ = stub_.PrepareCall(
        &context_,
        absl::StrCat("/grpc.reflection.", version, ".ServerReflection/ServerReflectionInfo"),
        &queue_);
    call_->StartCall(this);
    EXPECT_TRUE(Next());
  }
  ~Conversation() {
    context_.TryCancel();
    queue_.Shutdown();
    while (Next()) {
    }
  }

  ref::ServerReflectionResponse Ask(const ref::ServerReflectionRequest& request) {
    ref::ServerReflectionResponse response;
    call_->Write(request, this);
    EXPECT_TRUE(Next());
    call_->Read(&response, this);
    answered_ = Next();
    return response;
  }
  ref::ServerReflectionResponse Symbol(const std::string& name) {
    ref::ServerReflectionRequest request;
    request.set_file_containing_symbol(name);
    return Ask(request);
  }
  std::vector<std::string> Services() {
    ref::ServerReflectionRequest request;
    request.set_list_services("*");
    const ref::ServerReflectionResponse response = Ask(request);
    std::vector<std::string> names;
    for (const auto& service : response.list_services_response().service())
      names.push_back(service.name());
    std::sort(names.begin(), names.end());
    return names;
  }
  // Whether the last question had an answer.
  bool answered() const { return answered_; }
  grpc::Status Finish() {
    grpc::Status status;
    call_->Finish(&status, this);
    EXPECT_TRUE(Next());
    return status;
  }

 private:
  bool Next() {
    void* tag = nullptr;
    bool ok = false;
    return queue_.Next(&tag, &ok) && ok;
  }

  grpc::TemplatedGenericStub<ref::ServerReflectionRequest, ref::ServerReflectionResponse> stub_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<
      grpc::ClientAsyncReaderWriter<ref::ServerReflectionRequest, ref::ServerReflectionResponse>>
      call_;
  bool answered_ = false;
};

class ReflectionTest : public ::testing::Test {
 protected:
  Deployment d_{/*with_catalog=*/false};
};

TEST_F(ReflectionTest, BothVersionsListEveryService) {
  const std::vector<std::string> expected = {
      "fiscal.admin.v1.AdminService",           "fiscal.aggregation.v1.AggregationService",
      "fiscal.audit.v1.AuditService",           "fiscal.authority.v1.AuthorityService",
      "fiscal.catalog.v1.CatalogService",       "fiscal.disclosure.v1.DisclosureService",
      "fiscal.federation.v1.FederationService", "fiscal.log.v1.EventLogService",
      "fiscal.submission.v1.SubmissionService", "grpc.health.v1.Health",
      "grpc.reflection.v1.ServerReflection",    "grpc.reflection.v1alpha.ServerReflection"};
  EXPECT_EQ(Conversation(d_.channel, "v1").Services(), expected);
  EXPECT_EQ(Conversation(d_.channel, "v1alpha").Services(), expected);
}

// From what a tool was sent alone it can build each service.
TEST_F(ReflectionTest, BothVersionsDescribeEveryService) {
  for (const std::string version : {"v1", "v1alpha"}) {
    Conversation conversation(d_.channel, version);
    for (const std::string& name : conversation.Services()) {
      const ref::ServerReflectionResponse response = conversation.Symbol(name);
      EXPECT_EQ(response.original_request().file_containing_symbol(), name);
      google::protobuf::SimpleDescriptorDatabase files;
      for (const std::string& bytes : response.file_descriptor_response().file_descriptor_proto()) {
        google::protobuf::FileDescriptorProto file;
        ASSERT_TRUE(file.ParseFromString(bytes));
        // The plugin sends some files twice.
        google::protobuf::FileDescriptorProto known;
        if (files.FindFileByName(file.name(), &known)) {
          EXPECT_EQ(version, "v1alpha") << file.name();
        } else {
          files.Add(file);
        }
      }
      google::protobuf::DescriptorPool pool(&files);
      const auto* service = pool.FindServiceByName(name);
      ASSERT_NE(service, nullptr) << version << " " << name;
      EXPECT_GT(service->method_count(), 0);
    }
  }
}

TEST_F(ReflectionTest, FilesAndExtensionsAreFound) {
  for (const std::string version : {"v1", "v1alpha"}) {
    Conversation conversation(d_.channel, version);
    ref::ServerReflectionRequest request;
    request.set_host("fiscal");
    request.set_file_by_filename("fiscal/budget/v1/budget.proto");
    ref::ServerReflectionResponse response = conversation.Ask(request);
    EXPECT_EQ(response.valid_host(), "fiscal");
    google::protobuf::FileDescriptorProto file;
    ASSERT_TRUE(file.ParseFromString(response.file_descriptor_response().file_descriptor_proto(0)));
    EXPECT_EQ(file.name(), "fiscal/budget/v1/budget.proto");

    request.set_all_extension_numbers_of_type("google.protobuf.FieldOptions");
    response = conversation.Ask(request);
    const auto& numbers = response.all_extension_numbers_response();
    EXPECT_EQ(numbers.base_type_name(), "google.protobuf.FieldOptions");
    ASSERT_EQ(numbers.extension_number_size(), 1);

    request.mutable_file_containing_extension()->set_containing_type(
        "google.protobuf.FieldOptions");
    request.mutable_file_containing_extension()->set_extension_number(numbers.extension_number(0));
    response = conversation.Ask(request);
    ASSERT_TRUE(file.ParseFromString(response.file_descriptor_response().file_descriptor_proto(0)));
    EXPECT_EQ(file.name(), "fiscal/config/v1/setting.proto");
  }
}

TEST_F(ReflectionTest, WhatIsNotKnownIsSaidAndTheStreamGoesOn) {
  for (const std::string version : {"v1", "v1alpha"}) {
    Conversation conversation(d_.channel, version);
    EXPECT_EQ(conversation.Symbol("fiscal.budget.v1.Nothing").error_response().error_code(),
              grpc::NOT_FOUND);
    ref::ServerReflectionRequest request;
    request.set_file_by_filename("nothing.proto");
    EXPECT_EQ(conversation.Ask(request).error_response().error_code(), grpc::NOT_FOUND);
    request.set_all_extension_numbers_of_type("fiscal.budget.v1.Nothing");
    EXPECT_EQ(conversation.Ask(request).error_response().error_code(), grpc::NOT_FOUND);
    request.mutable_file_containing_extension()->set_containing_type("fiscal.budget.v1.Nothing");
    EXPECT_EQ(conversation.Ask(request).error_response().error_code(), grpc::NOT_FOUND);
    request.clear_message_request();
    EXPECT_EQ(conversation.Ask(request).error_response().error_code(), grpc::UNIMPLEMENTED);
    EXPECT_TRUE(conversation.Symbol("fiscal.budget.v1.LineItem").has_file_descriptor_response());
  }
}

TEST_F(ReflectionTest, AQuestionHasABound) {
  Conversation conversation(d_.channel, "v1");
  conversation.Symbol(std::string(100000, 'a'));
  EXPECT_FALSE(conversation.answered());
  const client::Error error = client::ToError(conversation.Finish());
  EXPECT_EQ(error.code, grpc::INVALID_ARGUMENT);
  EXPECT_EQ(error.reason, "MESSAGE_TOO_LARGE");
}

TEST_F(ReflectionTest, HealthIsAskedWithItsStub) {
  const auto stub = hlt::Health::NewStub(d_.channel);
  for (const std::string name : {"", "fiscal.submission.v1.SubmissionService"}) {
    hlt::HealthCheckRequest request;
    request.set_service(name);
    hlt::HealthCheckResponse response;
    grpc::ClientContext context;
    ASSERT_TRUE(stub->Check(&context, request, &response).ok());
    EXPECT_EQ(response.status(), hlt::HealthCheckResponse::SERVING);
  }
  hlt::HealthCheckRequest request;
  request.set_service("fiscal.Nothing");
  hlt::HealthCheckResponse response;
  grpc::ClientContext context;
  EXPECT_EQ(stub->Check(&context, request, &response).error_code(), grpc::NOT_FOUND);
}

}  // namespace
}  // namespace fiscal::testing
