// The operator's HTTP: /healthz, /readyz, /metrics, /buildinfo. Answers GET and HEAD, from memory,
// on a thread of its own.
//
// It is for the inside: it has no TLS, asks nobody who he is, and shows no budgets. What it takes
// from a caller is bounded: 8 KB of header, no body, ten seconds, 64 connections, of which the one
// that was silent longest makes room for a new one: probes get through. Thread-safe.
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
  // By path without a query; called on its thread, one at a time.
  using Handler = std::function<Answer(const std::string& path)>;

  // HOST:PORT. INVALID_ARGUMENT: no such address. FAILED_PRECONDITION: it can't be listened on.
  static absl::StatusOr<std::unique_ptr<AdminHttp>> Start(const std::string& listen,
                                                          Handler handler);
  virtual ~AdminHttp() = default;
  virtual int port() const = 0;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_OPS_ADMIN_HTTP_H_
