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

// Parses HOST:PORT; an IPv6 address stands in brackets. nullopt when `text` is not one, or the port
// is over 65535.
std::optional<Address> ParseAddress(absl::string_view text);

// True when only this machine reaches the address. Names other than localhost are not resolved,
// since the answer may change.
bool IsLoopback(const Address& address);

}  // namespace fiscal::services::settings

#endif  // FISCAL_SERVICES_CONFIG_ADDRESS_H_
