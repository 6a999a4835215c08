// Compares an upstream with the part of this system that was taken over from it.
#ifndef FISCAL_SERVICES_LEDGER_COMPARE_RECONCILE_H_
#define FISCAL_SERVICES_LEDGER_COMPARE_RECONCILE_H_

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "services/ledger/compare/digests.h"

namespace fiscal::services {

// The first place where two trees part.
struct Difference {
  // "2024 APPROVED / 141100 / 031001 / functional=2080505 ..."; empty when they don't.
  std::string place;
  domain::Fen left_fen = 0;
  domain::Fen right_fen = 0;
  // Roots of the two.
  Digest left_root{}, right_root{};
  // Calls to each side.
  int calls = 0;
};

// Walks down from the root, asking each side for one level at a time.
using Level = absl::FunctionRef<absl::StatusOr<std::vector<DigestEntry>>(const DigestPlace& place)>;
absl::StatusOr<Difference> FirstDifference(Level left, Level right);

}  // namespace fiscal::services

#endif  // FISCAL_SERVICES_LEDGER_COMPARE_RECONCILE_H_
