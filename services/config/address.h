// HOST:PORT.
#ifndef FISCAL_SERVICES_CONFIG_ADDRESS_H_
#define FISCAL_SERVICES_CONFIG_ADDRESS_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace fiscal::services::settings {

struct Address {
  // A name, an IPv4 address, or an IPv6 address without its brackets.
  std::string host;
  int port = 0;
};

// An IPv6 address stands in brackets: without them nobody knows where it ends. Nothing when `text`
// is not one, or the port is over 65535.
std::optional<Address> ParseAddress(absl::string_view text);

// Whether only this machine reaches it. A name other than localhost is not asked for: what it
// stands for may change.
bool IsLoopback(const Address& address);

}  // namespace fiscal::services::settings

#endif  // FISCAL_SERVICES_CONFIG_ADDRESS_H_
