#include "services/door/door.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "base/log.h"
#include "base/thread_turn.h"
#include "grpcpp/grpcpp.h"
#include "services/door/listener.h"
#include "services/door/meter.h"
#include "services/door/transports.h"

namespace fiscal::services {
namespace {

constexpr int kPingIntervalMinMs = 9000;
constexpr absl::Duration kTick = absl::Milliseconds(20);
// While an eighth of what is borne is used up: a peer on a fast link sends 20 MB in a tick.
constexpr absl::Duration kTickInNeed = absl::Milliseconds(4);
// How often a tenth of all connections, and all that had idle streams, are counted anew.
constexpr absl::Duration kSweep = absl::Seconds(1);
// Untaken bytes of a connection, and of all, from which on gRPC's counts are asked for. A reset
// stream may be 28 bytes.
constexpr int64_t kSuspect = 8 << 10, kSuspectOfAll = 128 << 10, kSuspectLittle = 256;
// Calls of a connection between two looks, from which on gRPC's counts are asked for.
constexpr int64_t kSuspectCalls = 64;
// Bytes that a new caller may have on their way: without TLS, preface, settings and the heads of a
// first call are some 800.
constexpr int64_t kFirstCall = 1 << 10;
// Memory beyond what requests account for that may appear at once: four answers of the greatest
// size. Above it, connections on which no call has taken a message yet are cut when they owe more
// than kOwedMax, which a first small call stays far below, and connections that left more calls
// than they may have open at once, twice.
constexpr int64_t kGrowthMax = 64 << 20, kOwedMax = 4 << 10;
// Growth is forgotten at this rate a second, and at once when no connection owed any for so long.
constexpr double kGrowthForgotten = 8 << 20;
constexpr absl::Duration kQuiet = absl::Seconds(5);
// Connections counted in one tick.
constexpr int kCountsMax = 64;
// The time that a connection may stay half closed by its peer.
constexpr absl::Duration kHalfClosedMax = absl::Seconds(60);
// Accepted in one go, so that connections that are here are looked at too.
constexpr int kAcceptsMax = 64;
constexpr uint64_t kWakeId = 0, kListenId = 1, kFirstId = 2;

// gRPC's name of an address, and the address alone; of IPv6 the network, which one host has whole.
struct Peer {
  std::string name;
  std::string address;
  int port = 0;
  // Of this machine: the loopback, or the address that was connected to.
  bool own = false;
};

std::string Text(int family, const void* bytes) {
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(family, bytes, text, sizeof(text));
  return text;
}

Peer PeerOf(int fd) {
  sockaddr_storage from{}, to{};
  socklen_t from_size = sizeof(from), to_size = sizeof(to);
  Peer peer;
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&from), &from_size) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&to), &to_size) != 0)
    return peer;
  if (from.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(from);
    peer.address = Text(AF_INET, &v4.sin_addr);
    peer.port = ntohs(v4.sin_port);
    peer.own = v4.sin_addr.s_addr == reinterpret_cast<const sockaddr_in&>(to).sin_addr.s_addr;
    peer.name = absl::StrCat("ipv4:", peer.address, ":", peer.port);
    return peer;
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(from);
  peer.port = ntohs(v6.sin6_port);
  peer.own = std::memcmp(&v6.sin6_addr, &reinterpret_cast<const sockaddr_in6&>(to).sin6_addr,
                         sizeof(in6_addr)) == 0;
  if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
    peer.address = Text(AF_INET, v6.sin6_addr.s6_addr + 12);
    peer.name = absl::StrCat("ipv4:", peer.address, ":", peer.port);
    return peer;
  }
  peer.name = absl::StrCat("ipv6:%5B", Text(AF_INET6, &v6.sin6_addr), "%5D:", peer.port);
  in6_addr network = v6.sin6_addr;
  if (!IN6_IS_ADDR_LOOPBACK(&network)) std::memset(network.s6_addr + 8, 0, 8);
  peer.address = Text(AF_INET6, &network);
  return peer;
}

