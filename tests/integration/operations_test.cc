// What an operator sees of a process: its admin HTTP, metrics, logs, health, drain, and how it
// refuses to start.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "clients/cpp/connection.h"
#include "clients/cpp/resumable_watch.h"
#include "fiscal/admin/v1/admin_service.grpc.pb.h"
#include "fiscal/federation/v1/federation_service.grpc.pb.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "gtest/gtest.h"
#include "services/ops/recovery_door.h"
#include "tests/integration/deployment.h"
#include "tests/support/catalog.h"
#include "tests/support/certificates.h"
#include "tests/support/children.h"
#include "tests/support/http.h"
#include "tests/support/position.h"

namespace fiscal::testing {
namespace {

namespace adm = fiscal::admin::v1;
namespace agg = fiscal::aggregation::v1;
namespace fed = fiscal::federation::v1;
namespace hlt = grpc::health::v1;
namespace sub = fiscal::submission::v1;

void WriteFile(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

// What health says of a service; UNKNOWN when it says nothing.
hlt::HealthCheckResponse::ServingStatus HealthOf(const std::shared_ptr<grpc::Channel>& channel,
                                                 const std::string& service) {
  hlt::HealthCheckRequest request;
  request.set_service(service);
  hlt::HealthCheckResponse response;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  context.set_wait_for_ready(true);
  const grpc::Status status = hlt::Health::NewStub(channel)->Check(&context, request, &response);
  return status.ok() ? response.status() : hlt::HealthCheckResponse::UNKNOWN;
}

std::unique_ptr<services::Server> MustStart(const config::v1::ServeConfig& config) {
  auto server = services::Server::Start(config);
  EXPECT_TRUE(server.ok()) << server.status();
  return server.ok() ? *std::move(server) : nullptr;
}

std::string AddressOf(const services::Server& server) {
  return absl::StrCat("127.0.0.1:", server.port());
}

// The names in the first column of the tables of docs/metrics.md.
std::set<std::string> DocumentedMetrics() {
  std::set<std::string> names;
  for (const std::string& line :
       std::vector<std::string>(absl::StrSplit(ReadFile("docs/metrics.md"), '\n'))) {
    if (!absl::StartsWith(line, "| `")) continue;
    names.insert(line.substr(3, line.find('`', 3) - 3));
  }
  return names;
}

// Families of a scrape, by name; each must have its help and its type.
std::map<std::string, std::string> Families(const std::string& scraped) {
  std::map<std::string, std::string> types;
  std::set<std::string> helped;
  for (const std::string& line : std::vector<std::string>(absl::StrSplit(scraped, '\n'))) {
    const std::vector<std::string> words = absl::StrSplit(line, absl::MaxSplits(' ', 3));
    if (words.size() == 4 && words[0] == "#" && words[1] == "HELP") helped.insert(words[2]);
    if (words.size() == 4 && words[0] == "#" && words[1] == "TYPE") {
      EXPECT_EQ(types.count(words[2]), 0u) << words[2];
      EXPECT_EQ(helped.count(words[2]), 1u) << words[2];
      types[words[2]] = words[3];
    }
  }
  return types;
}

// The value of a line that starts with `series`.
double ValueOf(const std::string& scraped, const std::string& series) {
  for (const std::string& line : std::vector<std::string>(absl::StrSplit(scraped, '\n'))) {
    if (absl::StartsWith(line, series + " ")) return std::atof(line.c_str() + series.size() + 1);
  }
  ADD_FAILURE() << "no series " << series;
  return -1;
}

grpc::Status Submit(const std::shared_ptr<grpc::Channel>& channel,
                    const sub::SubmitBudgetRequest& request) {
  grpc::ClientContext context;
  sub::SubmitBudgetResponse receipt;
  return sub::SubmissionService::NewStub(channel)->SubmitBudget(&context, request, &receipt);
}

adm::GetStatusResponse StatusOf(const std::shared_ptr<grpc::Channel>& channel) {
  adm::GetStatusResponse status;
  grpc::ClientContext context;
  EXPECT_TRUE(adm::AdminService::NewStub(channel)->GetStatus(&context, {}, &status).ok());
  return status;
}

// A city and, above it, a province; a copy of the city's log: every role and every part that has
// metrics.
class OperationsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const Pem pem = authority_.Sign("fiscal");
    WriteFile(dir_.path() + "/tls.crt", pem.certificate);
    WriteFile(dir_.path() + "/tls.key", pem.key);
    WriteFile(dir_.path() + "/ca.crt", authority_.certificate());
  }
  ServeOptions Options(const std::string& name) {
    ServeOptions options;
    options.data_dir = absl::StrCat(dir_.path(), "/", name);
    options.admin_listen = "127.0.0.1:0";
    return options;
  }
  // With TLS, and certificates asked of callers.
  config::v1::ServeConfig WithTls(config::v1::ServeConfig config) {
    config::v1::TlsConfig* tls = services::MutableServerOf(&config)->mutable_tls();
    tls->set_certificate_file(dir_.path() + "/tls.crt");
    tls->set_key_file(dir_.path() + "/tls.key");
    tls->set_client_ca_file(dir_.path() + "/ca.crt");
    // What callers may do is in authority_test.cc.
    services::MutableServerOf(&config)->mutable_authority()->set_mode("log");
    return config;
  }

