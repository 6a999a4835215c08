#include "services/config/address.h"

#include <arpa/inet.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"

namespace fiscal::services::settings {
namespace {

bool IsName(absl::string_view text) {
  return !text.empty() && text.size() <= 253 && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-' || c == '_';
  });
}

bool IsPort(absl::string_view text) {
  return !text.empty() && text.size() <= 5 &&
         text.find_first_not_of("0123456789") == absl::string_view::npos;
}

}  // namespace

std::optional<Address> ParseAddress(absl::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos) return std::nullopt;
  absl::string_view host = text.substr(0, colon);
  const absl::string_view port = text.substr(colon + 1);
  Address address;
  if (!IsPort(port) || !absl::SimpleAtoi(port, &address.port) || address.port > 65535)
    return std::nullopt;
  if (absl::StartsWith(host, "[") && absl::EndsWith(host, "]")) {
    host = host.substr(1, host.size() - 2);
    in6_addr bytes;
    // The part after % names an interface.
    if (inet_pton(AF_INET6, std::string(host.substr(0, host.find('%'))).c_str(), &bytes) != 1)
      return std::nullopt;
  } else if (!IsName(host)) {
    return std::nullopt;
  }
  address.host = std::string(host);
  return address;
}

bool IsLoopback(const Address& address) {
  in_addr v4;
  if (inet_pton(AF_INET, address.host.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
  in6_addr v6;
  if (inet_pton(AF_INET6, address.host.c_str(), &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6);
  return address.host == "localhost";
}

}  // namespace fiscal::services::settings
