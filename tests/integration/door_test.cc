// The door of the API beside peers that keep no rules: caps, descriptors, floods, and what must
// never be cut.
#include "services/door/door.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "fiscal/admin/v1/admin_service.grpc.pb.h"
#include "fiscal/submission/v1/submission_service.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "services/door/self_probe.h"
#include "tests/integration/deployment.h"
#include "tests/support/catalog.h"
#include "tests/support/children.h"
#include "tests/support/http.h"
#include "tests/support/http2.h"

namespace fiscal::testing {
namespace {

namespace sub = fiscal::submission::v1;
using services::Door;
using services::SelfProbe;

constexpr int64_t kMiB = 1 << 20;
constexpr char kMethod[] = "/fiscal.aggregation.v1.AggregationService/ListTotals";
const std::string kCancel("\0\0\0\x08", 4);

// Waits for what must come; far longer than it takes.
bool Eventually(const std::function<bool()>& came) {
  const absl::Time deadline = absl::Now() + absl::Seconds(60);
  while (absl::Now() < deadline) {
    if (came()) return true;
    absl::SleepFor(absl::Milliseconds(5));
  }
  return false;
}

// ---- the door alone ----

// A door, and who takes its connections and keeps them until he is told.
class DoorTest : public ::testing::Test {
 protected:
  void Open(const Door::Options& options) {
    auto door = Door::Open("127.0.0.1:0", options);
    ASSERT_TRUE(door.ok()) << door.status();
    door_ = *std::move(door);
    door_->HandTo([this](int fd) {
      absl::MutexLock lock(&mu_);
      taken_.push_back(fd);
    });
  }
  size_t taken() {
    absl::MutexLock lock(&mu_);
    return taken_.size();
  }
  // As gRPC ends a connection.
  void End(size_t i) {
    absl::MutexLock lock(&mu_);
    shutdown(taken_[i], SHUT_RDWR);
    close(taken_[i]);
    taken_[i] = -1;
  }
  void TearDown() override {
    door_.reset();
    for (const int fd : taken_) {
      if (fd >= 0) close(fd);
    }
  }

