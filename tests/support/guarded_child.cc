#include "tests/support/guarded_child.h"

#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "fiscal/authority/v1/authority_service.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "tests/support/http.h"

namespace fiscal::testing {

namespace auth = fiscal::authority::v1;

GuardedChild::GuardedChild(const std::string& name)
    : dir_((std::filesystem::temp_directory_path() / absl::StrCat("fiscal-", name, "-", getpid()))
               .string()) {
  std::filesystem::remove_all(dir_);
  std::filesystem::create_directories(dir_);
  const Pem pem = authority_.Sign("fiscal");
  const auto write = [&](const char* file, const std::string& bytes) {
    std::ofstream(dir_ + file) << bytes;
  };
  write("/tls.crt", pem.certificate);
  write("/tls.key", pem.key);
  write("/ca.crt", authority_.certificate());
  ServeOptions options;
  options.data_dir = dir_ + "/data";
  const int port = FreePort();
  address_ = absl::StrCat("localhost:", port);
  options.listen = absl::StrCat("127.0.0.1:", port);
  admin_port_ = FreePort();
  options.admin_listen = absl::StrCat("127.0.0.1:", admin_port_);
  config_ = options.Config();
  config::v1::ServerConfig& server = *services::MutableServerOf(&config_);
  server.mutable_log()->set_level("debug");
  server.mutable_tls()->set_certificate_file(dir_ + "/tls.crt");
  server.mutable_tls()->set_key_file(dir_ + "/tls.key");
  server.mutable_tls()->set_client_ca_file(dir_ + "/ca.crt");
  server.mutable_authority()->set_mode("enforce");
  for (const char* admin : {"admin/one", "admin/two"})
    server.mutable_authority()->add_admins()->set_principal(PrincipalOf(admin));
  // Callers here ask as fast as they are answered.
  for (const char* role : {"submitter", "consumer", "replica"}) {
    config::v1::ShareConfig* share = server.add_shares();
    share->set_role(role);
    share->set_requests_per_second(1000000000);
    share->set_cost_per_second(1000000000000);
  }
}

GuardedChild::~GuardedChild() {
  server_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(dir_, ignored);
}

void GuardedChild::Start() { server_ = std::make_unique<ServerChild>(config_, dir_ + "/log"); }
void GuardedChild::Kill() { server_->End(SIGKILL); }

std::string GuardedChild::PrincipalOf(const std::string& path) {
  return "spiffe://fiscal.example/" + path;
}

std::shared_ptr<grpc::Channel> GuardedChild::As(const std::string& path) const {
  const Pem pem = authority_.SignNames(path, "URI:" + PrincipalOf(path));
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1000);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 20);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 50);
  return grpc::CreateCustomChannel(
      address_, grpc::SslCredentials({authority_.certificate(), pem.key, pem.certificate}),
      arguments);
}

bool GuardedChild::AwaitServing(const std::shared_ptr<grpc::Channel>& channel) {
  const auto stub = auth::AuthorityService::NewStub(channel);
  const absl::Time deadline = absl::Now() + absl::Seconds(60);
  while (absl::Now() < deadline) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(deadline));
    auth::WhoAmIResponse who;
    if (stub->WhoAmI(&context, {}, &who).ok()) return true;
    channel->WaitForStateChange(channel->GetState(/*try_to_connect=*/true),
                                absl::ToChronoTime(absl::Now() + absl::Milliseconds(10)));
  }
  return false;
}

std::string GuardedChild::Grant(const std::string& to, const std::string& role,
                                const std::string& department) const {
  auth::GrantRequest request;
  request.set_principal(PrincipalOf(to));
  request.set_role(role);
  // Who owns lists begins the tree.
  if (role != "catalog-owner") request.mutable_scope()->set_division_code("141100");
  if (!department.empty()) request.mutable_scope()->add_department_codes(department);
  auth::GrantResponse granted;
  grpc::ClientContext first;
  grpc::Status status =
      auth::AuthorityService::NewStub(As("admin/one"))->Grant(&first, request, &granted);
  if (!status.ok() || granted.state() != auth::GRANT_STATE_PENDING) return status.error_message();
  auth::ApproveGrantRequest approve;
  approve.set_grant_id(granted.grant_id());
  auth::ApproveGrantResponse approved;
  grpc::ClientContext second;
  status =
      auth::AuthorityService::NewStub(As("admin/two"))->ApproveGrant(&second, approve, &approved);
  return status.error_message();
}

std::string GuardedChild::Log() const {
  std::ostringstream text;
  text << std::ifstream(dir_ + "/log").rdbuf();
  return text.str();
}

std::string GuardedChild::Metrics() const { return HttpGet(admin_port_, "/metrics").body; }

}  // namespace fiscal::testing
