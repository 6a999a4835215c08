// One group of requests in the making: what was decided is kept here until all of it is written at
// once.
//
//   Standing <-- Group <--(decisions)-- Decide;   Group --(WriteTo)--> EventLog
//
// Not thread-safe.
#ifndef FISCAL_SERVICES_LEDGER_DECIDE_GROUP_H_
#define FISCAL_SERVICES_LEDGER_DECIDE_GROUP_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "domain/catalog.h"
#include "domain/receipt.h"
#include "domain/requests.h"
#include "domain/submission.h"
#include "services/ledger/decide/catalog_import.h"
#include "services/ledger/decide/operator_orders.h"
#include "services/ledger/decide/standing.h"
#include "services/ledger/decide/statement.h"
#include "services/ledger/decide/takeover.h"
#include "storage/event_log.h"
#include "storage/kv.h"
#include "storage/ledger.h"

namespace fiscal::services {

class Group {
 public:
  // `now_us` becomes the commit time, unless the log is ahead of it: times never decrease along the
  // log but where an operator corrects the clock. `owners` is never null.
  Group(const storage::Kv& kv, const storage::EventLog& log, int64_t now_us,
        std::shared_ptr<const domain::Catalog> catalog, std::shared_ptr<const Owners> owners,
        RulesCheck check);

  // Everything kept so far; good until more is kept.
  Standing standing() const;

  // These make a decision, taken against standing(), part of the group, and complete its receipt.
  // An error comes after something was kept: it breaks the group.
  absl::StatusOr<domain::RequestReceipt> Keep(const domain::Submission& s, StatementDecision d);
  absl::StatusOr<domain::RequestReceipt> Keep(const domain::CatalogImport& import,
                                              ImportDecision d);
  absl::StatusOr<domain::RequestReceipt> Keep(const std::string& principal, OrderDecision d);
  // Returns how far the upstream is taken over.
  absl::StatusOr<storage::UpstreamState> Keep(const std::string& upstream, RecordDecision d);
  void SetUpstream(const std::string& upstream, const storage::UpstreamState& state);
  void KeepAnswer(const std::string& principal, const std::string& request_id, const Digest& body,
                  const domain::Receipt& receipt);

  // Undoes what was kept since it was made, unless its own Keep was called. One at a time.
  class Savepoint {
   public:
    explicit Savepoint(Group& group);
    ~Savepoint();
    Savepoint(const Savepoint&) = delete;
    Savepoint& operator=(const Savepoint&) = delete;
    void Keep();

   private:
    Group& group_;
    const storage::EventLog::Head head_;
    const size_t entries_;
    const Owners claimed_;
    const std::shared_ptr<const domain::Catalog> catalog_;
    bool kept_ = false;
  };

  // True when something kept so far is an event: it has a commit time.
  bool has_events() const { return !entries_.empty(); }
  // Not OK: nothing of the group may be written.
  const absl::Status& broken() const { return broken_; }
  const std::shared_ptr<const domain::Catalog>& catalog() const { return catalog_; }
  const Owners& claimed() const { return claimed_; }

  // Makes the group durable; it is of no use afterwards. As EventLog::Append; OK when there is
  // nothing to append.
  absl::Status WriteTo(storage::EventLog& log);

 private:
  // Appends an event, whose header has the digest of its payload, and fills position and hash of
  // the receipt. Returns where in the record the payload starts.
  size_t Append(domain::EventHeader header, std::string payload, domain::Receipt* receipt);

  const storage::EventLog& log_;
  const std::shared_ptr<const Owners> owners_;
  const RulesCheck check_;
  storage::Ledger ledger_;
  storage::EventLog::Head head_;
  int64_t now_us_;
  std::vector<storage::LogEntry> entries_;
  std::shared_ptr<const domain::Catalog> catalog_;
  // Divisions that an upstream's first statement claimed in this group.
  Owners claimed_;
  absl::Status broken_;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_DECIDE_GROUP_H_