  std::unique_ptr<Door> door_;
  absl::Mutex mu_;
  std::vector<int> taken_;
};

TEST_F(DoorTest, MoreThanItsBoundsAreClosedAndWhoIsInStays) {
  Open({3, 2, 16, 64 * kMiB});
  RawConnection a(door_->port()), b(door_->port()), c(door_->port());
  EXPECT_TRUE(c.AwaitClosed());
  RawConnection other(door_->port(), "127.0.0.2"), more(door_->port(), "127.0.0.3");
  EXPECT_TRUE(more.AwaitClosed());
  ASSERT_TRUE(Eventually([&] { return taken() == 3; }));
  EXPECT_FALSE(a.AwaitClosed(absl::Milliseconds(1)));
  EXPECT_FALSE(other.AwaitClosed(absl::Milliseconds(1)));
  EXPECT_EQ(door_->counts().refused_address, 1);
  EXPECT_EQ(door_->counts().refused_all, 1);
  EXPECT_EQ(door_->counts().open, 3);
  // Room that is made is used.
  End(0);
  EXPECT_TRUE(Eventually([&] { return door_->counts().open == 2; }));
  RawConnection again(door_->port());
  EXPECT_TRUE(Eventually([&] { return taken() == 4; }));
  // The self-probe's is beside the bounds, which are full.
  auto probe = SelfProbe::Make("127.0.0.1:0", *door_, SelfProbe::Tls::kNone);
  EXPECT_FALSE(probe->Look(absl::Milliseconds(50)).ok());
  EXPECT_TRUE(Eventually([&] { return taken() == 5; }));
  EXPECT_EQ(door_->counts().open, 3);
}

TEST_F(DoorTest, DescriptorsUsedUpAndFreedAreNoEnd) {
  Open({100, 100, 16, 64 * kMiB});
  // A socket needs no descriptor any more when it connects.
  std::vector<int> sockets;
  for (int i = 0; i < 3; ++i) sockets.push_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const rlimit few{128, before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &few);
  std::vector<int> files;
  for (int fd = dup(0); fd >= 0; fd = dup(0)) files.push_back(fd);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(door_->port()));
  auto connected = [&](int fd) {
    return connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  };
  // Who comes is not left to wait.
  for (int i = 0; i < 2; ++i) {
    char byte;
    EXPECT_TRUE(connected(sockets[size_t(i)]));
    EXPECT_LE(recv(sockets[size_t(i)], &byte, 1, 0), 0);
  }
  // Each is closed before it is counted.
  EXPECT_TRUE(Eventually([&] { return door_->counts().refused_descriptors == 2; }));
  EXPECT_EQ(taken(), 0u);
  for (const int fd : files) close(fd);
  EXPECT_TRUE(connected(sockets[2]));
  EXPECT_TRUE(Eventually([&] { return taken() == 1; }));
  setrlimit(RLIMIT_NOFILE, &before);
  for (const int fd : sockets) close(fd);
}

TEST_F(DoorTest, WhoComesBetweenTwoTakersWaits) {
  Open({8, 8, 16, 64 * kMiB});
  door_->HandTo(nullptr);
  RawConnection waiting(door_->port());
  EXPECT_TRUE(waiting.connected());
  std::atomic<int> second{0};
  door_->HandTo([&](int fd) {
    ++second;
    close(fd);
  });
  EXPECT_TRUE(Eventually([&] { return second == 1; }));
  EXPECT_EQ(taken(), 0u);
  const auto twice = Door::Open(absl::StrCat("127.0.0.1:", door_->port()), {8, 8, 16, 64 * kMiB});
  EXPECT_TRUE(absl::IsFailedPrecondition(twice.status()));
  EXPECT_TRUE(absl::StrContains(twice.status().message(), "is the port in use?"));
  door_->Close();
  EXPECT_FALSE(RawConnection(door_->port()).connected());
}

std::atomic<int64_t> pretended_bytes{0};

TEST_F(DoorTest, MemoryThatNoRequestAccountsForIsTracedToWhoBegins) {
  Door::Options options{8, 8, 16, 64 * kMiB};
  options.resident_bytes = [] { return pretended_bytes.load(); };
  int64_t accounted = 0;
  options.accounted_bytes = [&accounted] { return accounted; };
  pretended_bytes = 100 * kMiB;
  Open(options);
  RawConnection little(door_->port()), known(door_->port()), begins(door_->port());
  ASSERT_TRUE(Eventually([&] { return taken() == 3; }));
  // A call of its took a message before.
  std::shared_ptr<services::ConnectionUse> use;
  ASSERT_TRUE(Eventually([&] {
    use = door_->UseOf(absl::StrCat("ipv4:127.0.0.1:", known.port()));
    return use != nullptr;
  }));
  use->bytes = 1;
  const std::string owed(100 << 10, 'x');
  ASSERT_TRUE(little.Write("PRI") && known.Write(owed) && begins.Write(owed));
  // Nothing grows, nobody is cut: the door has looked when it counted what is owed.
  ASSERT_TRUE(Eventually([&] { return door_->counts().untaken_bytes > 150 << 10; }));
  EXPECT_EQ(door_->counts().cut_memory, 0);
  pretended_bytes = 200 * kMiB;
  EXPECT_TRUE(begins.AwaitClosed());
  EXPECT_TRUE(Eventually([&] { return door_->counts().cut_memory == 1; }));
  EXPECT_FALSE(known.AwaitClosed(absl::Milliseconds(1)));
  EXPECT_FALSE(little.AwaitClosed(absl::Milliseconds(1)));
}

// ---- the whole server ----

// A line of /proc/PID/status in bytes.
int64_t MemoryOf(pid_t pid, absl::string_view line) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/status"));
  for (std::string text; std::getline(file, text);) {
    if (!absl::StartsWith(text, line)) continue;
    // "VmRSS:	   46012 kB".
    return std::atoll(text.c_str() + line.size() + 1) << 10;
  }
  return 0;
}

double MetricOf(int admin_port, const std::string& series) {
  const std::string scraped = HttpGet(admin_port, "/metrics").body;
  for (const absl::string_view line : absl::StrSplit(scraped, '\n')) {
    double value = 0;
    if (absl::StartsWith(line, series + " ") &&
        absl::SimpleAtod(line.substr(series.size() + 1), &value))
      return value;
  }
  return -1;
}

class DoorServerTest : public ::testing::Test {
 protected:
  void Start(ServeOptions options = {}) {
    port_ = FreePort();
    admin_port_ = FreePort();
    options.data_dir = dir_.path() + "/data";
    options.listen = absl::StrCat("127.0.0.1:", port_);
    options.admin_listen = absl::StrCat("127.0.0.1:", admin_port_);
    child_ = std::make_unique<ServerChild>(options);
    channel_ = ConnectTo(options.listen);
    ASSERT_TRUE(AwaitServing(channel_));
  }