  TempDir dir_;
  Authority authority_;
};

TEST_F(OperationsTest, EveryMetricOfThePageIsThereAndNoOther) {
  config::v1::ServeConfig city_config = WithTls(Options("city").Config());
  config::v1::CoverageDeadline* deadline =
      city_config.mutable_all()->mutable_aggregation()->add_coverage_deadlines();
  deadline->set_division_code("141100");
  deadline->set_fiscal_year(2024);
  deadline->set_stage("approved");
  deadline->set_due("2024-03-01");
  const auto city = MustStart(city_config);
  ASSERT_NE(city, nullptr);

  ServeOptions above = Options("province");
  above.role = "submission";
  above.upstreams = {{"lvliang", AddressOf(*city)}};
  const auto province = MustStart(above.Config());
  ServeOptions reader = Options("copy");
  reader.role = "aggregation";
  reader.log_address = AddressOf(*province);
  const auto copy = MustStart(reader.Config());
  // One call that went well and one that did not.
  const auto channel = ConnectTo(AddressOf(*province));
  StatusOf(channel);
  EXPECT_FALSE(Submit(channel, MakeBudget(0, 1, 1, "r")).ok());

  std::map<std::string, std::string> found;
  for (const services::Server* server : {city.get(), province.get(), copy.get()}) {
    const HttpAnswer answer = HttpGet(server->admin_port(), "/metrics");
    EXPECT_EQ(answer.status, 200);
    for (const auto& [name, type] : Families(answer.body)) {
      EXPECT_TRUE(found.emplace(name, type).second || found[name] == type) << name;
    }
  }
  std::set<std::string> names;
  for (const auto& [name, type] : found) {
    names.insert(name);
    EXPECT_EQ(absl::EndsWith(name, "_total"), type == "counter") << name;
  }
  EXPECT_EQ(names, DocumentedMetrics());
}

TEST_F(OperationsTest, MetricsSayWhatHappened) {
  const auto server = MustStart(Options("data").Config());
  const auto channel = ConnectTo(AddressOf(*server));
  ASSERT_TRUE(ImportSmallCatalog(channel, 3));
  EXPECT_TRUE(Submit(channel, MakeBudget(0, 5, 1, "first")).ok());
  EXPECT_TRUE(Submit(channel, MakeBudget(0, 5, 1, "again")).ok());
  EXPECT_TRUE(Submit(channel, MakeBudget(0, 7, 2, "second")).ok());
  sub::SubmitBudgetRequest wrong = MakeBudget(1, 2, 3, "wrong");
  wrong.mutable_line_items(1)->set_functional_code("9999999");
  EXPECT_FALSE(Submit(channel, wrong).ok());

  const std::string scraped = HttpGet(server->admin_port(), "/metrics").body;
  auto submissions = [&](const std::string& result) {
    return ValueOf(
        scraped, absl::StrCat("fiscal_submissions_total{kind=\"budget\",result=\"", result, "\"}"));
  };
  EXPECT_EQ(submissions("created"), 1);
  EXPECT_EQ(submissions("unchanged"), 1);
  EXPECT_EQ(submissions("revised"), 1);
  EXPECT_EQ(ValueOf(scraped, "fiscal_committed_lines_total"), 12);
  EXPECT_EQ(ValueOf(scraped, "fiscal_refusals_total{reason=\"CODE_UNKNOWN\"}"), 1);
  const std::string rpc = "rpc=\"fiscal.submission.v1.SubmissionService/SubmitBudget\"";
  EXPECT_EQ(ValueOf(scraped, absl::StrCat("fiscal_rpc_started_total{", rpc, "}")), 4);
  EXPECT_EQ(ValueOf(scraped, absl::StrCat("fiscal_rpc_completed_total{code=\"OK\",", rpc, "}")), 3);
  EXPECT_EQ(ValueOf(scraped, absl::StrCat("fiscal_rpc_duration_seconds_count{", rpc, "}")), 4);
  const adm::GetStatusResponse status = StatusOf(channel);
  ASSERT_EQ(status.read_lanes_size(), 3);
  EXPECT_EQ(status.read_lanes(0).lane(), "point");
  EXPECT_GE(status.connections().open_count(), 1);
  EXPECT_EQ(status.connections().open_count_max(), ValueOf(scraped, "fiscal_connections_max"));
  EXPECT_EQ(status.connections().cut_count(), 0);
  EXPECT_EQ(ValueOf(scraped, "fiscal_log_head_position"),
            PositionNumber(status.log().head_position()));
  EXPECT_GT(ValueOf(scraped, "fiscal_log_sync_duration_seconds_count"), 3);
  EXPECT_GT(ValueOf(scraped, "process_resident_memory_bytes"), 1e6);
  EXPECT_GT(ValueOf(scraped, "process_open_fds"), 3);
  EXPECT_NEAR(ValueOf(scraped, "process_start_time_seconds"), absl::ToUnixSeconds(absl::Now()),
              600);
}

TEST_F(OperationsTest, TheAdminHttpAnswersWhatItHasAndNothingElse) {
  const auto server = MustStart(Options("data").Config());
  const int port = server->admin_port();
  EXPECT_EQ(HttpGet(port, "/healthz").body, "ok\n");
  EXPECT_EQ(HttpGet(port, "/readyz?verbose").status, 200);
  EXPECT_TRUE(absl::StrContains(HttpGet(port, "/buildinfo").body, "\"role\":\"all\""));
  EXPECT_EQ(HttpGet(port, "/").status, 404);
  EXPECT_EQ(HttpGet(port, "/metrics/../etc/passwd").status, 404);
  EXPECT_EQ(HttpGet(port, "/metrics", "DELETE").status, 405);
  const HttpAnswer head = HttpGet(port, "/metrics", "HEAD");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.body, "");
  // What is too long, or no HTTP, is not waited for.
  EXPECT_EQ(Exchange(port, absl::StrCat("GET /", std::string(20000, 'x'), " HTTP/1.1\r\n\r\n")),
            "");
  EXPECT_EQ(Exchange(port, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").find("200 OK"), std::string::npos);
  EXPECT_EQ(Exchange(port, "POST /metrics HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello").find("200"),
            std::string::npos);
  EXPECT_EQ(HttpGet(port, "/healthz").status, 200);
}

TEST_F(OperationsTest, HealthFollowsTheProcessAndADrainTellsWatchersToResume) {
  config::v1::ServeConfig config = Options("data").Config();
  // Far longer than it takes to ask it while it drains.
  services::MutableServerOf(&config)->mutable_drain()->set_delay_seconds(6);
  auto server = MustStart(config);
  const auto channel = ConnectTo(AddressOf(*server));
  ASSERT_TRUE(ImportSmallCatalog(channel, 3));
  const std::string submission = "fiscal.submission.v1.SubmissionService";
  EXPECT_EQ(HealthOf(channel, ""), hlt::HealthCheckResponse::SERVING);
  EXPECT_EQ(HealthOf(channel, submission), hlt::HealthCheckResponse::SERVING);

  grpc::ClientContext context;
  agg::WatchTotalsRequest request;
  auto* filter = request.add_filters()->mutable_filter();
  filter->set_division_code("141100");
  filter->set_fiscal_year(2024);
  filter->set_stage(budget::v1::STAGE_APPROVED);
  filter->set_direction(budget::v1::DIRECTION_EXPENDITURE);
  auto watch = agg::AggregationService::NewStub(channel)->WatchTotals(&context, request);
  agg::WatchTotalsResponse message;
  ASSERT_TRUE(watch->Read(&message));

  std::thread stopping([&] { server->Stop(); });
  // Not ready, and says so, while calls are still taken.
  while (HttpGet(server->admin_port(), "/readyz").status == 200) continue;
  EXPECT_EQ(HttpGet(server->admin_port(), "/readyz").body, "draining\n");
  // Told a moment later.
  for (const std::string& service : {std::string(), submission}) {
    while (HealthOf(channel, service) == hlt::HealthCheckResponse::SERVING) continue;
    EXPECT_EQ(HealthOf(channel, service), hlt::HealthCheckResponse::NOT_SERVING);
  }
  EXPECT_TRUE(Submit(channel, MakeBudget(0, 2, 1, "late")).ok());
  std::string token;
  while (watch->Read(&message)) token = message.resume_token();
  const client::Error ended = client::ToError(watch->Finish());
  EXPECT_EQ(ended.reason, "DRAINING");
  EXPECT_FALSE(token.empty());
  stopping.join();
  server.reset();

  // The next one knows how this one ended, and the watch goes on where it was.
  server = MustStart(config);
  const auto again = ConnectTo(AddressOf(*server));
  EXPECT_EQ(StatusOf(again).previous_stop(), "drained");
  request.set_resume_token(token);
  grpc::ClientContext second;
  watch = agg::AggregationService::NewStub(again)->WatchTotals(&second, request);
  EXPECT_TRUE(Submit(again, MakeBudget(1, 2, 9, "next")).ok());
  do {
    ASSERT_TRUE(watch->Read(&message));
  } while (message.changes_size() == 0);
  EXPECT_EQ(message.changes_size(), 1);
  second.TryCancel();
  watch->Finish();
}

TEST_F(OperationsTest, AStreamIsAnsweredToTheEndOfWhatWasReadWhenTheProcessDrains) {
  config::v1::ServeConfig config = Options("data").Config();
  // What is still open then is cut, and not told.
  services::MutableServerOf(&config)->mutable_drain()->set_seconds(300);
  auto server = MustStart(config);
  const auto channel = ConnectTo(AddressOf(*server));
  ASSERT_TRUE(ImportSmallCatalog(channel, 3));
  grpc::ClientContext context;
  auto stream = sub::SubmissionService::NewStub(channel)->StreamBudgets(&context);
  sub::StreamBudgetsRequest frame;
  *frame.mutable_budget() = MakeBudget(0, 3, 1, "whole");
  ASSERT_TRUE(stream->Write(frame));
  sub::StreamBudgetsResponse answer;
  ASSERT_TRUE(stream->Read(&answer));
  EXPECT_TRUE(answer.has_receipt());
  // Half a budget: never taken.
  *frame.mutable_budget() = MakeBudget(1, 3, 1, "half");
  frame.set_more(true);
  ASSERT_TRUE(stream->Write(frame));
  // Not held up by a stream whose caller says nothing.
  server->Stop();
  EXPECT_FALSE(stream->Read(&answer));
  const client::Error ended = client::ToError(stream->Finish());
  EXPECT_EQ(ended.reason, "DRAINING") << ended.message;
}

TEST_F(OperationsTest, AFullDiskStopsWritesAndNotReads) {
  config::v1::ServeConfig config = Options("data").Config();
  {
    const auto server = MustStart(config);
    ASSERT_TRUE(ImportSmallCatalog(ConnectTo(AddressOf(*server)), 3));
  }
  services::MutableServerOf(&config)->mutable_disk()->set_free_bytes_min(int64_t{1} << 60);
  const auto server = MustStart(config);
  const auto channel = ConnectTo(AddressOf(*server));
  const client::Error refused = client::ToError(Submit(channel, MakeBudget(0, 2, 1, "r")));
  EXPECT_EQ(refused.code, grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(refused.reason, "DISK_FULL");
  EXPECT_EQ(ValueOf(HttpGet(server->admin_port(), "/metrics").body, "fiscal_disk_low"), 1);
  EXPECT_TRUE(StatusOf(channel).disk().low());
  // Asking what would happen writes nothing.
  sub::SubmitBudgetRequest validate = MakeBudget(0, 2, 1, "r");
  validate.set_validate_only(true);
  EXPECT_TRUE(Submit(channel, validate).ok());
  EXPECT_EQ(StatusOf(channel).queue().request_count(), 0);
}

TEST_F(OperationsTest, CallersAreWhoTheirCertificateSaysAndOthersStayOutside) {
  const auto server = MustStart(WithTls(Options("data").Config()));
  const Pem caller = authority_.Sign("bureau", "spiffe://fiscal.example/bureau");
  WriteFile(dir_.path() + "/caller.crt", caller.certificate);
  WriteFile(dir_.path() + "/caller.key", caller.key);
  client::Connection::Options options;
  options.server = absl::StrCat("localhost:", server->port());
  options.connect_timeout = absl::Seconds(20);
  options.tls = {dir_.path() + "/ca.crt", dir_.path() + "/caller.crt", dir_.path() + "/caller.key"};
  const client::Connection known(options);
  ASSERT_TRUE(ImportSmallCatalog(known.channel(), 3));
  EXPECT_TRUE(Submit(known.channel(), MakeBudget(0, 2, 1, "same")).ok());
  // Another caller's request_ids are his own.
  const Pem other = authority_.Sign("other");
  WriteFile(dir_.path() + "/other.crt", other.certificate);
  WriteFile(dir_.path() + "/other.key", other.key);
  options.tls.certificate_file = dir_.path() + "/other.crt";
  options.tls.key_file = dir_.path() + "/other.key";
  const client::Connection second(options);
  EXPECT_TRUE(Submit(second.channel(), MakeBudget(1, 2, 2, "same")).ok());
  EXPECT_EQ(client::ToError(Submit(known.channel(), MakeBudget(1, 2, 2, "same"))).reason,
            "REQUEST_ID_REUSED");
  // And so are his page tokens.
  sub::ListBudgetsRequest list;
  list.set_division_code("141100");
  list.set_page_size(1);
  const auto page = [&list](const client::Connection& as, sub::ListBudgetsResponse* response) {
    grpc::ClientContext context;
    return client::ToError(
        sub::SubmissionService::NewStub(as.channel())->ListBudgets(&context, list, response));
  };
  sub::ListBudgetsResponse first, again;
  EXPECT_EQ(page(known, &first).reason, "");
  list.set_page_token(first.next_page_token());
  EXPECT_EQ(page(second, &again).reason, "PAGE_TOKEN_INVALID");
  EXPECT_EQ(page(known, &again).reason, "");
  EXPECT_EQ(again.budgets_size(), 1);

  // Without a certificate, or with one of another authority, nobody gets in; nor without TLS.
  options.connect_timeout = absl::Milliseconds(500);
  options.tls.certificate_file = options.tls.key_file = "";
  EXPECT_FALSE(client::Connection(options).Connect().ok() &&
               Submit(client::Connection(options).channel(), MakeBudget(0, 1, 1, "x")).ok());
  const Authority stranger;
  const Pem strange = stranger.Sign("bureau");
  WriteFile(dir_.path() + "/strange.crt", strange.certificate);
  WriteFile(dir_.path() + "/strange.key", strange.key);
  options.tls.certificate_file = dir_.path() + "/strange.crt";
  options.tls.key_file = dir_.path() + "/strange.key";
  EXPECT_FALSE(Submit(client::Connection(options).channel(), MakeBudget(0, 1, 1, "x")).ok());
  EXPECT_FALSE(Submit(ConnectTo(AddressOf(*server)), MakeBudget(0, 1, 1, "x")).ok());
  EXPECT_EQ(StatusOf(known.channel()).log().head_position(),
            StatusOf(second.channel()).log().head_position());
}

TEST_F(OperationsTest, ACopyOfALogCannotBeWrittenToNorALogBeReplacedByACopy) {
  auto city = MustStart(Options("city").Config());
  ASSERT_TRUE(ImportSmallCatalog(ConnectTo(AddressOf(*city)), 3));
  ServeOptions reader = Options("copy");
  reader.role = "aggregation";
  reader.log_address = AddressOf(*city);
  auto copy = MustStart(reader.Config());
  copy.reset();
  const auto promoted = services::Server::Start(Options("copy").Config());
  ASSERT_FALSE(promoted.ok());
  EXPECT_EQ(promoted.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(absl::StrContains(promoted.status().message(), "role aggregation"))
      << promoted.status();
  city.reset();
  reader.data_dir = Options("city").data_dir;
  const auto demoted = services::Server::Start(reader.Config());
  ASSERT_FALSE(demoted.ok());
  EXPECT_EQ(demoted.status().code(), absl::StatusCode::kFailedPrecondition) << demoted.status();
}

TEST_F(OperationsTest, WhoRecoversAsksCallersToComeAgain) {
  const std::string listen = absl::StrCat("127.0.0.1:", FreePort());
  auto door = services::Door::Open(listen, {8, 8, 16, 64 << 20});
  ASSERT_TRUE(door.ok()) << door.status();
  auto recovery = services::RecoveryDoor::Open(**door, 16, grpc::InsecureServerCredentials(),
                                               {"fiscal.admin.v1.AdminService"},
                                               [] { return std::string("folding event 3 of 9"); });
  ASSERT_TRUE(recovery.ok()) << recovery.status();
  const auto channel = ConnectTo(listen);
  const client::Error error = client::ToError(Submit(channel, MakeBudget(0, 1, 1, "r")));
  EXPECT_EQ(error.code, grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(error.reason, "RECOVERING") << error.message;
  EXPECT_TRUE(absl::StrContains(error.message, "folding event 3 of 9"));
  EXPECT_EQ(HealthOf(channel, ""), hlt::HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(HealthOf(channel, "fiscal.admin.v1.AdminService"),
            hlt::HealthCheckResponse::NOT_SERVING);
  // Its address is free as soon as it closes, and whoever waited gets through.
  recovery->reset();
  door->reset();
  ServeOptions options = Options("data");
  options.listen = listen;
  const auto server = MustStart(options.Config());
  EXPECT_TRUE(AwaitServing(channel));
}

// The program, with what it says on stderr.
class Program {
 public:
  Program(const std::string& stderr_path, std::vector<std::string> arguments)
      : stderr_path_(stderr_path) {
    const char* bin = std::getenv("FISCAL_BIN_DIR");
    arguments.insert(arguments.begin(),
                     absl::StrCat(bin == nullptr ? "build/release/bin" : bin, "/fiscal"));
    std::vector<char*> argv;
    for (std::string& a : arguments) argv.push_back(a.data());
    argv.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      const int fd = open(stderr_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
      dup2(fd, 2);
      execv(argv[0], argv.data());
      _exit(127);
    }
  }
  ~Program() {
    if (pid_ > 0) End(SIGKILL);
  }
  int End(int signal) {
    kill(pid_, signal);
    return Wait();
  }
  int Wait() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  std::vector<std::string> Lines() const {
    return absl::StrSplit(ReadFile(stderr_path_), '\n', absl::SkipEmpty());
  }

 private:
  const std::string stderr_path_;
  pid_t pid_;
};

TEST_F(OperationsTest, AClientThatIsThereFirstFindsTheServer) {
  // Somebody who hangs up is there when the client comes; a process of its own, so that nothing
  // else drives its channel.
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int reuse = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof(reuse));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int port = FreePort();
  address.sin_port = htons(static_cast<uint16_t>(port));
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(listen(listener, 1), 0);
  ServeOptions options = Options("data");
  options.listen = absl::StrCat("127.0.0.1:", port);
  Program program(dir_.path() + "/stderr",
                  {"--server", options.listen, "-o", "json", "admin", "status"});
  // With a reset, so that the address is free at once.
  const int caller = accept(listener, nullptr, nullptr);
  const linger reset{1, 0};
  setsockopt(caller, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
  close(listener);
  close(caller);
  const auto server = MustStart(options.Config());
  ASSERT_NE(server, nullptr);
  EXPECT_EQ(program.Wait(), 0) << ReadFile(dir_.path() + "/stderr");
}

TEST_F(OperationsTest, LogLinesAreJsonWithWhoAndWhyAndWithoutWhatWasSent) {
  const std::string listen = absl::StrCat("127.0.0.1:", FreePort());
  Program program(dir_.path() + "/stderr",
                  {"serve", "--data-dir", dir_.path() + "/data", "--listen", listen, "--set",
                   "server.log.calls=all", "--set", "server.disk.free_bytes_min=0"});
  client::Connection::Options options;
  options.server = listen;
  options.connect_timeout = absl::Seconds(30);
  options.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const client::Connection connection(options);
  ASSERT_TRUE(AwaitServing(connection.channel()));
  ASSERT_TRUE(ImportSmallCatalog(connection.channel(), 3));
  sub::SubmitBudgetRequest wrong = MakeBudget(0, 2, 1, "request-77");
  wrong.mutable_line_items(0)->set_functional_code("9999999");
  wrong.mutable_line_items(0)->set_amount_fen(1234567891);
  wrong.mutable_line_items(0)->set_note("机密 \"note\"");
  const auto stub = sub::SubmissionService::NewStub(connection.channel());
  sub::SubmitBudgetResponse receipt;
  const grpc::Status refused = connection.Call(
      [&](grpc::ClientContext* context) { return stub->SubmitBudget(context, wrong, &receipt); });
  EXPECT_EQ(client::ToError(refused).reason, "CODE_UNKNOWN");
  // The same inside a stream.
  grpc::ClientContext context;
  auto stream = stub->StreamBudgets(&context);
  sub::StreamBudgetsRequest frame;
  *frame.mutable_budget() = wrong;
  frame.mutable_budget()->set_request_id("request-78");
  ASSERT_TRUE(stream->Write(frame));
  stream->WritesDone();
  sub::StreamBudgetsResponse answer;
  EXPECT_TRUE(stream->Read(&answer));
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(program.End(SIGTERM), 0);

  std::map<std::string, std::map<std::string, std::string>> by_request;
  std::vector<std::string> said;
  for (const std::string& line : program.Lines()) {
    google::protobuf::Struct json;
    ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(line, &json).ok()) << line;
    std::map<std::string, std::string> fields;
    for (const auto& [key, value] : json.fields())
      fields[key] =
          value.has_string_value() ? value.string_value() : absl::StrCat(value.number_value());
    for (const char* key : {"time", "level", "msg"}) EXPECT_FALSE(fields[key].empty()) << line;
    said.push_back(fields["msg"]);
    by_request[fields["request_id"]] = fields;
    for (const char* secret : {"1234567891", "机密", "9999999"})
      EXPECT_FALSE(absl::StrContains(line, secret)) << line;
  }
  auto call = by_request["request-77"];
  EXPECT_EQ(call["msg"], "call refused");
  EXPECT_EQ(call["rpc"], "fiscal.submission.v1.SubmissionService/SubmitBudget");
  EXPECT_EQ(call["code"], "FAILED_PRECONDITION");
  EXPECT_EQ(call["reason"], "CODE_UNKNOWN");
  EXPECT_EQ(call["principal"], "anonymous");
  EXPECT_EQ(call["trace_id"], "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(call["parent_id"], "b7ad6b7169203331");
  EXPECT_FALSE(call["duration_ms"].empty());
  EXPECT_TRUE(absl::StrContains(call["peer"], "127.0.0.1"));
  EXPECT_EQ(by_request["request-78"]["reason"], "CODE_UNKNOWN");
  // A caller that was waiting may be answered before it is said.
  EXPECT_EQ(std::count(said.begin(), said.end(), "serving"), 1);
  EXPECT_EQ(said.back(), "stopped");
}

TEST_F(OperationsTest, WhereCallsHaveNoLinesRefusedBudgetsHaveNoneEither) {
  const std::string listen = absl::StrCat("127.0.0.1:", FreePort());
  Program program(dir_.path() + "/stderr",
                  {"serve", "--data-dir", dir_.path() + "/data", "--listen", listen, "--set",
                   "server.log.calls=none", "--set", "server.disk.free_bytes_min=0"});
  const auto channel = ConnectTo(listen);
  ASSERT_TRUE(AwaitServing(channel));
  EXPECT_FALSE(Submit(channel, MakeBudget(0, 1, 1, "unary")).ok());
  grpc::ClientContext context;
  auto stream = sub::SubmissionService::NewStub(channel)->StreamBudgets(&context);
  sub::StreamBudgetsRequest frame;
  *frame.mutable_budget() = MakeBudget(0, 1, 1, "streamed");
  ASSERT_TRUE(stream->Write(frame));
  stream->WritesDone();
  sub::StreamBudgetsResponse answer;
  ASSERT_TRUE(stream->Read(&answer));
  EXPECT_TRUE(answer.has_error());
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_EQ(program.End(SIGTERM), 0);
  bool drained = false;
  for (const std::string& line : program.Lines()) {
    drained = drained || absl::StrContains(line, "draining");
    for (const char* word : {"refused", "\"rpc\"", "request_id", "unary", "streamed"})
      EXPECT_FALSE(absl::StrContains(line, word)) << line;
  }
  EXPECT_TRUE(drained) << ReadFile(dir_.path() + "/stderr");
}

TEST_F(OperationsTest, PeersAndTheCommandLineSpeakTls) {
  const auto city = MustStart(WithTls(Options("city").Config()));
  const std::string city_address = absl::StrCat("localhost:", city->port());
  // Shown by who calls, and what the city's must be of.
  auto as_peer = [&](config::v1::ServeConfig config) {
    config::v1::PeerTlsConfig* tls = services::MutableServerOf(&config)->mutable_peer_tls();
    tls->set_ca_file(dir_.path() + "/ca.crt");
    tls->set_certificate_file(dir_.path() + "/tls.crt");
    tls->set_key_file(dir_.path() + "/tls.key");
    return config;
  };
  const std::vector<std::string> flags = {"--server",          city_address,
                                          "--tls-ca",          dir_.path() + "/ca.crt",
                                          "--tls-certificate", dir_.path() + "/tls.crt",
                                          "--tls-key",         dir_.path() + "/tls.key"};
  auto fiscal = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), flags.begin(), flags.end());
    return Program(dir_.path() + "/stderr", arguments).Wait();
  };
  EXPECT_EQ(fiscal({"-o", "json", "catalog", "import", "--list", "division", "--division", "140000",
                    "--year", "2024", "domain/data/divisions.csv"}),
            0)
      << ReadFile(dir_.path() + "/stderr");
  ServeOptions above = Options("province");
  above.role = "submission";
  above.upstreams = {{"lvliang", city_address}};
  const auto province = MustStart(as_peer(above.Config()));
  ServeOptions reader = Options("copy");
  reader.role = "aggregation";
  reader.log_address = city_address;
  const auto copy = MustStart(as_peer(reader.Config()));
  const auto province_channel = ConnectTo(AddressOf(*province));
  const auto copy_channel = ConnectTo(AddressOf(*copy));
  const absl::Time end = absl::Now() + absl::Seconds(30);
  auto until = [&](const std::function<bool()>& so) {
    while (!so() && absl::Now() < end) continue;
    return so();
  };
  EXPECT_TRUE(until([&] { return StatusOf(province_channel).upstreams(0).state() == "following"; }))
      << StatusOf(province_channel).ShortDebugString();
  EXPECT_TRUE(until([&] {
    const adm::GetStatusResponse status = StatusOf(copy_channel);
    // The city's signing key, then its divisions.
    return status.log().source_connected() && PositionNumber(status.log().head_position()) == 2;
  })) << StatusOf(copy_channel).ShortDebugString();
}

TEST_F(OperationsTest, FlagsOfTheConnectionAreLookedAtFirst) {
  const std::string ca = dir_.path() + "/ca.crt";
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"--tls-ca", "README.md"}, "--tls-ca README.md: no certificate in PEM in it"},
      {{"--tls-ca", "/nowhere"}, "--tls-ca /nowhere: No such file or directory"},
      {{"--tls-certificate", ca, "--tls-key", ca}, "--tls-certificate requires --tls-ca"},
      {{"--tls-ca", ca, "--tls-certificate", dir_.path() + "/tls.crt", "--tls-key", ca},
       "no private key in PEM in it"},
      {{"--traceparent", "garbage"}, "--traceparent garbage: must be as W3C says"},
      {{"--traceparent", "a\nb"}, "--traceparent a\\nb: must be as W3C says"},
  };
  for (auto [arguments, expected] : cases) {
    arguments.insert(arguments.end(), {"admin", "status"});
    Program program(dir_.path() + "/stderr", arguments);
    EXPECT_EQ(program.Wait(), 2) << expected;
    EXPECT_TRUE(absl::StrContains(ReadFile(dir_.path() + "/stderr"), expected))
        << ReadFile(dir_.path() + "/stderr");
  }
}

