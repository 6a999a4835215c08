// The totals' store and the nodes in memory, against the events of the log.
//
//   Verify --(See: events in order, EndPass)--> TotalsCheck --> Differences
//
// Compares the state at one position, `to`, and every state the store has had before it: postings
// are folded and staged as the projector does it, and the bytes must be those in the store. The
// nodes in memory at `to` are remembered as hashes when the check begins, so that the projector is
// held up only then. Postings and groups are compared in the first pass as they come. Cells and
// statuses are computed for a range of units at a time; a unit has all that is stored under one
// year, stage and division. The first pass starts with all units and gives up the last of them when
// they need more memory than they may; later passes see only the events of the units left.
#ifndef FISCAL_SERVICES_LEDGER_COMPARE_VERIFY_TOTALS_H_
#define FISCAL_SERVICES_LEDGER_COMPARE_VERIFY_TOTALS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "services/ledger/compare/key_check.h"
#include "services/ledger/fold/projector.h"

namespace fiscal::services {

// Not thread-safe.
class TotalsCheck {
 public:
  TotalsCheck(const Projector& projector, size_t memory_bytes_max, Differences& differences);

  // The position that is compared.
  domain::Position to() const { return to_; }

  // The first pass sees every event up to to().
  absl::Status See(const storage::LogEntry& entry, const domain::EventHeader& header,
                   absl::string_view payload);
  // Compares what was gathered. Asks `cancelled` now and then.
  absl::Status EndPass(const std::function<absl::Status()>& cancelled);
  // True when there are units left: the next pass must see the events at next_positions(), in
  // order.
  bool StartPass();
  const std::vector<domain::Position>& next_positions() const { return positions_; }

  int64_t line_count() const { return line_count_; }
  int64_t cell_count() const { return cell_count_; }

 private:
  // Year, stage and division, in the order of the store's keys.
  using Unit = uint64_t;
  static constexpr Unit kEnd = UINT64_MAX;
  struct UnitInfo {
    // Of its own statements: positions, each as the difference to the one before it.
    std::string positions;
    domain::Position last;
    // Bytes of all events that change it.
    uint64_t weight = 0;
    // Units that its statements change: its own and those of the divisions above.
    absl::flat_hash_set<Unit> feeds;
  };

  static Unit UnitOf(domain::Code division, uint16_t year, domain::Stage stage);
  static Unit UnitOf(const domain::NodeId& id);
  // Of the key of a state, or of what it is a state of.
  static Unit UnitOfKey(storage::KeyView key);
  // Keys of the units that this pass holds.
  storage::KeyRange HeldCells() const;
  storage::KeyRange HeldStatuses() const;

  bool Holds(Unit unit) const { return from_ <= unit && unit < until_; }
  void Note(const domain::Posting& posting, size_t bytes);
  absl::Status Apply();
  absl::Status ApplyToAgency(const domain::Posting& posting);
  absl::Status ExpectInOrder(absl::Span<const std::shared_ptr<const domain::Posting>> postings);
  void CompareUnwritten(const domain::Posting& posting);
  absl::Status CompareWatermark();
  void CompareLive();
  void Count();
  size_t Bytes() const;
  void GiveUpUnits();

  const Projector& projector_;
  const storage::TotalsStore& store_;
  const size_t memory_bytes_max_;
  Differences& differences_;
  // Of the moment when the check began, as all that follows.
  const std::shared_ptr<const storage::OperatorEvents> operators_ = projector_.log().operators();

  // Of the moment when the check began.
  domain::Position to_;
  domain::Position written_;
  Projector::Postings unwritten_;
  absl::flat_hash_map<domain::NodeId, uint64_t> live_;

  // Of the whole log, found by the first pass.
  std::map<Unit, UnitInfo> units_;
  std::vector<domain::Position> catalogs_;
  std::unique_ptr<OrderedKeys> stored_postings_, stored_groups_;

  // Of a pass.
  bool first_ = true;
  Unit from_ = 0, until_ = kEnd;
  std::vector<domain::Position> positions_;
  std::shared_ptr<const domain::Catalog> catalog_;
  std::unique_ptr<domain::Fold> fold_;
  struct Agency {
    domain::LeafCells cells;
    storage::AgencyWeight weight;
  };
  absl::flat_hash_map<domain::NodeId, Agency> agencies_;
  size_t agency_cells_ = 0;
  StateSums cells_, statuses_;
  // Of the group under way: whether the next event was committed with the one before, and the last
  // posting that is not left out.
  bool more_ = false;
  std::shared_ptr<domain::Posting> last_;
  Projector::Postings unfolded_;
  size_t unfolded_cells_ = 0;
  // With a posting after written_.
  absl::flat_hash_set<domain::NodeId> changed_;

  int64_t line_count_ = 0;
  int64_t cell_count_ = 0;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_COMPARE_VERIFY_TOTALS_H_
