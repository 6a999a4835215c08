// What a group of requests is made of while it is decided; shared by intake.cc and takeover.cc and
// nobody else.
#ifndef FISCAL_SERVICES_LEDGER_DECIDE_INTAKE_GROUP_H_
#define FISCAL_SERVICES_LEDGER_DECIDE_INTAKE_GROUP_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "services/ledger/decide/intake.h"
#include "storage/ledger.h"

namespace fiscal::services {

struct Intake::Group {
  Group(const storage::Kv& kv, const storage::EventLog::Head& head)
      : ledger(kv, head.group + 1), head(head) {}
  storage::Ledger ledger;
  storage::EventLog::Head head;
  std::vector<storage::LogEntry> entries;
  std::shared_ptr<const domain::Catalog> catalog;
  int64_t now_us = 0;
  // Divisions an upstream's first statement claimed in this group.
  std::map<domain::Code, std::string> claimed;
  // What parts of a reallocation change, counted lines only, by direction and fund.
  std::map<std::pair<domain::Direction, domain::Fund>, __int128>* balance = nullptr;
  // Set when an error came after something was staged: nothing of the group may be written.
  absl::Status broken;
};

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_DECIDE_INTAKE_GROUP_H_