TEST_F(OperationsTest, TheNextProcessKnowsThatCopyingFailed) {
  auto city = MustStart(Options("city").Config());
  ASSERT_TRUE(ImportSmallCatalog(ConnectTo(AddressOf(*city)), 3));
  ServeOptions reader = Options("copy");
  reader.role = "aggregation";
  reader.log_address = AddressOf(*city);
  {
    const auto copy = MustStart(reader.Config());
    const auto channel = ConnectTo(AddressOf(*copy)), source = ConnectTo(AddressOf(*city));
    while (StatusOf(channel).log().head_position() != StatusOf(source).log().head_position())
      continue;
  }
  // Another log where its own was.
  auto stranger = MustStart(Options("stranger").Config());
  ASSERT_TRUE(ImportSmallCatalog(ConnectTo(AddressOf(*stranger)), 3));
  reader.log_address = AddressOf(*stranger);
  reader.admin_listen.clear();
  ServerChild ends(reader);
  const int status = ends.Wait();
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 70);
  reader.log_address = AddressOf(*city);
  const auto again = MustStart(reader.Config());
  EXPECT_EQ(StatusOf(ConnectTo(AddressOf(*again))).previous_stop(), "copy_failed");
}

TEST_F(OperationsTest, ATraceGoesOnToTheUpstream) {
  const std::string city_listen = absl::StrCat("127.0.0.1:", FreePort());
  Program city(dir_.path() + "/city.stderr",
               {"serve", "--data-dir", dir_.path() + "/city", "--listen", city_listen, "--set",
                "server.log.calls=all", "--set", "server.disk.free_bytes_min=0"});
  ASSERT_TRUE(AwaitServing(ConnectTo(city_listen)));
  ServeOptions above = Options("province");
  above.upstreams = {{"lvliang", city_listen}};
  const auto province = MustStart(above.Config());
  const auto channel = ConnectTo(AddressOf(*province));
  grpc::ClientContext context;
  context.AddMetadata("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  fed::ReconcileRequest request;
  request.set_upstream("lvliang");
  fed::ReconcileResponse response;
  const grpc::Status status =
      fed::FederationService::NewStub(channel)->Reconcile(&context, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(city.End(SIGTERM), 0);
  bool named = false;
  for (const std::string& line : city.Lines()) {
    if (!absl::StrContains(line, "GetDigests")) continue;
    named = absl::StrContains(line, "\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\"");
    // A span of the province's own.
    EXPECT_FALSE(absl::StrContains(line, "00f067aa0ba902b7")) << line;
  }
  EXPECT_TRUE(named);
}

TEST_F(OperationsTest, AWrongStartIsOneLineAndExitCode2) {
  const auto running = MustStart(Options("data").Config());
  WriteFile(dir_.path() + "/bad.yaml",
            "role: all\nserver:\n  data_dir: /tmp\n  listn: 127.0.0.1:1\n");
  const std::string data = dir_.path() + "/other";
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"--config", dir_.path() + "/bad.yaml"}, "bad.yaml:4: server.listn"},
      {{"--data-dir", data, "--listen", "127.0.0.1:70000"}, "70000"},
      {{"--data-dir", data, "--listen", "0.0.0.0:7411"}, "--insecure"},
      {{"--data-dir", data, "--set", "server.tls.certificate_file=/nowhere/tls.crt", "--set",
        "server.tls.key_file=/nowhere/tls.key"},
       "/nowhere/tls.crt"},
      {{"--data-dir", "/proc/nowhere"}, "/proc/nowhere"},
      {{"--data-dir", Options("data").data_dir, "--listen", "127.0.0.1:0"},
       "another process uses it"},
      {{"--data-dir", data, "--listen", AddressOf(*running)}, "is the port in use"},
      {{"--data-dir", data, "--listen", "127.0.0.1:0", "--admin-listen",
        absl::StrCat("127.0.0.1:", running->admin_port())},
       "server.admin_listen"},
      {{"--data-dir", data, "--set", "submission.queue_requests_max=0"}, "queue_requests_max"},
  };
  for (const auto& [arguments, expected] : cases) {
    std::vector<std::string> all = {"serve"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    Program program(dir_.path() + "/stderr", all);
    EXPECT_EQ(program.Wait(), 2) << expected;
    const std::vector<std::string> lines = program.Lines();
    ASSERT_EQ(lines.size(), 1u) << ReadFile(dir_.path() + "/stderr");
    EXPECT_TRUE(absl::StrContains(lines[0], expected)) << lines[0];
  }
}

TEST_F(OperationsTest, ASignalEndsAStartThatWaitsForItsLog) {
  Program program(dir_.path() + "/stderr", {"serve", "--role", "aggregation", "--log",
                                            absl::StrCat("127.0.0.1:", FreePort()), "--data-dir",
                                            dir_.path() + "/copy", "--listen", "127.0.0.1:0"});
  // Taken as soon as it is blocked; before that it ends the program as any signal does.
  const int code = program.End(SIGTERM);
  EXPECT_TRUE(code == 0 || code == -SIGTERM) << code;
}

}  // namespace
}  // namespace fiscal::testing

int main(int argc, char** argv) {
  if (const auto served = fiscal::testing::ServeIfAsked(argc, argv)) return *served;
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
