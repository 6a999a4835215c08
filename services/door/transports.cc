#include "services/door/transports.h"

#include <memory>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "grpc/grpc.h"
#include "grpc/support/alloc.h"

namespace fiscal::services {
namespace {

// Of one page of a list.
constexpr intptr_t kSocketsPerPage = 500;

struct Free {
  void operator()(char* text) const { gpr_free(text); }
};
using Json = std::unique_ptr<char, Free>;

absl::string_view View(const Json& json) { return json == nullptr ? "" : json.get(); }

// The text after `"name":"`, from `*at` on, which moves past it. The texts wanted here have no
// escapes. Nothing when there is none.
std::optional<absl::string_view> Next(absl::string_view json, absl::string_view name, size_t* at) {
  const std::string key = absl::StrCat("\"", name, "\":\"");
  const size_t begin = json.find(key, *at);
  if (begin == absl::string_view::npos) return std::nullopt;
  const size_t end = json.find('"', begin + key.size());
  if (end == absl::string_view::npos) return std::nullopt;
  *at = end;
  return json.substr(begin + key.size(), end - begin - key.size());
}

int64_t NumberOf(absl::string_view json, absl::string_view name) {
  size_t at = 0;
  int64_t number = 0;
  const auto text = Next(json, name, &at);
  if (text) (void)absl::SimpleAtoi(*text, &number);
  return number;
}

}  // namespace

void Transports::Refresh() {
  ids_.clear();
  const Json servers(grpc_channelz_get_servers(0));
  size_t at = 0;
  while (const auto server = Next(View(servers), "serverId", &at)) {
    int64_t id = 0, last = 0;
    if (!absl::SimpleAtoi(*server, &id)) continue;
    while (true) {
      const Json sockets(grpc_channelz_get_server_sockets(id, last + 1, kSocketsPerPage));
      int count = 0;
      size_t place = 0;
      // {"name":"chttp2 ipv4:127.0.0.1:43103","socketId":"3"}
      while (const auto name = Next(View(sockets), "name", &place)) {
        const auto socket = Next(View(sockets), "socketId", &place);
        int64_t number = 0;
        if (!socket || !absl::SimpleAtoi(*socket, &number)) break;
        ids_[std::string(name->substr(name->find(' ') + 1))] = number;
        last = number;
        ++count;
      }
      if (count < kSocketsPerPage) break;
    }
  }
}

int64_t Transports::IdOf(const std::string& peer) const {
  const auto it = ids_.find(peer);
  return it == ids_.end() ? 0 : it->second;
}

std::optional<Transports::Streams> Transports::Count(int64_t id) {
  const Json socket(grpc_channelz_get_socket(id));
  if (socket == nullptr) return std::nullopt;
  const absl::string_view json = View(socket);
  const int64_t failed = NumberOf(json, "streamsFailed");
  return Streams{NumberOf(json, "streamsStarted"), NumberOf(json, "streamsSucceeded") + failed,
                 failed};
}

}  // namespace fiscal::services
