#include "services/ops/admin_pages.h"

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/version.h"

namespace fiscal::services {

HttpListener::Answer AdminPages::Answer(const HttpListener::Request& request) const {
  HttpListener::Answer answer;
  if (request.method != "GET" && request.method != "HEAD") {
    answer.status = 405;
    answer.body = "only GET and HEAD\n";
    answer.headers = {{"Allow", "GET, HEAD"}};
  } else if (request.path == "/healthz" || request.path == "/readyz") {
    const Health health = health_();
    const bool ready = request.path == "/healthz" || health.ready;
    answer.status = health.dead.empty() && ready ? 200 : 503;
    answer.body =
        !health.dead.empty()
            ? absl::StrCat("the API does not answer at its own address: ", health.dead, "\n")
        : request.path == "/healthz" ? "ok\n"
                                     : absl::StrCat(health.state, "\n");
  } else if (request.path == "/metrics") {
    answer.content_type = std::string(Metrics::ContentType());
    answer.body = metrics_.Scrape();
  } else if (request.path == "/buildinfo") {
    answer.content_type = "application/json";
    answer.body = absl::StrCat("{\"version\":", logging::JsonString(Version()),
                               ",\"role\":", logging::JsonString(role_), "}\n");
  } else {
    answer.status = 404;
    answer.body = "/healthz /readyz /metrics /buildinfo\n";
  }
  return answer;
}

}  // namespace fiscal::services