  // The program itself: what it costs depends on its allocator, which test programs do not have.
  void StartProgram() {
    port_ = FreePort();
    admin_port_ = FreePort();
    const char* bin = std::getenv("FISCAL_BIN_DIR");
    std::vector<std::string> arguments = {
        absl::StrCat(bin == nullptr ? "build/release/bin" : bin, "/fiscal"),
        "serve",
        "--data-dir",
        dir_.path() + "/data",
        "--listen",
        absl::StrCat("127.0.0.1:", port_),
        "--admin-listen",
        absl::StrCat("127.0.0.1:", admin_port_),
        "--set",
        "server.disk.free_bytes_min=0",
        "--set",
        "server.log.level=error"};
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    program_ = fork();
    if (program_ == 0) {
      execv(argv[0], argv.data());
      _exit(127);
    }
    channel_ = ConnectTo(absl::StrCat("127.0.0.1:", port_));
    ASSERT_TRUE(AwaitServing(channel_));
  }

  void TearDown() override {
    if (program_ <= 0) return;
    kill(program_, SIGKILL);
    waitpid(program_, nullptr, 0);
  }

  // On a connection of its own.
  bool Answers() { return AwaitServing(ConnectTo(absl::StrCat("127.0.0.1:", port_))); }

  // Lets `count` connections go at the server at once, and says what that cost.
  void MustBeCheap(const std::string& what, int count,
                   const std::function<void(int, RawConnection&)>& attack) {
    const pid_t pid = program_;
    // Of the first one; what one leaves behind counts for the next.
    if (before_ == 0) before_ = MemoryOf(pid, "VmRSS");
    const int64_t before = before_;
    // VmHWM from now on.
    std::ofstream(absl::StrCat("/proc/", pid, "/clear_refs")) << "5";
    std::vector<std::unique_ptr<RawConnection>> connections;
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i) {
      connections.push_back(
          std::make_unique<RawConnection>(port_, absl::StrCat("127.0.0.", 1 + i * 4 / count)));
    }
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&, t] {
        for (int i = t; i < count; i += 8) attack(i, *connections[size_t(i)]);
      });
    }
    for (std::thread& thread : threads) thread.join();
    // What is sent is read or refused before others are answered, on two cores or on twenty.
    EXPECT_TRUE(Answers()) << what;
    const absl::Time end = absl::Now();
    int64_t now = 0;
    EXPECT_TRUE(Eventually([&] {
      now = MemoryOf(pid, "VmRSS");
      // What gRPC and the allocator keep of it all is some 60 MB from the first flood on, and does
      // not grow with the next.
      return now <= before + 80 * kMiB;
    })) << what
        << ": " << (now - before) / kMiB << " MB more than before";
    const int64_t peak = MemoryOf(pid, "VmHWM") - before;
    std::printf("%-28s %4d connections: peak +%lld MB, +%lld MB after %.1f s\n", what.c_str(),
                count, static_cast<long long>(peak / kMiB),
                static_cast<long long>((now - before) / kMiB),
                absl::ToDoubleSeconds(absl::Now() - end));
    EXPECT_LE(peak, 256 * kMiB) << what;
    EXPECT_TRUE(Answers()) << what;
  }

  TempDir dir_;
  int port_ = 0, admin_port_ = 0;
  std::unique_ptr<ServerChild> child_;
  pid_t program_ = -1;
  int64_t before_ = 0;
  std::shared_ptr<grpc::Channel> channel_;
};

// `count` calls, each begun with `begin`, in pieces.
void Calls(RawConnection& c, int count, const std::function<std::string(uint32_t)>& begin) {
  using namespace http2;
  if (!c.Write(Preface()) || !c.Write(Frame(kHeaders, kEndHeaders, 1, CallKept(kMethod)))) return;
  uint32_t stream = 3;
  for (int done = 0; done < count;) {
    std::string bytes;
    for (int i = 0; i < 500 && done < count; ++i, ++done, stream += 2) bytes += begin(stream);
    if (!c.Write(bytes)) return;
  }
}

