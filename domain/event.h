// Events, one per statement or catalog import, with all that the fold needs.
#ifndef FISCAL_DOMAIN_EVENT_H_
#define FISCAL_DOMAIN_EVENT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/sha256.h"
#include "domain/grant_event.h"
#include "domain/position.h"
#include "domain/types.h"

namespace fiscal::domain {

// The statement that stands after an event, without its lines. Kept in the event and as the
// budget's head.
struct StatementMeta {
  BudgetKey key;
  uint64_t revision = 0;
  Position position;
  int64_t commit_time_us = 0;
  std::string department_code;
  Scope scope = Scope::kOwn;
  bool control = false;
  bool certified = false;
  bool withdrawn = false;
  // True when the next event was committed with this one: totals count both or neither.
  bool more = false;
  uint64_t line_count = 0;
  uint64_t memo_line_count = 0;
  uint64_t project_count = 0;
  std::optional<int64_t> carry_forward_fen;
  std::string note;
  // A serialised fiscal.budget.v1.SourceDocument, or empty.
  std::string source;
  int64_t expenditure_fen = 0;
  int64_t income_fen = 0;
  // Sum of |amount| over all lines, memo lines included.
  int64_t gross_fen = 0;
  std::string principal;
};

// A statement as a change against the revision before it. A changed line is in both sets: whole as
// it was, whole as it is.
struct StatementEvent {
  StatementMeta meta;
  LineSet put;
  LineSet removed;
  std::vector<ProjectEntry> projects_put;
  std::vector<ProjectEntry> projects_removed;
};

struct CatalogEntry {
  std::string code;
  std::string name;
  std::string parent_code;
  std::string department_code;
  AgencyKind kind = AgencyKind::kNone;
  std::string valid_from;
  std::string valid_to;
  bool must_report = false;
  std::vector<std::string> aliases;

  friend bool operator==(const CatalogEntry& a, const CatalogEntry& b) {
    return a.code == b.code && a.name == b.name && a.parent_code == b.parent_code &&
           a.department_code == b.department_code && a.kind == b.kind &&
           a.valid_from == b.valid_from && a.valid_to == b.valid_to &&
           a.must_report == b.must_report && a.aliases == b.aliases;
  }
};

struct CatalogEvent {
  Code division = 0;
  uint16_t year = 0;
  CatalogList list = CatalogList::kNone;
  // Only entries that are new or changed.
  std::vector<CatalogEntry> entries;
};

// Numbers are in records and permanent.
enum class EventKind : uint8_t {
  kStatement = 1,
  kCatalog = 2,
  kUpstream = 3,
  // An operator's order that totals leave a posting out.
  kQuarantine = 4,
  // The key that tree heads are signed with from here on.
  kKey = 5,
  // A role is granted; where two persons are needed, a grant is approved; a grant ends.
  kGrant = 6,
  kGrantApproval = 7,
  kGrantRevocation = 8,
  // An operator's word that the clock is right: commit times go on from this event's, also where
  // that is earlier than the one before.
  kClock = 9
};

struct QuarantineEvent {
  // The position of the event that is left out.
  Position position;
  // The budget of that event; nullopt when it can't be read.
  std::optional<BudgetKey> budget;
  std::string reason;
};

struct KeyEvent {
  std::string public_key_pem;
  // The signature of the key before it over storage::KeyChangeBytes. Empty for the first key, and
  // when the key before it was lost.
  std::string signature;
};

// The time that is accepted is the event's own.
struct ClockEvent {
  // The commit time of the event before it; 0 for none.
  int64_t before_us = 0;
  std::string note;
};

struct EventHeader {
  EventKind kind = EventKind::kStatement;
  Position position;
  int64_t commit_time_us = 0;
  std::string principal;
  std::string request_id;
  Digest payload_digest{};
};

struct Event {
  EventHeader header;
  // The one that header.kind names is filled in.
  StatementEvent statement;
  CatalogEvent catalog;
  QuarantineEvent quarantine;
  KeyEvent key;
  authority::GrantEvent grant;
  // An approval or a revocation.
  authority::GrantOrderEvent grant_order;
  ClockEvent clock;
};

}  // namespace fiscal::domain

#endif  // FISCAL_DOMAIN_EVENT_H_
