// Listens for HTTP/1.1: bytes, connections and their bounds, on a thread of its own. What is asked
// for, and what is answered, is the handler's.
//
//   caller --> HttpListener --(Request)--> Handler --(Answer)--> HttpListener --> caller
//
// No TLS and no authentication: for the inside. What it takes from a caller is bounded. A new
// connection above the bound closes the one that was silent longest, so that probes get through.
// Thread-safe.
#ifndef FISCAL_SERVICES_OPS_HTTP_LISTENER_H_
#define FISCAL_SERVICES_OPS_HTTP_LISTENER_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace fiscal::services {

class HttpListener {
 public:
  struct Options {
    // Open connections, also of one caller.
    size_t connections_max = 64;
    // Bytes of a request's first line and headers. A longer one closes the connection.
    size_t header_bytes_max = 8 << 10;
    // Bytes of a request's body; 0 for none. A longer one closes the connection.
    size_t body_bytes_max = 0;
    // How long a request may take to arrive, and an answer to leave.
    absl::Duration silence_max = absl::Seconds(10);
  };
  struct Request {
    // "GET".
    std::string method;
    // The target up to its question mark, as sent, and what is behind it.
    std::string path, query;
    std::string body;
  };
  struct Answer {
    int status = 200;
    std::string content_type = "text/plain; charset=utf-8";
    std::string body;
    // Besides those of the connection and the body.
    std::vector<std::pair<std::string, std::string>> headers;
  };
  // Called on the listener's thread, one request at a time: it must not wait. Of what it answers to
  // HEAD, the body is not sent.
  using Handler = std::function<Answer(const Request&)>;

  // HOST:PORT. INVALID_ARGUMENT: no such address. FAILED_PRECONDITION: it can't be listened on.
  static absl::StatusOr<std::unique_ptr<HttpListener>> Start(const std::string& listen,
                                                             Options options, Handler handler);
  // Closes all connections.
  virtual ~HttpListener() = default;
  virtual int port() const = 0;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_OPS_HTTP_LISTENER_H_
