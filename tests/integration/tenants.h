// A server that lets in by certificates and grants, and callers with certificates of their own.
#ifndef FISCAL_TESTS_INTEGRATION_TENANTS_H_
#define FISCAL_TESTS_INTEGRATION_TENANTS_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "clients/cpp/error.h"
#include "fiscal/authority/v1/authority_service.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "services/server.h"
#include "tests/integration/deployment.h"
#include "tests/support/certificates.h"

namespace fiscal::testing {

// The trust domain is fiscal.example; callers are named by the path in it. `admin/one` and
// `admin/two` are administrators by the configuration.
class Tenants {
 public:
  // `mode` of server.authority; `more` sets the rest. Aborts the test program when the server does
  // not start.
  explicit Tenants(const std::string& mode = "enforce",
                   std::function<void(config::v1::ServerConfig*)> more = nullptr);
  ~Tenants();

  services::Server& server() { return *server_; }
  std::string address() const;
  const std::string& directory() const { return dir_.path(); }
  // Stops and starts again on the same directory.
  void Restart();

  static std::string PrincipalOf(const std::string& path) {
    return "spiffe://fiscal.example/" + path;
  }
  // A connection of the caller's, made at first use.
  std::shared_ptr<grpc::Channel> As(const std::string& path);
  // A new one, with a certificate that is good for `days`; of another authority when `strange`.
  std::shared_ptr<grpc::Channel> Connect(const std::string& path, int days = 30,
                                         bool strange = false);
  // One that shows no certificate; one without TLS.
  std::shared_ptr<grpc::Channel> Nameless() const;
  std::shared_ptr<grpc::Channel> Plain() const;

  // Grants as admin/one, and approves as admin/two where that is needed. Returns the grant's id.
  int64_t Grant(const std::string& to, const std::string& role,
                const authority::v1::GrantScope& scope = {});
  void Revoke(int64_t grant);
  // Puts the certificate that As showed on the list of revoked ones.
  void RevokeCertificate(const std::string& path);

  static authority::v1::GrantScope Scope(const std::string& division,
                                         const std::string& department = "", int year = 0);

 private:
  std::shared_ptr<grpc::Channel> Connect(const Pem& pem) const;
  void Start();

  TempDir dir_;
  const Authority authority_{"trial authority", "URI:spiffe://fiscal.example"};
  const Authority stranger_{"trial authority", "URI:spiffe://fiscal.example"};
  const std::string mode_;
  const std::function<void(config::v1::ServerConfig*)> more_;
  std::unique_ptr<services::Server> server_;
  std::map<std::string, Pem> certificates_;
  std::map<std::string, std::shared_ptr<grpc::Channel>> channels_;
  std::vector<std::string> revoked_;
};

// The catalog of ImportSmallCatalog under 140000, with division 142300 beside 141100, and agencies
// of all four; sent over `channel`, whose caller owns all lists.
bool ImportTwoCities(const std::shared_ptr<grpc::Channel>& channel, int agencies, int year = 2024);

}  // namespace fiscal::testing

#endif  // FISCAL_TESTS_INTEGRATION_TENANTS_H_
