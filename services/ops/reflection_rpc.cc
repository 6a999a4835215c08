#include "services/ops/reflection_rpc.h"

#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "domain/reason.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "grpc/health/v1/health.pb.h"
#include "grpc/reflection/v1/reflection.grpc.pb.h"
#include "services/rpc/status.h"

namespace fiscal::services {
namespace {

namespace pb = grpc::reflection::v1;
using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;

// A question is a name; the answer repeats it.
constexpr size_t kQuestionBytesMax = 4 << 10;

// The plugin's, whose headers don't tell.
constexpr char kV1Alpha[] = "grpc.reflection.v1alpha.ServerReflection";

// Answers questions from the descriptors that are linked into the program.
class Describer {
 public:
  explicit Describer(std::vector<std::string> services) : services_(std::move(services)) {
    services_.push_back(
        grpc::health::v1::HealthCheckRequest::descriptor()->file()->service(0)->full_name());
    services_.push_back(pb::ServerReflection::service_full_name());
    services_.push_back(kV1Alpha);
    for (const std::string& name : services_)
      FISCAL_CHECK(pool_.FindServiceByName(name) != nullptr,
                   "a service that is listed is described");
  }

  void Answer(const pb::ServerReflectionRequest& request,
              pb::ServerReflectionResponse* response) const {
    response->set_valid_host(request.host());
    *response->mutable_original_request() = request;
    switch (request.message_request_case()) {
      case pb::ServerReflectionRequest::kFileByFilename:
        return Add(pool_.FindFileByName(request.file_by_filename()), response);
      case pb::ServerReflectionRequest::kFileContainingSymbol:
        return Add(pool_.FindFileContainingSymbol(request.file_containing_symbol()), response);
      case pb::ServerReflectionRequest::kFileContainingExtension:
        return AddExtension(request.file_containing_extension(), response);
      case pb::ServerReflectionRequest::kAllExtensionNumbersOfType:
        return AddExtensionNumbers(request.all_extension_numbers_of_type(), response);
      case pb::ServerReflectionRequest::kListServices:
        for (const std::string& name : services_)
          response->mutable_list_services_response()->add_service()->set_name(name);
        return;
      case pb::ServerReflectionRequest::MESSAGE_REQUEST_NOT_SET:
        return Refuse(grpc::StatusCode::UNIMPLEMENTED, "nothing that is known here is asked",
                      response);
    }
  }

 private:
  static void Refuse(grpc::StatusCode code, const char* message,
                     pb::ServerReflectionResponse* response) {
    response->mutable_error_response()->set_error_code(code);
    response->mutable_error_response()->set_error_message(message);
  }

  // The file, then what it imports. Null: NOT_FOUND.
  static void Add(const FileDescriptor* file, pb::ServerReflectionResponse* response) {
    if (file == nullptr)
      return Refuse(grpc::StatusCode::NOT_FOUND, "it is not known here", response);
    std::vector<const FileDescriptor*> files = {file};
    absl::flat_hash_set<const FileDescriptor*> seen = {file};
    for (size_t i = 0; i < files.size(); ++i) {
      google::protobuf::FileDescriptorProto proto;
      files[i]->CopyTo(&proto);
      proto.SerializeToString(
          response->mutable_file_descriptor_response()->add_file_descriptor_proto());
      for (int k = 0; k < files[i]->dependency_count(); ++k) {
        if (seen.insert(files[i]->dependency(k)).second) files.push_back(files[i]->dependency(k));
      }
    }
  }

  void AddExtension(const pb::ExtensionRequest& request,
                    pb::ServerReflectionResponse* response) const {
    const auto* type = pool_.FindMessageTypeByName(request.containing_type());
    const FieldDescriptor* extension =
        type == nullptr ? nullptr : pool_.FindExtensionByNumber(type, request.extension_number());
    Add(extension == nullptr ? nullptr : extension->file(), response);
  }

  void AddExtensionNumbers(const std::string& name, pb::ServerReflectionResponse* response) const {
    const auto* type = pool_.FindMessageTypeByName(name);
    if (type == nullptr)
      return Refuse(grpc::StatusCode::NOT_FOUND, "it is not known here", response);
    std::vector<const FieldDescriptor*> extensions;
    pool_.FindAllExtensions(type, &extensions);
    pb::ExtensionNumberResponse* numbers = response->mutable_all_extension_numbers_response();
    numbers->set_base_type_name(name);
    for (const FieldDescriptor* extension : extensions)
      numbers->add_extension_number(extension->number());
  }

  const DescriptorPool& pool_ = *DescriptorPool::generated_pool();
  std::vector<std::string> services_;
};

// One stream: a question is read when the one before it is answered.
class Conversation final
    : public grpc::ServerBidiReactor<pb::ServerReflectionRequest, pb::ServerReflectionResponse> {
 public:
  explicit Conversation(const Describer& describer) : describer_(describer) {
    StartRead(&request_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    if (request_.ByteSizeLong() > kQuestionBytesMax) {
      return Finish(rpc::ToGrpc(
          domain::Refuse(domain::Reason::kMessageTooLarge,
                         absl::StrCat("a question has at most ", kQuestionBytesMax, " bytes"))));
    }
    response_.Clear();
    describer_.Answer(request_, &response_);
    StartWrite(&response_);
  }
  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    StartRead(&request_);
  }
  void OnDone() override { delete this; }

 private:
  const Describer& describer_;
  pb::ServerReflectionRequest request_;
  pb::ServerReflectionResponse response_;
};

class ReflectionRpc final : public pb::ServerReflection::CallbackService {
 public:
  explicit ReflectionRpc(std::vector<std::string> services) : describer_(std::move(services)) {}

  grpc::ServerBidiReactor<pb::ServerReflectionRequest, pb::ServerReflectionResponse>*
  ServerReflectionInfo(grpc::CallbackServerContext*) override {
    return new Conversation(describer_);
  }

 private:
  const Describer describer_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeReflectionService(std::vector<std::string> services) {
  return std::make_unique<ReflectionRpc>(std::move(services));
}

}  // namespace fiscal::services
