// What the audit log says of one call: who asked for what, and whether he was let.
//
//   services/rpc (the end of a call) --(rpc::Audit)--> services/audit --> storage/audit.h
//
// Never an amount, nor anything that the answer held: only what the caller said of himself and of
// the part of the budgets he asked for.
#ifndef FISCAL_DOMAIN_AUDIT_H_
#define FISCAL_DOMAIN_AUDIT_H_

#include <cstddef>
#include <cstdint>
#include <string>

namespace fiscal::domain {

// Numbers are stored, and are those of fiscal.audit.v1.Outcome.
enum class AuditOutcome : uint8_t {
  // He had the right, and the call did what it does.
  kAllowed = 1,
  // He lacked the right, and the call did nothing.
  kDenied = 2,
  // He lacked the right, and was let all the same: rights are not enforced yet.
  kWouldDeny = 3,
  // He had the right, and the call ended with another error.
  kFailed = 4,
  // No call: entries that could not be kept.
  kLost = 5,
};
constexpr size_t kAuditOutcomes = 5;

struct AuditEntry {
  // The bytes of each text; longer ones are cut.
  static constexpr size_t kTextBytesMax = 512;

  // The place in the audit log, from 1; given by it.
  uint64_t sequence = 0;
  // Unix time in microseconds; never less than that of the entry before.
  int64_t time_us = 0;
  AuditOutcome outcome = AuditOutcome::kAllowed;
  std::string principal;
  // The other end of the connection: "ipv4:10.1.2.3:40404".
  std::string connection;
  // "fiscal.aggregation.v1.AggregationService/GetTotal".
  std::string method;
  // Why it was denied or failed, as docs/errors.md has it; empty when it was allowed.
  std::string reason;
  // The right that was missing: "VERB_WRITE". Empty when none was.
  std::string missing_verb;
  // What was asked for: "division 141100, department 035, year 2026, stage APPROVED". Empty for
  // what is about the system as a whole.
  std::string scope;
  // Of a write; empty without one.
  std::string request_id;
  // Of the caller's trace; empty when he sent none.
  std::string trace_id;

  // Of kLost alone, which has no texts: how many entries, and the times of the first and the last.
  uint64_t lost_count = 0;
  int64_t lost_from_us = 0, lost_to_us = 0;

  friend bool operator==(const AuditEntry&, const AuditEntry&) = default;
};

}  // namespace fiscal::domain

#endif  // FISCAL_DOMAIN_AUDIT_H_
