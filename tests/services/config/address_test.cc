// HOST:PORT, taken whole or not at all; which addresses only this machine reaches.
#include "services/config/address.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace fiscal::services::settings {
namespace {

// "host port", and what reaches it.
std::string Parsed(absl::string_view text) {
  const std::optional<Address> address = ParseAddress(text);
  if (!address.has_value()) return "none";
  return absl::StrCat(address->host, " ", address->port, IsLoopback(*address) ? " loopback" : "");
}

TEST(AddressTest, IsAHostAndAPort) {
  EXPECT_EQ(Parsed("127.0.0.1:7411"), "127.0.0.1 7411 loopback");
  EXPECT_EQ(Parsed("127.1.2.3:0"), "127.1.2.3 0 loopback");
  EXPECT_EQ(Parsed("localhost:1"), "localhost 1 loopback");
  EXPECT_EQ(Parsed("[::1]:65535"), "::1 65535 loopback");
  EXPECT_EQ(Parsed("0.0.0.0:7411"), "0.0.0.0 7411");
  EXPECT_EQ(Parsed("[::]:7411"), ":: 7411");
  EXPECT_EQ(Parsed("[fe80::1%eth0]:7411"), "fe80::1%eth0 7411");
  // A name is not resolved: its answer may change.
  EXPECT_EQ(Parsed("fiscal.example:7411"), "fiscal.example 7411");
}

TEST(AddressTest, NothingElseIs) {
  for (const char* text : {"", ":", ":1", "host", "host:", "host:65536", "host:-1", "host:+1",
                           "host:1x", "host:123456", "::1:7411", "[::1]", "[::1]7411", "[host]:1",
                           "ho st:1", "host/path:1", "[]:1"})
    EXPECT_EQ(Parsed(text), "none") << text;
}

}  // namespace
}  // namespace fiscal::services::settings