// Descriptors that are open.
int64_t OpenDescriptors() {
  DIR* dir = opendir("/proc/self/fd");
  if (dir == nullptr) return 0;
  int64_t count = -3;
  while (readdir(dir) != nullptr) ++count;
  closedir(dir);
  return count;
}

// Connections that the limit of open files has room for, beside an eighth of it, at least 64, for
// stores and files.
int64_t ConnectionsThatFit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return INT64_MAX;
  const int64_t files = static_cast<int64_t>(std::min<rlim_t>(limit.rlim_cur, INT32_MAX));
  return std::max<int64_t>(8, (files - OpenDescriptors() - std::max<int64_t>(64, files / 8)) / 2);
}

struct Connection {
  int fd = -1;
  Peer peer;
  bool counted = true;
  const std::shared_ptr<ConnectionUse> use = std::make_shared<ConnectionUse>();
  Meter meter;
  absl::Time read_time, count_time;
  int64_t received = 0;
  int64_t seen = 0;
  int64_t transport = 0;
  bool active = false;
  bool cut = false;
  absl::Time half_closed = absl::InfiniteFuture();
};

class DoorImpl final : public Door {
 public:
  DoorImpl(std::unique_ptr<Listener> listener, const Options& options)
      : options_(options),
        port_(listener->port()),
        open_max_(std::min(options.connections_max, ConnectionsThatFit())),
        listener_(std::move(listener)) {
    if (open_max_ < options.connections_max) {
      logging::Warning("fewer connections than server.door.connections_max: too few open files",
                       {{"connections_max", open_max_}});
    }
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    reserve_ = eventfd(0, EFD_CLOEXEC);
    Watch(EPOLL_CTL_ADD, wake_, EPOLLIN, kWakeId);
    thread_ = std::thread([this] { Run(); });
  }

  ~DoorImpl() override {
    {
      absl::MutexLock lock(&mu_);
      stopping_ = true;
    }
    Wake();
    thread_.join();
    for (const auto& [id, connection] : connections_) close(connection->fd);
    for (const int fd : {epoll_, wake_, reserve_}) {
      if (fd >= 0) close(fd);
    }
  }

  int port() const override { return port_; }

  void HandTo(Taker taker) override {
    absl::MutexLock lock(&taker_mu_);
    taker_ = std::move(taker);
    Listen(taker_ != nullptr);
  }

  void Close() override {
    absl::MutexLock lock(&taker_mu_);
    Listen(false);
    taker_ = nullptr;
    listener_.reset();
  }

  std::shared_ptr<ConnectionUse> UseOf(const std::string& peer) const override {
    absl::ReaderMutexLock lock(&mu_);
    const auto it = uses_.find(peer);
    return it == uses_.end() ? nullptr : it->second;
  }

  void Expect(int port) override { expected_port_ = port; }

  Counts counts() const override {
    absl::ReaderMutexLock lock(&mu_);
    return counts_;
  }

