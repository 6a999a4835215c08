// Requests to the writer of the log, beside statements (submission.h): decoded, not yet decided.
//
//   services/wire, services/federation, operators --> these --> services/ledger/decide
#ifndef FISCAL_DOMAIN_REQUESTS_H_
#define FISCAL_DOMAIN_REQUESTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/sha256.h"
#include "domain/event.h"
#include "domain/reason.h"
#include "domain/submission.h"

namespace fiscal::domain {

// An import of a catalog list, as it was sent.
struct CatalogImport {
  std::string principal;
  std::string request_id;
  // Digest of the content, which tells a retry from a reused request_id; kept with the answer.
  Digest body{};
  // Digest of the bytes as they came, which older versions kept with the answer.
  Digest sent{};
  CatalogEvent event;
  std::vector<Violation> violations;
};

// Several statements of the stage REALLOCATION that are kept at once.
struct Reallocation {
  std::string principal;
  std::string request_id;
  Digest body{};
  std::vector<Submission> parts;
  std::vector<Violation> violations;
};

// Events of an upstream's log, as they came: contiguous, and groups committed at once not cut.
struct UpstreamRecords {
  struct Record {
    Position position;
    // As the upstream has corrected it. Earlier than that of the record before it where it
    // corrected its clock after that was taken over.
    int64_t commit_time_us = 0;
    Digest leaf_hash{};
    Digest chain_hash{};
    // At most one of the two.
    std::string posting;
    std::string catalog;
  };
  std::string upstream;
  std::string log_id;
  std::vector<Record> records;
};

// An operator's decision that totals leave out a posting.
struct QuarantineOrder {
  std::string principal;
  Position position;
  // Where the totals of this process stand still; 0 where they don't, or there are none.
  Position stopped_at;
  std::string reason;
};

// The key that signs tree heads from here on.
struct KeyOrder {
  std::string principal;
  KeyEvent event;
};

// An operator's word that the clock is right.
struct ClockOrder {
  std::string principal;
  std::string note;
  // Filled in when it is decided: the clock, and whether commits are refused for it.
  int64_t clock_us = 0;
  bool refused = false;
};

// A security administrator's orders about grants.
struct GrantOrder {
  std::string principal;
  authority::GrantEvent event;
};
struct ApprovalOrder {
  std::string principal;
  authority::GrantOrderEvent event;
};
struct RevocationOrder {
  std::string principal;
  authority::GrantOrderEvent event;
};

}  // namespace fiscal::domain

#endif  // FISCAL_DOMAIN_REQUESTS_H_
