#include "tests/integration/deployment.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "clients/cli/read/csv.h"
#include "clients/importer/importer.h"
#include "clients/importer/reader.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "tests/support/serve_options.h"

namespace fiscal::testing {
namespace {

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "deployment: %s\n", what.c_str());
  std::abort();
}

}  // namespace

TempDir::TempDir() {
  std::string pattern = (std::filesystem::temp_directory_path() / "fiscal-test-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) Die("no temporary directory");
  path_ = pattern;
}

TempDir::~TempDir() { std::filesystem::remove_all(path_); }

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) Die(path + " can't be opened; tests run in the root of the source tree");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

Deployment::Deployment(bool with_catalog) {
  Start();
  if (with_catalog) ImportCatalogs();
}

void Deployment::Start() {
  testing::ServeOptions options;
  options.data_dir = dir_.path();
  options.listen = "127.0.0.1:0";
  auto server = services::Server::Start(options.Config());
  if (!server.ok()) Die(server.status().ToString());
  server_ = *std::move(server);
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxSendMessageSize(64 << 20);
  channel = grpc::CreateCustomChannel(address(), grpc::InsecureChannelCredentials(), arguments);
  submission = submission::v1::SubmissionService::NewStub(channel);
  aggregation = aggregation::v1::AggregationService::NewStub(channel);
  catalog = catalog::v1::CatalogService::NewStub(channel);
}

void Deployment::Restart() {
  server_->Stop();
  server_.reset();
  Start();
}

std::string Deployment::address() const { return absl::StrCat("127.0.0.1:", server_->port()); }

void Deployment::ImportList(catalog::v1::CatalogList list, const std::string& division,
                            const std::string& file) {
  auto entries = cli::ReadEntries(ReadFile(file), list);
  if (!entries.ok()) Die(entries.status().ToString());
  catalog::v1::ImportCatalogRequest request;
  request.set_request_id(
      absl::StrCat("catalog-", std::to_string(std::hash<std::string>()(file + division))));
  request.set_division_code(division);
  request.set_fiscal_year(2024);
  request.set_list(list);
  for (auto& e : *entries) *request.add_entries() = std::move(e);
  catalog::v1::ImportCatalogResponse response;
  grpc::ClientContext context;
  const grpc::Status status = catalog->ImportCatalog(&context, request, &response);
  if (!status.ok()) Die(file + ": " + status.error_message());
}

void Deployment::ImportCatalogs() {
  ImportList(catalog::v1::CATALOG_LIST_DIVISION, "140000", "domain/data/divisions.csv");
  ImportList(catalog::v1::CATALOG_LIST_FUNCTIONAL, "140000", "domain/data/functional.csv");
  ImportList(catalog::v1::CATALOG_LIST_DEPT_ECONOMIC, "140000", "domain/data/dept_economic.csv");
  ImportList(catalog::v1::CATALOG_LIST_GOV_ECONOMIC, "140000", "domain/data/gov_economic.csv");
  ImportList(catalog::v1::CATALOG_LIST_REVENUE, "140000", "docs/examples/revenue_example.csv");
  ImportList(catalog::v1::CATALOG_LIST_AGENCY, "141100", "domain/data/agencies_reference.csv");
  ImportList(catalog::v1::CATALOG_LIST_AGENCY, "141100", "docs/examples/agencies_141100.csv");
  ImportList(catalog::v1::CATALOG_LIST_AGENCY, "141121", "docs/examples/agencies_141121.csv");
}

client::Error Deployment::Submit(const submission::v1::SubmitBudgetRequest& request,
                                 submission::v1::SubmitBudgetResponse* receipt) {
  submission::v1::SubmitBudgetResponse unused;
  grpc::ClientContext context;
  return client::ToError(
      submission->SubmitBudget(&context, request, receipt == nullptr ? &unused : receipt));
}

submission::v1::SubmitBudgetResponse Deployment::MustSubmit(
    const submission::v1::SubmitBudgetRequest& request) {
  submission::v1::SubmitBudgetResponse receipt;
  const client::Error error = Submit(request, &receipt);
  if (error.code != grpc::OK) Die(request.request_id() + " was refused: " + error.message);
  return receipt;
}

