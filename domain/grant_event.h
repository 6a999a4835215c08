// What the events of grants say (domain/event.h).
#ifndef FISCAL_DOMAIN_GRANT_EVENT_H_
#define FISCAL_DOMAIN_GRANT_EVENT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "domain/position.h"
#include "domain/types.h"

namespace fiscal::authority {

// A part of the budgets. What is empty does not narrow it.
struct Extent {
  // With those below it by the division list of the year asked about; 0 for all.
  domain::Code division = 0;
  // Without those below.
  bool own_level = false;
  // Departments and agencies of the division; with both, what is of either.
  std::vector<std::string> departments;
  std::vector<std::string> agencies;
  // First and last; 0 for no bound.
  uint16_t year_from = 0;
  uint16_t year_to = 0;
  std::vector<domain::Stage> stages;

  friend bool operator==(const Extent& a, const Extent& b) {
    return a.division == b.division && a.own_level == b.own_level &&
           a.departments == b.departments && a.agencies == b.agencies &&
           a.year_from == b.year_from && a.year_to == b.year_to && a.stages == b.stages;
  }
};
// The content of a GRANT event.
struct GrantEvent {
  // A principal or a pattern (principal.h).
  std::string principal;
  std::string role;
  Extent extent;
  // Why; for those who read the list later.
  std::string note;
};
// The content of an APPROVAL or of a REVOCATION event.
struct GrantOrderEvent {
  domain::Position grant;
  std::string note;
};

}  // namespace fiscal::authority

#endif  // FISCAL_DOMAIN_GRANT_EVENT_H_
