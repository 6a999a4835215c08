// Sockets that listen: at which addresses, and never beside another process.
#include "services/door/listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace fiscal::services {
namespace {

bool Connects(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(static_cast<uint16_t>(port));
  const bool connected = connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof(to)) == 0;
  close(fd);
  return connected;
}

TEST(ListenerTest, ListensUntilItGoes) {
  int port = 0;
  {
    const auto listener = Listener::Bind("127.0.0.1:0");
    ASSERT_TRUE(listener.ok()) << listener.status();
    port = (*listener)->port();
    EXPECT_GT(port, 0);
    EXPECT_EQ((*listener)->sockets().size(), 1u);
    EXPECT_TRUE(Connects(port));
  }
  EXPECT_FALSE(Connects(port));
}

TEST(ListenerTest, EveryAddressOfTheMachine) {
  for (const char* address : {"0.0.0.0:0", "[::]:0"}) {
    const auto listener = Listener::Bind(address);
    ASSERT_TRUE(listener.ok()) << listener.status();
    EXPECT_TRUE(Connects((*listener)->port())) << address;
  }
}

TEST(ListenerTest, APortIsNeverShared) {
  const auto first = Listener::Bind("127.0.0.1:0");
  ASSERT_TRUE(first.ok()) << first.status();
  const auto second = Listener::Bind(absl::StrCat("127.0.0.1:", (*first)->port()));
  EXPECT_TRUE(absl::IsFailedPrecondition(second.status()));
  EXPECT_TRUE(absl::StrContains(second.status().message(), "is the port in use?"))
      << second.status();
}

TEST(ListenerTest, WhatIsNoAddressIsSaid) {
  for (const char* address : {"", "127.0.0.1", "127.0.0.1:99999", "ho st:1"})
    EXPECT_TRUE(absl::IsFailedPrecondition(Listener::Bind(address).status())) << address;
}

}  // namespace
}  // namespace fiscal::services
