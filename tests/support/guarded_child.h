// A server as a child that lets in by certificates and grants, and callers with certificates of
// their own. The trust domain is fiscal.example; callers are named by the path in it. `admin/one`
// and `admin/two` are administrators by the configuration.
#ifndef FISCAL_TESTS_SUPPORT_GUARDED_CHILD_H_
#define FISCAL_TESTS_SUPPORT_GUARDED_CHILD_H_

#include <memory>
#include <string>

#include "grpcpp/channel.h"
#include "tests/support/certificates.h"
#include "tests/support/children.h"

namespace fiscal::testing {

class GuardedChild {
 public:
  // Its directory is a temporary one, gone with this. Requests have no rate.
  explicit GuardedChild(const std::string& name);
  ~GuardedChild();

  // On the same directory and port as before, once more after Kill.
  void Start();
  void Kill();

  static std::string PrincipalOf(const std::string& path);
  // A connection of its own, which looks for its server often.
  std::shared_ptr<grpc::Channel> As(const std::string& path) const;
  // Waits until the server takes the caller's calls. False when it doesn't.
  static bool AwaitServing(const std::shared_ptr<grpc::Channel>& channel);

  // Of division 141100, or of one of its departments; of lists everything. As admin/one, approved
  // by admin/two where that is needed. Empty, or why it failed.
  std::string Grant(const std::string& to, const std::string& role,
                    const std::string& department = "") const;

  // All that it wrote to stderr.
  std::string Log() const;
  // The page of its metrics.
  std::string Metrics() const;

 private:
  const std::string dir_;
  const Authority authority_{"trial authority", "URI:spiffe://fiscal.example"};
  std::string address_;
  int admin_port_ = 0;
  config::v1::ServeConfig config_;
  std::unique_ptr<ServerChild> server_;
};

}  // namespace fiscal::testing

#endif  // FISCAL_TESTS_SUPPORT_GUARDED_CHILD_H_