std::vector<submission::v1::SubmitBudgetResponse> Deployment::SubmitExamples() {
  std::vector<submission::v1::SubmitBudgetResponse> receipts;
  std::stringstream lines(ReadFile("docs/examples/city_and_county.ndjson"));
  std::vector<std::string> all = {ReadFile("docs/examples/education_bureau.json")};
  for (std::string line; std::getline(lines, line);) all.push_back(line);
  for (const std::string& json : all) {
    const std::string wrapper = "{\"withdraw\": ";
    if (json.compare(0, wrapper.size(), wrapper) == 0) {
      submission::v1::WithdrawBudgetRequest request;
      const auto status = google::protobuf::util::JsonStringToMessage(
          json.substr(wrapper.size(), json.size() - wrapper.size() - 1), &request);
      if (!status.ok()) Die(std::string(status.message()));
      submission::v1::WithdrawBudgetResponse response;
      grpc::ClientContext context;
      if (!submission->WithdrawBudget(&context, request, &response).ok())
        Die("the withdrawal was refused");
      receipts.push_back(response.receipt());
      continue;
    }
    submission::v1::SubmitBudgetRequest request;
    const auto status = google::protobuf::util::JsonStringToMessage(json, &request);
    if (!status.ok()) Die(std::string(status.message()));
    receipts.push_back(MustSubmit(request));
  }
  return receipts;
}

submission::v1::SubmitBudgetRequest Deployment::Reference(const std::string& text,
                                                          const std::string& request_id) {
  importer::CatalogView view;
  auto codes = [](const std::string& file, catalog::v1::CatalogList list,
                  std::vector<importer::CatalogView::Code>* out) {
    const auto entries = cli::ReadEntries(ReadFile(file), list);
    if (!entries.ok()) Die(entries.status().ToString());
    for (const auto& e : *entries) out->push_back({e.code(), e.name(), e.parent_code(), {}});
  };
  codes("domain/data/functional.csv", catalog::v1::CATALOG_LIST_FUNCTIONAL, &view.functional);
  codes("domain/data/dept_economic.csv", catalog::v1::CATALOG_LIST_DEPT_ECONOMIC,
        &view.dept_economic);
  codes("domain/data/gov_economic.csv", catalog::v1::CATALOG_LIST_GOV_ECONOMIC, &view.gov_economic);
  importer::Options options;
  options.division_code = "141100";
  options.department_code = "031";
  options.agency_code = "031001";
  const auto document = importer::Read(text);
  if (!document.ok()) Die(document.status().ToString());
  auto result = importer::Import(text, *document, view, options, nullptr);
  if (!result.ok()) Die(result.status().ToString());
  result->request.set_request_id(request_id);
  return result->request;
}

grpc::Status Deployment::List(const aggregation::v1::ListTotalsRequest& request,
                              aggregation::v1::ListTotalsResponse* response) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  return aggregation->ListTotals(&context, request, response);
}

void Deployment::AwaitTotals() {
  admin::v1::GetStatusResponse status;
  {
    const auto admin = admin::v1::AdminService::NewStub(channel);
    grpc::ClientContext context;
    if (!admin->GetStatus(&context, {}, &status).ok()) Die("the status was refused");
  }
  aggregation::v1::GetTotalRequest request;
  request.mutable_filter()->set_division_code("140000");
  request.mutable_filter()->set_fiscal_year(2024);
  request.mutable_filter()->set_stage(budget::v1::STAGE_APPROVED);
  request.mutable_filter()->set_direction(budget::v1::DIRECTION_EXPENDITURE);
  request.mutable_consistency()->set_at_least(status.log().head_position());
  aggregation::v1::GetTotalResponse response;
  grpc::ClientContext context;
  const grpc::Status read = aggregation->GetTotal(&context, request, &response);
  // A division that is in no catalog is no concern of who waits.
  if (!read.ok() && read.error_code() != grpc::NOT_FOUND) Die(read.error_message());
}

bool Deployment::Verified() {
  const auto admin = admin::v1::AdminService::NewStub(channel);
  admin::v1::VerifyResponse response;
  grpc::ClientContext context;
  return admin->Verify(&context, {}, &response).ok() && response.ok();
}

}  // namespace fiscal::testing
