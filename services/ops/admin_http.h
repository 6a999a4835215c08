// The operator's HTTP: /healthz, /readyz, /metrics, /buildinfo. Answers GET and HEAD, from memory,
// on a thread of its own.
//
// For the inside: no TLS, no authentication, no budgets shown. What it takes from a caller is
// bounded: 8 KB of header, no body, ten seconds, 64 connections. A new connection above that closes
// the one that was silent longest, so that probes get through. Thread-safe.
#ifndef FISCAL_SERVICES_OPS_ADMIN_HTTP_H_
#define FISCAL_SERVICES_OPS_ADMIN_HTTP_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace fiscal::services {

class AdminHttp {
 public:
  struct Answer {
    int status = 200;
    std::string content_type = "text/plain; charset=utf-8";
    std::string body;
  };
  // Answers a path, without its query. Called on the server's thread, one at a time.
  using Handler = std::function<Answer(const std::string& path)>;

  // HOST:PORT. INVALID_ARGUMENT: no such address. FAILED_PRECONDITION: it can't be listened on.
  static absl::StatusOr<std::unique_ptr<AdminHttp>> Start(const std::string& listen,
                                                          Handler handler);
  virtual ~AdminHttp() = default;
  virtual int port() const = 0;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_OPS_ADMIN_HTTP_H_
