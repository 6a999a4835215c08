// Positions that callers ask for, held against a log, its copy, another log, and the same log after
// it lost its end.
#include "services/ledger/moments.h"

#include <memory>
#include <string>

#include "domain/reason.h"
#include "gtest/gtest.h"
#include "storage/anchor.h"
#include "storage/local_log.h"
#include "storage/memory/memory_kv.h"
#include "storage/record_codec.h"

namespace fiscal::services {
namespace {

using domain::Moment;
using storage::EventLog;

constexpr char kLogId[] = "0123456789abcdef";

// A log in memory whose events say what they are told to.
class Log {
 public:
  explicit Log(const std::string& log_id, EventLog::Origin origin = EventLog::Origin::kWritten)
      : kv_(*storage::MemoryKv::Open(disk_, {true, nullptr})),
        anchor_(anchor_disk_),
        log_(*storage::LocalLog::Open(*kv_, anchor_, log_id, origin)) {}

  // An event by `principal`; with another one it is another event.
  void Add(const std::string& principal) {
    const EventLog::Head head = log_->head();
    domain::EventHeader header;
    header.kind = domain::EventKind::kCatalog;
    header.position = head.position + 1;
    header.principal = principal;
    header.payload_digest = Sha256({""});
    storage::LogEntry entry;
    entry.position = header.position;
    entry.record = std::make_shared<const std::string>(storage::EncodeRecord(header, ""));
    entry.leaf_hash = *storage::LeafHash(*entry.record);
    entry.chain_hash = storage::ChainHash(head.chain_hash, entry.leaf_hash);
    storage::LogGroup group;
    group.entries = {entry};
    ASSERT_TRUE(log_->Append(std::move(group)).ok());
  }
  void Add(const std::string& principal, int events) {
    for (int i = 0; i < events; ++i) Add(principal);
  }

  const EventLog& operator*() const { return *log_; }
  std::string TextAt(domain::Position position) const {
    return MomentAt(*log_, position).value_or(Moment()).Text();
  }
  // The reason a text is refused for; "" when it is taken.
  std::string Asked(const std::string& text) const {
    return ReasonOf(CheckMoment(*log_, Moment::Parse(text).value()));
  }

 private:
  static std::string ReasonOf(const absl::Status& status) {
    if (status.ok()) return "";
    return std::string(domain::InfoOf(domain::Explain(status).refusal.reason).id);
  }

  storage::MemoryDisk disk_;
  storage::MemoryAnchorDisk anchor_disk_;
  std::unique_ptr<storage::MemoryKv> kv_;
  storage::MemoryAnchor anchor_;
  std::unique_ptr<EventLog> log_;
};

TEST(MomentsTest, AnEmptyLogStandsAtNought) {
  const Log log(kLogId);
  EXPECT_EQ(MomentOf(*log, (*log).head()).Text(), "0");
  EXPECT_EQ(log.TextAt(domain::Position()), "0");
  EXPECT_EQ(log.Asked("0"), "");
  EXPECT_EQ(log.Asked("1"), "POSITION_AHEAD");
}

TEST(MomentsTest, ALogAndItsCopySayTheSame) {
  Log log(kLogId), copy(kLogId, EventLog::Origin::kCopied);
  log.Add("a", 3);
  copy.Add("a", 3);
  for (domain::Position at; at <= domain::Position(3); ++at) {
    EXPECT_EQ(log.TextAt(at), copy.TextAt(at));
    EXPECT_EQ(copy.Asked(log.TextAt(at)), "");
  }
  EXPECT_EQ(MomentOf(*log, (*log).head()).Text(), log.TextAt(domain::Position(3)));
}

TEST(MomentsTest, WhatIsOfAnotherHistoryIsRefused) {
  // Of `before` two events are in the backup; `restored` went on from there.
  Log before(kLogId), restored(kLogId), other("fedcba9876543210");
  before.Add("a", 5);
  restored.Add("a", 2);
  other.Add("a", 5);
  struct Row {
    const char* what;
    const Log& from;
    uint64_t at;
    const char* reason;
  };
  const auto check = [&](const Log& log, std::initializer_list<Row> rows) {
    for (const Row& row : rows)
      EXPECT_EQ(log.Asked(row.from.TextAt(domain::Position(row.at))), row.reason) << row.what;
  };
  check(restored, {{"in the backup", before, 2, ""},
                   {"lost, and past the end", before, 4, "POSITION_OF_OTHER_HISTORY"},
                   {"another log", other, 1, "POSITION_OF_OTHER_HISTORY"},
                   {"another log, past the end", other, 4, "POSITION_OF_OTHER_HISTORY"}});
  EXPECT_EQ(restored.Asked("2"), "");
  EXPECT_EQ(restored.Asked("4"), "POSITION_AHEAD");
  restored.Add("b", 2);
  check(restored, {{"in the backup", before, 2, ""},
                   {"lost, and given anew", before, 4, "POSITION_OF_OTHER_HISTORY"},
                   {"lost, and past the end", before, 5, "POSITION_OF_OTHER_HISTORY"},
                   {"its own", restored, 4, ""}});
  EXPECT_EQ(restored.Asked("4"), "");

  // A copy may reach what is past its end, but never another log's.
  Log copy(kLogId, EventLog::Origin::kCopied);
  copy.Add("a", 2);
  check(copy, {{"not there yet", before, 4, "REPLICA_BEHIND"},
               {"another log, past the end", other, 4, "POSITION_OF_OTHER_HISTORY"}});
  EXPECT_EQ(copy.Asked("4"), "REPLICA_BEHIND");
}

TEST(MomentsTest, AReceiptNamesTheMomentAfterItsEvent) {
  Log log(kLogId);
  log.Add("a", 3);
  domain::Receipt receipt;
  EXPECT_EQ(MomentOf(*log, receipt).Text(), "0");
  receipt.result = domain::Result::kCreated;
  receipt.position = domain::Position(2);
  receipt.chain_hash = *(*log).ChainAt(domain::Position(2));
  EXPECT_EQ(MomentOf(*log, receipt).Text(), log.TextAt(domain::Position(2)));
  // Of a statement that stood already the hash is of the log as it was answered.
  receipt.result = domain::Result::kUnchanged;
  receipt.chain_hash = *(*log).ChainAt(domain::Position(3));
  EXPECT_EQ(MomentOf(*log, receipt).Text(), log.TextAt(domain::Position(2)));
  receipt.position = domain::Position(9);
  EXPECT_EQ(MomentOf(*log, receipt).Text(), "9");
}

}  // namespace
}  // namespace fiscal::services
