// The operator's pages: /healthz, /readyz, /metrics, /buildinfo. From memory, without budgets.
//
//   HttpListener --> AdminPages --> Metrics, the process
//
// Thread-safe.
#ifndef FISCAL_SERVICES_OPS_ADMIN_PAGES_H_
#define FISCAL_SERVICES_OPS_ADMIN_PAGES_H_

#include <functional>
#include <string>

#include "services/ops/http_listener.h"
#include "services/ops/metrics.h"

namespace fiscal::services {

class AdminPages {
 public:
  struct Health {
    // Why the API does not answer at its own address; empty while it does.
    std::string dead;
    // True while calls are taken.
    bool ready = false;
    // One line for whoever asks whether it is ready: "recovering: ...".
    std::string state;
  };

  // REQUIRES: `metrics` outlives it. `health` is called from any thread.
  AdminPages(Metrics& metrics, std::string role, std::function<Health()> health)
      : metrics_(metrics), role_(std::move(role)), health_(std::move(health)) {}

  HttpListener::Answer Answer(const HttpListener::Request& request) const;

 private:
  Metrics& metrics_;
  const std::string role_;
  const std::function<Health()> health_;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_OPS_ADMIN_PAGES_H_
