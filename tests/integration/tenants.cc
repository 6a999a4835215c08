#include "tests/integration/tenants.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "fiscal/catalog/v1/catalog_service.grpc.pb.h"
#include "tests/support/catalog.h"
#include "tests/support/serve_options.h"

namespace fiscal::testing {
namespace {

namespace auth = fiscal::authority::v1;
namespace cat = fiscal::catalog::v1;

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "tenants: %s\n", what.c_str());
  std::abort();
}

void WriteFile(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::trunc) << bytes;
}

std::shared_ptr<grpc::Channel> Open(const std::string& address,
                                    std::shared_ptr<grpc::ChannelCredentials> credentials) {
  grpc::ChannelArguments arguments;
  // Each channel is a connection of its own.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address, std::move(credentials), arguments);
}

cat::CatalogEntry Entry(const std::string& code, const std::string& parent,
                        const std::string& department = "") {
  cat::CatalogEntry entry;
  entry.set_code(code);
  entry.set_name("名称" + code);
  entry.set_parent_code(parent);
  entry.set_department_code(department);
  return entry;
}

bool Import(const std::shared_ptr<grpc::Channel>& channel, const std::string& division, int year,
            cat::CatalogList list, std::vector<cat::CatalogEntry> entries) {
  cat::ImportCatalogRequest request;
  request.set_request_id(absl::StrCat("tenants-", division, "-", list, "-", year));
  request.set_division_code(division);
  request.set_fiscal_year(year);
  request.set_list(list);
  for (cat::CatalogEntry& entry : entries) *request.add_entries() = std::move(entry);
  grpc::ClientContext context;
  cat::ImportCatalogResponse response;
  const grpc::Status status =
      cat::CatalogService::NewStub(channel)->ImportCatalog(&context, request, &response);
  if (!status.ok()) std::fprintf(stderr, "import: %s\n", status.error_message().c_str());
  return status.ok();
}

}  // namespace

Tenants::Tenants(const std::string& mode, std::function<void(config::v1::ServerConfig*)> more)
    : mode_(mode), more_(std::move(more)) {
  const Pem pem = authority_.Sign("fiscal");
  WriteFile(directory() + "/tls.crt", pem.certificate);
  WriteFile(directory() + "/tls.key", pem.key);
  WriteFile(directory() + "/ca.crt", authority_.certificate());
  WriteFile(directory() + "/crl.pem", authority_.RevocationList({}));
  Start();
}

Tenants::~Tenants() = default;

void Tenants::Start() {
  ServeOptions options;
  options.data_dir = directory() + "/data";
  config::v1::ServeConfig config = options.Config();
  config::v1::ServerConfig& server = *services::MutableServerOf(&config);
  server.mutable_tls()->set_certificate_file(directory() + "/tls.crt");
  server.mutable_tls()->set_key_file(directory() + "/tls.key");
  server.mutable_tls()->set_client_ca_file(directory() + "/ca.crt");
  server.mutable_tls()->set_client_crl_file(directory() + "/crl.pem");
  server.mutable_authority()->set_mode(mode_);
  server.set_insecure(mode_ == "off");
  for (const char* admin : {"admin/one", "admin/two"})
    server.mutable_authority()->add_admins()->set_principal(PrincipalOf(admin));
  if (more_ != nullptr) more_(&server);
  auto started = services::Server::Start(config);
  if (!started.ok()) Die(started.status().ToString());
  server_ = *std::move(started);
}

void Tenants::Restart() {
  channels_.clear();
  server_.reset();
  Start();
}

std::string Tenants::address() const { return absl::StrCat("localhost:", server_->port()); }

std::shared_ptr<grpc::Channel> Tenants::Connect(const Pem& pem) const {
  return Open(address(),
              grpc::SslCredentials({authority_.certificate(), pem.key, pem.certificate}));
}

std::shared_ptr<grpc::Channel> Tenants::As(const std::string& path) {
  std::shared_ptr<grpc::Channel>& channel = channels_[path];
  if (channel != nullptr) return channel;
  const auto [certificate, added] = certificates_.try_emplace(path);
  if (added) certificate->second = authority_.SignNames(path, "URI:" + PrincipalOf(path));
  return channel = Connect(certificate->second);
}

std::shared_ptr<grpc::Channel> Tenants::Connect(const std::string& path, int days, bool strange) {
  return Connect(
      (strange ? stranger_ : authority_).SignNames(path, "URI:" + PrincipalOf(path), days));
}

std::shared_ptr<grpc::Channel> Tenants::Nameless() const {
  return Open(address(), grpc::SslCredentials({authority_.certificate(), "", ""}));
}

std::shared_ptr<grpc::Channel> Tenants::Plain() const {
  return Open(address(), grpc::InsecureChannelCredentials());
}

int64_t Tenants::Grant(const std::string& to, const std::string& role,
                       const auth::GrantScope& scope) {
  auth::GrantRequest request;
  request.set_principal(PrincipalOf(to));
  request.set_role(role);
  *request.mutable_scope() = scope;
  auth::GrantResponse granted;
  grpc::ClientContext context;
  const grpc::Status status =
      auth::AuthorityService::NewStub(As("admin/one"))->Grant(&context, request, &granted);
  if (!status.ok()) Die("grant: " + status.error_message());
  if (granted.state() != auth::GRANT_STATE_PENDING) return granted.grant_id();
  auth::ApproveGrantRequest approve;
  approve.set_grant_id(granted.grant_id());
  auth::ApproveGrantResponse approved;
  grpc::ClientContext second;
  const grpc::Status done =
      auth::AuthorityService::NewStub(As("admin/two"))->ApproveGrant(&second, approve, &approved);
  if (!done.ok()) Die("approve: " + done.error_message());
  return granted.grant_id();
}

void Tenants::Revoke(int64_t grant) {
  auth::RevokeGrantRequest request;
  request.set_grant_id(grant);
  auth::RevokeGrantResponse response;
  grpc::ClientContext context;
  const grpc::Status status =
      auth::AuthorityService::NewStub(As("admin/one"))->RevokeGrant(&context, request, &response);
  if (!status.ok()) Die("revoke: " + status.error_message());
}

void Tenants::RevokeCertificate(const std::string& path) {
  revoked_.push_back(certificates_.at(path).certificate);
  WriteFile(directory() + "/crl.pem", authority_.RevocationList(revoked_));
}

auth::GrantScope Tenants::Scope(const std::string& division, const std::string& department,
                                int year) {
  auth::GrantScope scope;
  scope.set_division_code(division);
  if (!department.empty()) scope.add_department_codes(department);
  scope.set_first_fiscal_year(year);
  scope.set_last_fiscal_year(year);
  return scope;
}

bool ImportTwoCities(const std::shared_ptr<grpc::Channel>& channel, int agencies, int year) {
  std::vector<cat::CatalogEntry> units;
  for (int i = 0; i < agencies; ++i) units.push_back(Entry(AgencyCode(i), "", DepartmentCode(i)));
  bool good = Import(channel, "140000", year, cat::CATALOG_LIST_DIVISION,
                     {Entry("140000", ""), Entry("141100", "140000"), Entry("142300", "140000"),
                      Entry("141121", "141100")}) &&
              Import(channel, "140000", year, cat::CATALOG_LIST_FUNCTIONAL,
                     {Entry("208", ""), Entry("210", ""), Entry("217", "")});
  for (const char* division : {"140000", "141100", "142300", "141121"})
    good = good && Import(channel, division, year, cat::CATALOG_LIST_AGENCY, units);
  return good;
}

}  // namespace fiscal::testing
