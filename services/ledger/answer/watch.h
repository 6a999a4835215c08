// The messages of one watcher, one after the other: a step function without threads or gRPC.
//
//   WatchHub --(Next, again and again)--> Watch --> WatchMessage
//   Watch --> TotalsReader (snapshots), Projector::ReadPostings (changes, from memory or history)
//
// A watch is a place in the log and the rows of its questions there: memory is bounded by the rows,
// not by how slow the reader is. Not thread-safe.
#ifndef FISCAL_SERVICES_LEDGER_ANSWER_WATCH_H_
#define FISCAL_SERVICES_LEDGER_ANSWER_WATCH_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/ledger/answer/totals_reader.h"

namespace fiscal::services {

// Rows of all questions of one watch.
constexpr size_t kWatchRowsMax = 20000;

struct WatchedTotals {
  domain::TotalFilter filter;
  std::vector<domain::GroupBy> group_by;
};

// Numbers of fiscal.aggregation.v1.WatchEvent.
enum class WatchEvent : uint8_t { kNone, kSnapshot, kChange, kProgress, kCaughtUp, kFellBehind };

struct WatchMessage {
  struct Change {
    int filter = 0;
    domain::RowChange row;
  };
  WatchEvent event = WatchEvent::kNone;
  domain::Position position;
  std::vector<Change> changes;
};

class Watch {
 public:
  struct Options {
    std::vector<WatchedTotals> totals;
    // True for the latest values instead of every position's.
    bool conflated = false;
    // The position whose rows the watcher has, to go on behind it; none for a snapshot first.
    std::optional<domain::Position> resume;
    // The most that reading the rows once may cost, in units of work; more ends it with
    // READ_TOO_LARGE.
    uint64_t cost_max = UINT64_MAX;
  };
  Watch(const Projector& projector, const TotalsReader& reader, Options options);

  // The next message, given that everything up to `folded` may be told; nothing when the watcher is
  // level. Does a bounded amount of work: a watch far behind may have to be asked again, which
  // more() tells. NOT_FOUND, WATCH_TOO_WIDE and TOTAL_OUT_OF_RANGE, for a row that can't be told,
  // end it.
  absl::StatusOr<std::optional<WatchMessage>> Next(domain::Position folded);
  // True when the last Next ended before the watcher was level.
  bool more() const { return more_; }
  // Ends a Next under way: its watcher left. Thread-safe.
  void Abandon() { work_.Cancel(); }
  // Units of work so far.
  uint64_t spent() const { return work_.spent(); }
  // The position up to which everything was told.
  domain::Position position() const { return position_; }
  bool started() const { return !questions_.empty(); }
  // Goes on behind `position`, up to which nothing concerns it.
  void SkipTo(domain::Position position);
  // The nodes, by year and stage, whose postings concern it.
  std::vector<domain::NodeId> Nodes() const;

 private:
  absl::Status Start(domain::Position position);
  absl::StatusOr<std::optional<WatchMessage>> Find(domain::Position folded);
  absl::StatusOr<std::vector<std::unique_ptr<Question>>> Ask(domain::Position position);
  absl::Status CheckRows() const;
  bool Concerns(const domain::Posting& posting) const;
  void Take(std::vector<WatchMessage::Change>* changes);

  const Projector& projector_;
  const TotalsReader& reader_;
  const Options options_;
  Work work_;
  std::vector<std::unique_ptr<Question>> questions_;
  domain::Position position_;
  bool snapshot_sent_ = false;
  bool caught_up_ = false;
  bool more_ = false;
  // Postings read and not told yet; all up to `read_to_`.
  std::vector<Projector::Delivered> read_;
  size_t next_ = 0;
  domain::Position read_to_;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_ANSWER_WATCH_H_
