// A total with the transfers between levels of government inside it taken out once.
//
//   services/ledger/answer/consolidated --(Consolidated)--> services/wire
#ifndef FISCAL_DOMAIN_CONSOLIDATED_H_
#define FISCAL_DOMAIN_CONSOLIDATED_H_

#include <algorithm>
#include <string>
#include <vector>

#include "domain/cells.h"
#include "domain/types.h"

namespace fiscal::domain {

// Transfers to one receiver, in one direction and fund, as both sides state them.
struct Transfer {
  Code receiver = 0;
  std::string name;
  // True for money that goes to the level above.
  bool up = false;
  Fund fund = Fund::kNone;
  Fen paid_fen = 0;
  Fen received_fen = 0;
  Fen eliminated_fen() const { return std::max<Fen>(0, std::min(paid_fen, received_fen)); }
};

struct Consolidated {
  CellValue combined;
  Fen eliminated_fen = 0;
  // By receiver, direction and fund; also those that don't match.
  std::vector<Transfer> transfers;
};

}  // namespace fiscal::domain

#endif  // FISCAL_DOMAIN_CONSOLIDATED_H_
