// A server in this process with the shipped catalog, and short ways to call it.
#ifndef FISCAL_TESTS_INTEGRATION_DEPLOYMENT_H_
#define FISCAL_TESTS_INTEGRATION_DEPLOYMENT_H_

#include <memory>
#include <string>
#include <vector>

#include "clients/cpp/error.h"
#include "fiscal/admin/v1/admin_service.grpc.pb.h"
#include "fiscal/aggregation/v1/aggregation_service.grpc.pb.h"
#include "fiscal/catalog/v1/catalog_service.grpc.pb.h"
#include "fiscal/submission/v1/submission_service.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "services/server.h"

namespace fiscal::testing {

// A directory that is removed with the object.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string ReadFile(const std::string& path);

class Deployment {
 public:
  // Starts with the catalog of run.sh unless told otherwise. Aborts the test program when that
  // fails.
  explicit Deployment(bool with_catalog = true);

  // Stops and starts again on the same directory.
  void Restart();
  void ImportCatalogs();
  // One CSV file as a list of 2024.
  void ImportList(catalog::v1::CatalogList list, const std::string& division,
                  const std::string& file);
  // The live examples, in the order run.sh submits them. Returns the receipts.
  std::vector<submission::v1::SubmitBudgetResponse> SubmitExamples();
  // The reference disclosure as a request.
  submission::v1::SubmitBudgetRequest Reference(const std::string& text,
                                                const std::string& request_id);

  submission::v1::SubmitBudgetResponse MustSubmit(
      const submission::v1::SubmitBudgetRequest& request);
  client::Error Submit(const submission::v1::SubmitBudgetRequest& request,
                       submission::v1::SubmitBudgetResponse* receipt = nullptr);
  grpc::Status List(const aggregation::v1::ListTotalsRequest& request,
                    aggregation::v1::ListTotalsResponse* response);
  bool Verified();
  // Returns when totals have everything that is in the log.
  void AwaitTotals();

  std::string address() const;
  const std::string& data_dir() const { return dir_.path(); }
  services::Server& server() { return *server_; }
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<submission::v1::SubmissionService::Stub> submission;
  std::unique_ptr<aggregation::v1::AggregationService::Stub> aggregation;
  std::unique_ptr<catalog::v1::CatalogService::Stub> catalog;

 private:
  void Start();
  TempDir dir_;
  std::unique_ptr<services::Server> server_;
};

}  // namespace fiscal::testing

#endif  // FISCAL_TESTS_INTEGRATION_DEPLOYMENT_H_