TEST_F(DoorServerTest, FloodsCostLittle) {
  using namespace http2;
  StartProgram();
  ASSERT_TRUE(ImportSmallCatalog(channel_, 3));
  auto reset = [](int, RawConnection& c) {
    Calls(c, 50000, [](uint32_t stream) {
      return Frame(kHeaders, kEndHeaders, stream, CallAgain()) + Frame(kRst, 0, stream, kCancel);
    });
  };
  MustBeCheap("rapid reset", 1, reset);
  MustBeCheap("rapid reset", 10, reset);
  MustBeCheap("reset after a message", 10, [](int, RawConnection& c) {
    Calls(c, 20000, [](uint32_t stream) {
      return Frame(kHeaders, kEndHeaders, stream, CallAgain()) +
             Frame(kData, kEndStream, stream, Message("")) + Frame(kRst, 0, stream, kCancel);
    });
  });
  MustBeCheap("reset, few a connection", 1000, [](int, RawConnection& c) {
    Calls(c, 200, [](uint32_t stream) {
      return Frame(kHeaders, kEndHeaders, stream, CallAgain()) + Frame(kRst, 0, stream, kCancel);
    });
  });
  MustBeCheap("calls without messages", 200, [](int, RawConnection& c) {
    Calls(c, 1000,
          [](uint32_t stream) { return Frame(kHeaders, kEndHeaders, stream, CallAgain()); });
  });
  std::string block;
  for (int i = 0; i < 15; ++i) block += Header(absl::StrCat("x-", i), std::string(1000, 'a'));
  const std::string more = Frame(kMore, 0, 1, block);
  auto headers = [&](int, RawConnection& c) {
    bool open = c.Write(Preface()) && c.Write(Frame(kHeaders, 0, 1, CallHeaders(kMethod)));
    for (int i = 0; i < 7000 && open; ++i) open = c.Write(more);
  };
  MustBeCheap("CONTINUATION, 100 MB", 1, headers);
  MustBeCheap("CONTINUATION, 100 MB each", 10, headers);
  MustBeCheap("half messages, 8 x 15 MB each", 16, [&](int, RawConnection& c) {
    const std::string part(16000, '\x01'), head = Message(std::string(15 << 20, 'x')).substr(0, 5);
    bool open = c.Write(Preface());
    for (uint32_t stream = 1; stream < 16 && open; stream += 2) {
      open = c.Write(Frame(kHeaders, kEndHeaders, stream, CallHeaders(kMethod))) &&
             c.Write(Frame(kData, 0, stream, head));
      for (int i = 0; i < 970 && open; ++i)
        open = c.Write(Frame(kData, 0, stream, part), absl::Seconds(5));
    }
  });
  auto repeat = [](const std::string& frame) {
    return [frame](int, RawConnection& c) {
      std::string bytes;
      for (int i = 0; i < 1000; ++i) bytes += frame;
      bool open = c.Write(Preface());
      for (int i = 0; i < 300 && open; ++i) open = c.Write(bytes);
    };
  };
  MustBeCheap("PING", 4, repeat(Frame(kPing, 0, 0, "12345678")));
  MustBeCheap("SETTINGS", 4, repeat(Frame(kSettings, 0, 0, "")));
  MustBeCheap("WINDOW_UPDATE", 4, repeat(Frame(kWindow, 0, 0, std::string("\0\0\0\x01", 4))));
  MustBeCheap("PRIORITY", 4, repeat(Frame(kPriority, 0, 7, std::string("\0\0\0\x01\x01", 5))));
  MustBeCheap("idle connections", 1990, [](int, RawConnection& c) { c.Write(Preface()); });
  MustBeCheap("silent connections", 1990, [](int, RawConnection&) {});
}

// Whoever keeps the rules is never cut, however much he sends.
void ExpectLargeCallsPass(const std::string& address, int admin_port) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  const auto channel =
      grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
  ASSERT_TRUE(ImportSmallCatalog(channel, 3));
  const auto stub = sub::SubmissionService::NewStub(channel);
  // Budgets of the greatest number of lines, three at once on one connection, far more together
  // than the bound of bytes.
  std::vector<std::thread> threads;
  std::atomic<int64_t> bytes{0};
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      for (uint64_t i = 0; i < 8; ++i) {
        const sub::SubmitBudgetRequest request =
            MakeBudget(t, 100000, i, absl::StrCat("large-", t, "-", i));
        bytes += static_cast<int64_t>(request.ByteSizeLong());
        grpc::ClientContext context;
        sub::SubmitBudgetResponse receipt;
        const grpc::Status status = stub->SubmitBudget(&context, request, &receipt);
        EXPECT_TRUE(status.ok()) << status.error_message().substr(0, 200);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(bytes, 100 * kMiB);
  // A long stream at full speed.
  grpc::ClientContext context;
  const auto stream = stub->StreamBudgets(&context);
  std::thread reading([&] {
    sub::StreamBudgetsResponse answer;
    for (int i = 0; i < 300; ++i) EXPECT_TRUE(stream->Read(&answer));
  });
  for (int i = 0; i < 300; ++i) {
    sub::StreamBudgetsRequest frame;
    *frame.mutable_budget() = MakeBudget(i % 3, 5000, uint64_t(i), absl::StrCat("s", i));
    ASSERT_TRUE(stream->Write(frame));
  }
  reading.join();
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(MetricOf(admin_port, "fiscal_connections_cut_total{reason=\"bytes\"}"), 0);
  EXPECT_EQ(MetricOf(admin_port, "fiscal_connections_cut_total{reason=\"streams\"}"), 0);
  // All of it is accounted for.
  EXPECT_TRUE(
      Eventually([&] { return MetricOf(admin_port, "fiscal_connections_untaken_bytes") == 0; }));
}

