// The attacks by name.
#include <unistd.h>

#include <cstdio>
#include <functional>
#include <map>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/bench/hostile/attack.h"
#include "tests/bench/hostile/calls.h"
#include "tests/bench/hostile/payloads.h"
#include "tests/support/http2.h"

namespace fiscal::bench {
namespace {

constexpr char kSubmit[] = "/fiscal.submission.v1.SubmissionService/SubmitBudget";
constexpr char kStream[] = "/fiscal.submission.v1.SubmissionService/StreamBudgets";
constexpr char kAggregation[] = "/fiscal.aggregation.v1.AggregationService/";
namespace http2 = testing::http2;
using testing::RawConnection;

constexpr absl::Duration kLong = absl::Seconds(60);
using Connections = std::vector<std::unique_ptr<Calls>>;

// How calls ended, and how many did not.
std::string TextOf(const Endings& endings, const Connections& connections) {
  size_t open = 0;
  for (const auto& calls : connections) open += calls->open();
  const std::string ended = endings.text();
  return open == 0 ? ended : absl::StrCat(ended, ended.empty() ? "" : ", ", "open ", open);
}

class Attack {
 public:
  virtual ~Attack() = default;
  // Does its deed once, and does not wait for answers.
  virtual void Act(int turn) = 0;
  // Waits until everything was answered, or until the time.
  virtual void Await(absl::Time until) = 0;
  virtual std::string text() const = 0;
};

// The same message again and again over some connections.
struct Repeated {
  std::string method;
  std::string request;
  int calls = 1;
  int connections = 1;
  absl::Duration deadline = kLong;
  bool read = true;
  // A request_id of its own before each.
  bool numbered = false;
};

class CallsAttack final : public Attack {
 public:
  CallsAttack(int port, Repeated what) : what_(std::move(what)), request_(Bytes(what_.request)) {
    for (int i = 0; i < what_.connections; ++i)
      connections_.push_back(std::make_unique<Calls>(port, &endings_));
  }
  void Act(int turn) override {
    for (int i = 0; i < what_.calls; ++i) {
      Calls& calls = *connections_[static_cast<size_t>(i) % connections_.size()];
      const grpc::ByteBuffer numbered =
          what_.numbered
              ? Bytes(WithRequestId(absl::StrCat("hostile-", getpid(), "-", turn, "-", i),
                                    what_.request))
              : request_;
      calls.Start(what_.method, numbered, what_.deadline, what_.read);
    }
    for (auto& c : connections_) c->AwaitSent(absl::Now() + absl::Seconds(20));
  }
  void Await(absl::Time until) override {
    for (auto& c : connections_) c->AwaitOpen(0, until);
  }
  std::string text() const override { return TextOf(endings_, connections_); }

 private:
  const Repeated what_;
  const grpc::ByteBuffer request_;
  Endings endings_;
  Connections connections_;
};

// Budgets in parts that never end, one to a connection; every second one of empty projects.
class PartsAttack final : public Attack {
 public:
  PartsAttack(int port, int streams, size_t bytes) {
    for (const bool empty : {false, true}) {
      for (const std::string& part : EndlessParts(bytes, empty))
        parts_[empty ? 1 : 0].push_back(Bytes(part));
    }
    for (int i = 0; i < streams; ++i)
      connections_.push_back(std::make_unique<Calls>(port, &endings_));
  }
  void Act(int) override {
    for (size_t i = 0; i < connections_.size(); ++i)
      connections_[i]->StartParts(kStream, parts_[i % 2], kLong);
    for (auto& c : connections_) c->AwaitSent(absl::Now() + absl::Seconds(20));
  }
  void Await(absl::Time until) override {
    for (auto& c : connections_) c->AwaitOpen(0, until);
  }
  std::string text() const override { return TextOf(endings_, connections_); }

 private:
  std::vector<grpc::ByteBuffer> parts_[2];
  Endings endings_;
  Connections connections_;
};

// Raw frames over connections that are opened again when the server has closed them.
class RawAttack final : public Attack {
 public:
  // The bytes of one turn, for a connection on which `turn` turns were sent; none: it only stays.
  using Turn = std::function<std::string(uint32_t turn)>;
  RawAttack(int port, int connections, bool greet, Turn turn)
      : port_(port), greet_(greet), turn_(std::move(turn)) {
    for (int i = 0; i < connections; ++i) Open(&lives_.emplace_back());
  }
  void Act(int) override {
    if (turn_ == nullptr) return;
    for (Life& life : lives_) {
      if (life.connection == nullptr || life.connection->Write(turn_(life.turns++))) continue;
      ++closed_;
      Open(&life);
    }
  }
  void Await(absl::Time until) override { absl::SleepFor(until - absl::Now()); }
  std::string text() const override {
    return absl::StrCat(lives_.size(), " connections, ", refused_, " not made, ", closed_,
                        " closed");
  }

 private:
  struct Life {
    std::unique_ptr<RawConnection> connection;
    uint32_t turns = 0;
  };
  void Open(Life* life) {
    // Not the address of those who behave: bounds of an address are no bounds of theirs.
    life->connection = std::make_unique<RawConnection>(port_, "127.0.0.2");
    life->turns = 0;
    if (life->connection->connected() && (!greet_ || life->connection->Write(http2::Preface())))
      return;
    ++refused_;
    life->connection = nullptr;
  }

