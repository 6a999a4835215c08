// Decides what each submission does and makes it durable: the only writer of the log.
//
//   Committer --(a group of submissions)--> Intake::Commit --> Staged heads, requests, events -->
//   EventLog::Commit --> receipts
//
// A step function: no threads, no gRPC, time from a Clock. Commit is called by one thread at a
// time; catalog() by any. Promises, tested by the simulation: a receipt means the event is in the
// log for ever; a request_id makes at most one event; a refusal changes nothing.
#ifndef FISCAL_SERVICES_LEDGER_DECIDE_INTAKE_H_
#define FISCAL_SERVICES_LEDGER_DECIDE_INTAKE_H_

#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "base/clock.h"
#include "domain/catalog.h"
#include "domain/receipt.h"
#include "domain/requests.h"
#include "domain/submission.h"
#include "services/ledger/decide/rules_check.h"
#include "storage/event_log.h"
#include "storage/heads.h"
#include "storage/kv.h"
#include "storage/posting_codec.h"
#include "storage/record_codec.h"

namespace fiscal::services {

class Intake {
 public:
  using Request = std::variant<domain::Submission, domain::CatalogImport, domain::Reallocation,
                               domain::UpstreamRecords, domain::QuarantineOrder, domain::KeyOrder>;

  // Reads the catalog from the log. `kv` is the store the log is in. `check` is asked what the
  // articulation rules say of a statement that was not asked on its way in.
  static absl::StatusOr<std::unique_ptr<Intake>> Open(storage::Kv& kv, storage::EventLog& log,
                                                      Clock& clock, RulesCheck check = CheckRules);

  // Applies the requests in order as one group with one sync. When this returns, every OK answer is
  // durable.
  std::vector<absl::StatusOr<domain::RequestReceipt>> Commit(absl::Span<Request* const> requests);

  // How far an upstream's log was taken over; position 0 when nothing was.
  absl::StatusOr<storage::UpstreamState> ReadUpstream(absl::string_view name) const;
  // The divisions whose money comes from upstreams, with the upstream's name.
  std::map<domain::Code, std::string> UpstreamDivisions() const ABSL_LOCKS_EXCLUDED(mu_);

  // True after a write with unknown outcome: the process must end, a restart finds the truth.
  bool failed() const { return failed_; }

  std::shared_ptr<const domain::Catalog> catalog() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Group;

  Intake(storage::Kv& kv, storage::EventLog& log, Clock& clock, RulesCheck check)
      : kv_(kv), log_(log), clock_(clock), check_(check) {}

  absl::StatusOr<domain::RequestReceipt> Apply(domain::Submission& s, Group& g);
  absl::StatusOr<domain::RequestReceipt> Apply(domain::CatalogImport& c, Group& g);
  absl::StatusOr<domain::RequestReceipt> Apply(domain::Reallocation& r, Group& g);
  // What is in force already is unchanged: the receipt is of the event that said so first.
  absl::StatusOr<domain::RequestReceipt> Apply(domain::QuarantineOrder& order, Group& g);
  absl::StatusOr<domain::RequestReceipt> Apply(domain::KeyOrder& order, Group& g);
  // Keeps the records before one that is refused.
  absl::StatusOr<domain::RequestReceipt> Apply(domain::UpstreamRecords& u, Group& g);
  // `last` is true when the record after this one changes no cells: a group ends here.
  // UPSTREAM_EVENT_INVALID for what no system of ours would post.
  absl::Status TakeOver(const std::string& upstream, const domain::UpstreamRecords::Record& record,
                        bool last, storage::UpstreamState* state, bool* more, Group& g);
  absl::Status TakeOverCatalog(const std::string& upstream,
                               const domain::UpstreamRecords::Record& record,
                               storage::UpstreamState* state, Group& g);
  // True when something was stated for the division here.
  absl::StatusOr<bool> HasOwnStatements(domain::Code division, const Group& g) const;
  // The upstream a division's money comes from; empty for none.
  std::string OwnerOf(domain::Code division, const Group& g) const;
  // The stored answer of an earlier request with this id; nullopt when it is new.
  absl::StatusOr<std::optional<domain::Receipt>> Earlier(const std::string& principal,
                                                         const std::string& request_id,
                                                         const Digest& body, const Group& g) const;
  // Appends an event, whose header has the digest of its payload, and fills position and hash of
  // the receipt. Returns where in the record the payload starts.
  size_t Append(domain::EventHeader header, absl::string_view payload, Group& g,
                domain::Receipt* receipt) const;
  // True when an agency, or any agency of the division if `agency` is empty, ever stated something
  // for the year, here or at an upstream.
  absl::StatusOr<bool> HasStatements(domain::Code division, uint16_t year, absl::string_view agency,
                                     const Group& g) const;

  storage::Kv& kv_;
  storage::EventLog& log_;
  Clock& clock_;
  const RulesCheck check_;
  bool failed_ = false;
  mutable absl::Mutex mu_;
  std::shared_ptr<const domain::Catalog> catalog_ ABSL_GUARDED_BY(mu_);
  std::map<domain::Code, std::string> owners_ ABSL_GUARDED_BY(mu_);
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_DECIDE_INTAKE_H_