TEST_F(DoorServerTest, LargeMessagesAndLongStreamsPass) {
  for (const char* host : {"127.0.0.1", "[::1]", "0.0.0.0"}) {
    const TempDir dir;
    ServeOptions options;
    options.data_dir = dir.path();
    options.listen = absl::StrCat(host, ":0");
    options.admin_listen = "127.0.0.1:0";
    config::v1::ServeConfig config = options.Config();
    services::MutableServerOf(&config)->set_insecure(true);
    const auto server = services::Server::Start(config);
    if (!server.ok() && std::string(host) == "[::1]") continue;  // A machine without IPv6.
    ASSERT_TRUE(server.ok()) << server.status();
    ExpectLargeCallsPass(
        absl::StrCat(std::string(host) == "[::1]" ? "[::1]" : "127.0.0.1", ":", (*server)->port()),
        (*server)->admin_port());
  }
}

TEST_F(DoorServerTest, FewOpenFilesAreKeptForTheStores) {
  ServeOptions options;
  options.open_files_max = 256;
  Start(options);
  ASSERT_TRUE(ImportSmallCatalog(channel_, 3));
  {
    std::vector<RawConnection> many;
    for (int i = 0; i < 400; ++i) {
      many.emplace_back(port_);
      many.back().Write(http2::Preface());
    }
    EXPECT_TRUE(many.back().AwaitClosed());
    EXPECT_GT(MetricOf(admin_port_, "fiscal_connections_refused_total{reason=\"all\"}"), 200);
    // Those who are in are served, and the stores have their files.
    grpc::ClientContext context;
    sub::SubmitBudgetResponse receipt;
    const grpc::Status status = sub::SubmissionService::NewStub(channel_)->SubmitBudget(
        &context, MakeBudget(0, 5, 1, "within"), &receipt);
    EXPECT_TRUE(status.ok()) << status.error_message();
    // A full door is no dead one.
    EXPECT_EQ(HttpGet(admin_port_, "/healthz").status, 200);
  }
  EXPECT_TRUE(Answers());
}

TEST_F(DoorServerTest, SilentAdminConnectionsLeaveRoomForProbes) {
  Start();
  std::vector<RawConnection> silent;
  for (int i = 0; i < 200; ++i) silent.emplace_back(admin_port_);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(HttpGet(admin_port_, "/healthz").body, "ok\n");
  EXPECT_EQ(HttpGet(admin_port_, "/readyz").status, 200);
}

TEST_F(DoorServerTest, WhatABrowserSendsIsNoCall) {
  using namespace http2;
  Start();
  ASSERT_TRUE(ImportSmallCatalog(channel_, 3));
  const std::string budget = MakeBudget(0, 5, 1, "browser").SerializeAsString();
  // A page may post any of these for its reader, with his certificate; `te` it may not set.
  for (const char* type : {"text/html", "text/plain", "application/grpc"}) {
    RawConnection c(port_);
    const std::string headers = absl::StrCat(
        "\x83\x86", Header(":path", "/fiscal.submission.v1.SubmissionService/SubmitBudget"),
        Header(":authority", "localhost"), Header("content-type", type));
    ASSERT_TRUE(c.Write(absl::StrCat(Preface(), Frame(kHeaders, kEndHeaders, 1, headers),
                                     Frame(kData, kEndStream, 1, Message(budget)))));
    std::string read;
    EXPECT_TRUE(Eventually([&] {
      read += c.Read(absl::Milliseconds(100));
      return absl::StrContains(read, "grpc-status");
    })) << type;
  }
  grpc::ClientContext context;
  sub::SubmitBudgetResponse receipt;
  ASSERT_TRUE(sub::SubmissionService::NewStub(channel_)
                  ->SubmitBudget(&context, MakeBudget(0, 5, 1, "browser"), &receipt)
                  .ok());
  EXPECT_EQ(receipt.result(), sub::RESULT_CREATED);
}

}  // namespace
}  // namespace fiscal::testing

int main(int argc, char** argv) {
  if (const auto code = fiscal::testing::ServeIfAsked(argc, argv)) return *code;
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