  const int port_;
  const bool greet_;
  const Turn turn_;
  std::vector<Life> lives_;
  int64_t refused_ = 0, closed_ = 0;
};

// The nth client stream of a connection.
uint32_t StreamOf(uint32_t n) { return 2 * n + 1; }

std::string Headers(uint32_t stream, bool last = true) {
  return http2::Frame(http2::kHeaders, last ? http2::kEndHeaders : 0, stream,
                      http2::CallHeaders(kStream));
}

std::string RapidReset(uint32_t turn) {
  std::string bytes;
  for (uint32_t i = 0; i < 1000; ++i) {
    const uint32_t stream = StreamOf(turn * 1000 + i);
    // CANCEL.
    bytes +=
        Headers(stream) + http2::Frame(http2::kRst, 0, stream, absl::string_view("\0\0\0\x08", 4));
  }
  return bytes;
}

std::string OpenCalls(uint32_t turn) {
  std::string bytes;
  for (uint32_t i = 0; i < 1000; ++i) bytes += Headers(StreamOf(turn * 1000 + i));
  return bytes;
}

// Half a MB of header fields each time that never end.
std::string Continuations(uint32_t turn, const std::string& field) {
  std::string fields, bytes = turn == 0 ? Headers(1, false) : "";
  while (fields.size() + field.size() < 16000) fields += field;
  for (int i = 0; i < 32; ++i) bytes += http2::Frame(http2::kMore, 0, 1, fields);
  return bytes;
}

using Make = std::function<std::unique_ptr<Attack>(int port)>;

Make Call(Repeated what) {
  return [what](int port) { return std::make_unique<CallsAttack>(port, what); };
}

// What never is answered wrongly by the type: the requests are made when they are asked for.
const std::map<std::string, Make>& Attacks() {
  static const auto* const all = new std::map<std::string, Make>{
      {"heavy-batch",
       [](int port) {
         return Call({absl::StrCat(kAggregation, "BatchGetTotals"), HeavyBatch(), 2, 2,
                      absl::Seconds(1)})(port);
       }},
      {"heavy-pivot",
       [](int port) {
         return Call({absl::StrCat(kAggregation, "ListTotals"), HeavyPivot(), 4, 4})(port);
       }},
      {"empty-projects",
       [](int port) {
         return Call({kSubmit, EmptyProjects(15 << 20)})(port);
       }},
      {"removed-projects",
       [](int port) {
         return Call({kSubmit, RemovedProjects(2000000)})(port);
       }},
      {"long-line-id",
       [](int port) {
         return Call({kSubmit, LongLineId(15 << 20)})(port);
       }},
      {"parts", [](int port) { return std::make_unique<PartsAttack>(port, 10, size_t{60} << 20); }},
      {"parts-two",
       [](int port) { return std::make_unique<PartsAttack>(port, 2, size_t{60} << 20); }},
      {"log-streams", Call({"/fiscal.log.v1.EventLogService/Read", "", 2000, 20, kLong, false})},
      {"verify", Call({"/fiscal.admin.v1.AdminService/Verify", "", 16})},
      {"expired-digests", Call({"/fiscal.federation.v1.FederationService/GetDigests", "", 2000, 1,
                                absl::Milliseconds(200)})},
      {"great-patch",
       [](int port) {
         const Province province(".");
         return Call({kSubmit, GreatStatement(province, 0, true, 7), 1, 1, kLong, true, true})(
             port);
       }},
      {"waiting-reads",
       [](int port) {
         return Call({absl::StrCat(kAggregation, "GetTotal"), WaitingRead(), 8300})(port);
       }},
      {"watches",
       [](int port) {
         return Call({absl::StrCat(kAggregation, "WatchTotals"), Watch(), 21000})(port);
       }},
      {"open-streams",
       [](int port) { return std::make_unique<RawAttack>(port, 1, true, OpenCalls); }},
      {"rapid-reset",
       [](int port) { return std::make_unique<RawAttack>(port, 10, true, RapidReset); }},
      {"continuation",
       [](int port) {
         return std::make_unique<RawAttack>(port, 10, true, [](uint32_t turn) {
           return Continuations(turn, http2::Header("x-more", std::string(100, 'x')));
         });
       }},
      {"continuation-tiny",
       [](int port) {
         return std::make_unique<RawAttack>(port, 10, true, [](uint32_t turn) {
           return Continuations(turn, http2::Header("x", "y"));
         });
       }},
      {"idle-connections",
       [](int port) { return std::make_unique<RawAttack>(port, 2000, true, nullptr); }},
      {"connections-400",
       [](int port) { return std::make_unique<RawAttack>(port, 400, true, nullptr); }},
      {"silent-64", [](int port) { return std::make_unique<RawAttack>(port, 64, false, nullptr); }},
  };
  return *all;
}

}  // namespace

std::vector<std::string> AttackNames() {
  std::vector<std::string> names;
  for (const auto& [name, make] : Attacks()) names.push_back(name);
  return names;
}

int RunAttack(const AttackPlan& plan, int port) {
  const auto found = Attacks().find(plan.name);
  if (found == Attacks().end()) return 2;
  const std::unique_ptr<Attack> attack = found->second(port);
  const absl::Time start = absl::Now(), until = start + plan.within;
  for (int turn = 0; turn < plan.times && absl::Now() < until; ++turn) {
    attack->Act(turn);
    if (turn == 0) {
      std::printf("acting\n");
      std::fflush(stdout);
    }
    if (plan.every > absl::ZeroDuration()) {
      absl::SleepFor(std::min(start + (turn + 1) * plan.every, until) - absl::Now());
    } else if (turn + 1 < plan.times) {
      attack->Await(until);
    }
  }
  attack->Await(until);
  std::printf("%s\nended\n", attack->text().c_str());
  std::fflush(stdout);
  // What is still open ends with the process.
  _exit(0);
}

}  // namespace fiscal::bench