 private:
  void Watch(int operation, int fd, uint32_t events, uint64_t id) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = id;
    epoll_ctl(epoll_, operation, fd, &event);
  }

  void Listen(bool on) ABSL_EXCLUSIVE_LOCKS_REQUIRED(taker_mu_) {
    if (listener_ == nullptr || on == listening_) return;
    listening_ = on;
    for (const int fd : listener_->sockets())
      Watch(on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, fd, EPOLLIN, kListenId);
  }

  void Wake() {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = write(wake_, &one, sizeof(one));
  }

  void Run() {
    RunFirst();
    std::array<epoll_event, 128> events;
    absl::Time tick = absl::Now(), sweep = tick;
    while (true) {
      const absl::Duration every = InNeed() ? kTickInNeed : kTick;
      const absl::Duration wait = active_.empty() ? kSweep : tick + every - absl::Now();
      const int64_t millis = absl::ToInt64Milliseconds(absl::Ceil(wait, absl::Milliseconds(1)));
      const int n = epoll_wait(epoll_, events.data(), events.size(),
                               static_cast<int>(std::max<int64_t>(0, millis)));
      for (int i = 0; i < n; ++i) {
        const uint64_t id = events[static_cast<size_t>(i)].data.u64;
        if (id == kListenId) {
          Accept();
        } else if (id >= kFirstId) {
          Stir(id);
        }
      }
      {
        absl::ReaderMutexLock lock(&mu_);
        if (stopping_) return;
      }
      const absl::Time now = absl::Now();
      if (now - tick >= every) {
        tick = now;
        Tick(now);
      }
      if (now - sweep >= kSweep) {
        sweep = now;
        Sweep(now);
      }
    }
  }

  int64_t streams_of_all() const { return options_.streams_max * 2; }
  bool InNeed() const {
    return beginner_owes_ || calls_left_ || untaken_ > options_.untaken_bytes_max / 8 ||
           idle_streams_ > streams_of_all() / 8;
  }
  // A connection on which no call has taken a message yet.
  static bool Begins(const Connection& connection) {
    return connection.use->bytes.load(std::memory_order_relaxed) == 0;
  }

  bool LeavesCalls(const Connection& connection) const {
    return connection.meter.left_streams() > 2 * options_.streams_max;
  }

  // ---- accepting ----

  void Accept() {
    absl::MutexLock lock(&taker_mu_);
    if (taker_ == nullptr || listener_ == nullptr) return;
    for (const int socket : listener_->sockets()) {
      for (int i = 0; i < kAcceptsMax; ++i) {
        // A blocking socket would hang gRPC on the first large message.
        const int fd = accept4(socket, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
          Admit(fd);
        } else if (errno == EMFILE || errno == ENFILE) {
          if (!RefuseOne(socket)) return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
          break;
        }
      }
    }
  }

  // Gives the reserve up for as long as it takes to close who waits. False when there is none: then
  // the next look, soon, finds some.
  bool RefuseOne(int socket) {
    if (reserve_ >= 0) close(reserve_);
    const int fd = accept4(socket, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      close(fd);
      absl::MutexLock lock(&mu_);
      ++counts_.refused_descriptors;
    }
    reserve_ = eventfd(0, EFD_CLOEXEC);
    if (fd < 0) absl::SleepFor(absl::Milliseconds(5));
    return fd >= 0;
  }

  void Admit(int fd) ABSL_EXCLUSIVE_LOCKS_REQUIRED(taker_mu_) {
    auto connection = std::make_shared<Connection>();
    connection->peer = PeerOf(fd);
    if (connection->peer.port == 0) {
      // Gone already.
      close(fd);
      return;
    }
    connection->counted = !(connection->peer.own && connection->peer.port == expected_port_.load());
    if (connection->counted && !Count(*connection)) {
      close(fd);
      return;
    }
    connection->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (connection->fd < 0) {
      Uncount(*connection);
      close(fd);
      absl::MutexLock lock(&mu_);
      ++counts_.refused_descriptors;
      return;
    }
    connection->read_time = connection->count_time = absl::Now();
    const uint64_t id = next_id_++;
    connections_[id] = connection;
    {
      absl::MutexLock lock(&mu_);
      ++counts_.accepted;
      uses_[connection->peer.name] = connection->use;
    }
    taker_(fd);
    Watch(EPOLL_CTL_ADD, connection->fd, kEvents, id);
  }

  // One more, when there is room.
  bool Count(const Connection& connection) {
    absl::MutexLock lock(&mu_);
    int64_t& of_address = by_address_[connection.peer.address];
    if (counts_.open >= open_max_) {
      ++counts_.refused_all;
    } else if (of_address >= options_.connections_per_address_max) {
      ++counts_.refused_address;
    } else {
      ++counts_.open;
      ++of_address;
      return true;
    }
    if (of_address == 0) by_address_.erase(connection.peer.address);
    return false;
  }

  void Uncount(const Connection& connection) {
    if (!connection.counted) return;
    absl::MutexLock lock(&mu_);
    --counts_.open;
    const auto it = by_address_.find(connection.peer.address);
    if (--it->second == 0) by_address_.erase(it);
  }

  // ---- watching ----

  // Once, then no more until it is asked for again: a busy connection is looked at by the clock.
  static constexpr uint32_t kEvents = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT;

  // Bytes came, or the end.
  void Stir(uint64_t id) {
    const auto it = connections_.find(id);
    if (it == connections_.end() || it->second->active) return;
    it->second->active = true;
    active_.push_back(id);
  }

  // True when it is over: both ends are shut, which gRPC does before it closes.
  bool ReadBytes(Connection& connection, absl::Time now, bool* moved) {
    Meter::Bytes bytes;
    bytes.taken = connection.use->bytes.load(std::memory_order_relaxed);
    tcp_info info{};
    socklen_t size = sizeof(info);
    if (getsockopt(connection.fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return true;
    bytes.received = static_cast<int64_t>(info.tcpi_bytes_received);
    bytes.sent = static_cast<int64_t>(info.tcpi_bytes_sent);
    *moved = bytes.received != connection.received;
    connection.received = bytes.received;
    connection.meter.Read(bytes, now - connection.read_time);
    connection.read_time = now;
    constexpr int kClosed = 7, kCloseWait = 8;
    // TCP_FIN_WAIT1, TCP_FIN_WAIT2, TCP_TIME_WAIT, TCP_LAST_ACK, TCP_CLOSING: this side has shut
    // it.
    const int state = info.tcpi_state;
    if (state == kClosed || state == 4 || state == 5 || state == 6 || state == 9 || state == 11)
      return true;
    if (state != kCloseWait) return false;
    if (connection.half_closed == absl::InfiniteFuture()) connection.half_closed = now;
    return now - connection.half_closed > kHalfClosedMax;
  }

  void Tick(absl::Time now) {
    std::vector<uint64_t> still, over;
    int counts = 0;
    bool unknown = false, owed = false;
    beginner_owes_ = calls_left_ = false;
    for (const uint64_t id : active_) {
      const auto it = connections_.find(id);
      if (it == connections_.end()) continue;
      Connection& connection = *it->second;
      const int64_t before = connection.meter.untaken();
      bool moved = false;
      const bool end = ReadBytes(connection, now, &moved);
      untaken_ += connection.meter.untaken() - before;
      if (end) {
        over.push_back(id);
        continue;
      }
      const int64_t untaken = connection.meter.untaken();
      const bool begins = Begins(connection);
      owed |= begins && untaken > kOwedMax;
      beginner_owes_ |= begins && untaken > kFirstCall;
      const int64_t seen = connection.use->seen.load(std::memory_order_relaxed);
      if (counts < kCountsMax &&
          (untaken > kSuspect || (untaken_ > kSuspectOfAll && untaken > kSuspectLittle) ||
           seen - connection.seen > kSuspectCalls || LeavesCalls(connection))) {
        ++counts;
        unknown |= !CountStreams(connection, now);
      }
      connection.seen = seen;
      calls_left_ |= LeavesCalls(connection);
      // Looked at on until it is quiet and owes nothing.
      if (moved || untaken > 0 || connection.half_closed != absl::InfiniteFuture()) {
        still.push_back(id);
      } else {
        connection.active = false;
        Watch(EPOLL_CTL_MOD, connection.fd, kEvents, id);
      }
    }
    active_ = std::move(still);
    // Connections met for the first time are counted at the next tick.
    if (unknown) transports_.Refresh();
    for (const uint64_t id : over) Remove(id);
    Judge();
    if (owed || calls_left_) JudgeMemory(now);
  }

  // False when gRPC's name for it is not known yet.
  bool CountStreams(Connection& connection, absl::Time now) {
    if (connection.transport == 0) connection.transport = transports_.IdOf(connection.peer.name);
    if (connection.transport == 0) return false;
    Meter::Streams streams;
    // In this order: what is seen was started.
    streams.seen = connection.use->seen.load(std::memory_order_relaxed);
    streams.busy = connection.use->busy.load(std::memory_order_relaxed);
    const auto count = Transports::Count(connection.transport);
    if (!count) return true;
    streams.started = count->started;
    streams.ended = count->ended;
    streams.failed = count->failed;
    idle_streams_ -= connection.meter.idle_streams();
    connection.meter.Read(streams, now - connection.count_time);
    idle_streams_ += connection.meter.idle_streams();
    connection.count_time = now;
    return true;
  }

  // Streams that are opened slowly, or never used, are found here.
  void Sweep(absl::Time now) {
    transports_.Refresh();
    ++sweeps_;
    std::vector<uint64_t> over;
    for (const auto& [id, connection] : connections_) {
      if ((id + sweeps_) % 10 == 0 || connection->meter.idle_streams() > 0)
        CountStreams(*connection, now);
      if (connection->active) continue;
      bool moved = false;
      const int64_t before = connection->meter.untaken();
      if ((id + sweeps_) % 10 == 0 && ReadBytes(*connection, now, &moved)) over.push_back(id);
      untaken_ += connection->meter.untaken() - before;
    }
    for (const uint64_t id : over) Remove(id);
    Judge();
    absl::MutexLock lock(&mu_);
    counts_.open_max = open_max_;
    counts_.untaken_bytes = untaken_;
  }

  // Closes connections above the bounds of one; then, while all together are above the bounds of
  // all, the one that has most.
  void Judge() {
    const int64_t bytes_each = options_.untaken_bytes_max / 4 * 3;
    const int64_t streams_each = options_.streams_max + options_.streams_max / 2;
    for (const auto& [id, connection] : connections_) {
      if (connection->meter.untaken() > bytes_each) Cut(*connection, kBytes);
      if (connection->meter.idle_streams() > streams_each) Cut(*connection, kStreams);
    }
    while (untaken_ > options_.untaken_bytes_max) {
      Connection* most = Most([](const Connection& c) { return c.meter.untaken(); });
      if (most == nullptr) break;
      Cut(*most, kBytes);
    }
    if (idle_streams_ <= streams_of_all()) return;
    // gRPC takes longer to clear calls away than to begin them, and the bytes it has not read may
    // be more of the same. A connection that never made a call that took its message loses nothing;
    // the rest must be well below the bound.
    for (const auto& [id, connection] : connections_) {
      if (Begins(*connection) && connection->meter.untaken() > kFirstCall)
        Cut(*connection, kStreams);
    }
    while (idle_streams_ > streams_of_all() / 2) {
      Connection* most = Most([](const Connection& c) { return c.meter.idle_streams(); });
      if (most == nullptr) break;
      Cut(*most, kStreams);
    }
  }

  // Called while a beginner owes bytes, or calls were left. Growth is measured from a base that
  // follows it slowly.
  void JudgeMemory(absl::Time now) {
    if (options_.resident_bytes == nullptr) return;
    const int64_t memory = options_.resident_bytes() - options_.accounted_bytes();
    const absl::Duration elapsed = now - memory_time_;
    memory_time_ = now;
    if (elapsed > kQuiet || memory <= memory_base_) {
      memory_base_ = memory;
      return;
    }
    memory_base_ += static_cast<int64_t>(absl::ToDoubleSeconds(elapsed) * kGrowthForgotten);
    if (memory - memory_base_ <= kGrowthMax) return;
    for (const auto& [id, connection] : connections_) {
      if ((connection->meter.untaken() > kOwedMax && Begins(*connection)) ||
          LeavesCalls(*connection))
        Cut(*connection, kMemory);
    }
  }

  template <typename Cost>
  Connection* Most(const Cost& cost) {
    Connection* most = nullptr;
    for (const auto& [id, connection] : connections_) {
      if (connection->cut || cost(*connection) == 0) continue;
      if (most == nullptr || cost(*connection) > cost(*most)) most = connection.get();
    }
    return most;
  }

  enum Why { kBytes, kStreams, kMemory };
  void Cut(Connection& connection, Why why) {
    if (connection.cut) return;
    connection.cut = true;
    logging::Warning(why == kBytes ? "a connection was closed: it sent more than any call takes"
                     : why == kStreams
                         ? "a connection was closed: it begins calls and leaves them"
                         : "a connection was closed: memory grew that no request accounts for",
                     {{"peer", connection.peer.name},
                      {"untaken_bytes", connection.meter.untaken()},
                      {"idle_streams", connection.meter.idle_streams()},
                      {"left_streams", connection.meter.left_streams()}});
    shutdown(connection.fd, SHUT_RDWR);
    // gRPC would still read and keep what is here.
    char ignored[4096];
    while (recv(connection.fd, ignored, size_t{1} << 20, MSG_TRUNC | MSG_DONTWAIT) > 0) continue;
    untaken_ -= connection.meter.untaken();
    idle_streams_ -= connection.meter.idle_streams();
    connection.meter = Meter();
    absl::MutexLock lock(&mu_);
    ++(why == kBytes     ? counts_.cut_bytes
       : why == kStreams ? counts_.cut_streams
                         : counts_.cut_memory);
  }

  void Remove(uint64_t id) {
    const auto it = connections_.find(id);
    if (it == connections_.end()) return;
    const std::shared_ptr<Connection> connection = it->second;
    connections_.erase(it);
    untaken_ -= connection->meter.untaken();
    idle_streams_ -= connection->meter.idle_streams();
    Watch(EPOLL_CTL_DEL, connection->fd, 0, 0);
    shutdown(connection->fd, SHUT_RDWR);
    close(connection->fd);
    Uncount(*connection);
    absl::MutexLock lock(&mu_);
    const auto use = uses_.find(connection->peer.name);
    // The same peer may have come again.
    if (use != uses_.end() && use->second == connection->use) uses_.erase(use);
  }

  const Options options_;
  const int port_;
  const int64_t open_max_;
  int epoll_ = -1, wake_ = -1, reserve_ = -1;
  std::atomic<int> expected_port_{0};
  // Lock order: taker_mu_, then mu_.
  absl::Mutex taker_mu_;
  std::unique_ptr<Listener> listener_ ABSL_GUARDED_BY(taker_mu_);
  Taker taker_ ABSL_GUARDED_BY(taker_mu_);
  bool listening_ ABSL_GUARDED_BY(taker_mu_) = false;
  mutable absl::Mutex mu_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  Counts counts_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<std::string, int64_t> by_address_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<std::string, std::shared_ptr<ConnectionUse>> uses_ ABSL_GUARDED_BY(mu_);
  // The thread's own.
  absl::flat_hash_map<uint64_t, std::shared_ptr<Connection>> connections_;
  std::vector<uint64_t> active_;
  uint64_t next_id_ = kFirstId;
  uint64_t sweeps_ = 0;
  Transports transports_;
  int64_t untaken_ = 0, idle_streams_ = 0;
  // Of the last tick: a caller who begins has more on its way than a first call's heads.
  bool beginner_owes_ = false;
  // A connection LeavesCalls.
  bool calls_left_ = false;
  int64_t memory_base_ = 0;
  absl::Time memory_time_ = absl::InfinitePast();
  std::thread thread_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Door>> Door::Open(const std::string& listen,
                                                 const Options& options) {
  absl::StatusOr<std::unique_ptr<Listener>> listener = Listener::Bind(listen);
  if (!listener.ok()) return listener.status();
  return std::unique_ptr<Door>(std::make_unique<DoorImpl>(*std::move(listener), options));
}

Door::Taker AddDoor(int64_t streams_max, std::shared_ptr<grpc::ServerCredentials> credentials,
                    grpc::ServerBuilder* builder) {
  builder->AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, 8 << 10);
  builder->AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, static_cast<int>(streams_max));
  // A connection that has not shown a certificate and spoken HTTP/2 by then is closed.
  builder->AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 20000);
  // Clients ping idle connections and silent watches every 10 s at most, which is what Go and Java
  // allow at least; by gRPC's own bound of five minutes they would be cut off.
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                              kPingIntervalMinMs);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  // gRPC works through each read in one piece, whatever is decided meanwhile: 4 MB of resets would
  // be 150,000 calls.
  builder->AddChannelArgument(GRPC_ARG_TCP_MAX_READ_CHUNK_SIZE, 16 << 10);
  std::shared_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor =
      builder->experimental().AddExternalConnectionAcceptor(
          grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
          std::move(credentials));
  return [acceptor](int fd) {
    grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
    connection.fd = fd;
    acceptor->HandleNewConnection(&connection);
  };
}

}  // namespace fiscal::services
