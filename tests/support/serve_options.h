// What tests say of a server they start; the rest is the product's default.
#ifndef FISCAL_TESTS_SUPPORT_SERVE_OPTIONS_H_
#define FISCAL_TESTS_SUPPORT_SERVE_OPTIONS_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "services/config/config.h"

namespace fiscal::testing {

struct ServeOptions {
  std::string data_dir;
  std::string listen = "127.0.0.1:0";
  // all, submission or aggregation.
  std::string role = "all";
  // Of the role aggregation.
  std::string log_address;
  std::vector<std::pair<std::string, std::string>> upstreams;
  // Empty: no admin HTTP.
  std::string admin_listen;
  int64_t drain_delay_seconds = 0;
  std::optional<int64_t> drain_seconds;
  // The limit of open files of a ServerChild.
  std::optional<int64_t> open_files_max;
  // Empty: keys of its own.
  std::string token_key_file;
  // 0: what the machine has.
  int64_t memory_bytes_max = 0;

  config::v1::ServeConfig Config() const {
    config::v1::ServeConfig all = services::DefaultConfig(), config;
    config::v1::ServerConfig* server = services::MutableServerOf(&all);
    server->set_data_dir(data_dir);
    server->set_listen(listen);
    server->set_admin_listen(admin_listen);
    server->set_token_key_file(token_key_file);
    server->set_memory_bytes_max(memory_bytes_max);
    server->mutable_drain()->set_delay_seconds(drain_delay_seconds);
    if (drain_seconds.has_value()) server->mutable_drain()->set_seconds(*drain_seconds);
    // A machine that tests may have little left.
    server->mutable_disk()->set_free_bytes_min(0);
    server->mutable_log()->set_level("warning");
    for (const auto& [name, address] : upstreams) {
      config::v1::UpstreamConfig* upstream =
          all.mutable_all()->mutable_submission()->add_upstreams();
      upstream->set_name(name);
      upstream->set_address(address);
    }
    if (role == "submission") {
      *config.mutable_submission()->mutable_server() = *server;
      *config.mutable_submission()->mutable_submission() = all.all().submission();
    } else if (role == "aggregation") {
      *config.mutable_aggregation()->mutable_server() = *server;
      *config.mutable_aggregation()->mutable_aggregation() = all.all().aggregation();
      config.mutable_aggregation()->set_log(log_address);
    } else {
      config = all;
    }
    return config;
  }
};

}  // namespace fiscal::testing

#endif  // FISCAL_TESTS_SUPPORT_SERVE_OPTIONS_H_
