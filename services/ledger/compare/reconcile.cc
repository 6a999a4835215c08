#include "services/ledger/compare/reconcile.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "domain/types.h"

namespace fiscal::services {

absl::StatusOr<Difference> FirstDifference(Level left, Level right) {
  Difference out;
  DigestPlace place;
  for (int level = 0; level < 4; ++level) {
    FISCAL_ASSIGN_OR_RETURN(const std::vector<DigestEntry> a, left(place));
    FISCAL_ASSIGN_OR_RETURN(const std::vector<DigestEntry> b, right(place));
    ++out.calls;
    if (level == 0) {
      out.left_root = RootOf(a);
      out.right_root = RootOf(b);
    }
    // Both are ordered.
    const DigestEntry* x = nullptr;
    const DigestEntry* y = nullptr;
    for (size_t i = 0, k = 0; i < a.size() || k < b.size();) {
      if (k == b.size() || (i < a.size() && a[i].key < b[k].key)) {
        x = &a[i];
        break;
      }
      if (i == a.size() || b[k].key < a[i].key) {
        y = &b[k];
        break;
      }
      if (a[i].digest != b[k].digest) {
        x = &a[i];
        y = &b[k];
        break;
      }
      ++i;
      ++k;
    }
    // Below an agency nothing may differ: then its revision or certification does.
    if (x == nullptr && y == nullptr) return out;
    const DigestEntry& at = x != nullptr ? *x : *y;
    absl::StrAppend(&out.place, out.place.empty() ? "" : " / ", at.key);
    if (level == 3) {
      out.left_fen = x == nullptr ? 0 : x->value.amount_fen;
      out.right_fen = y == nullptr ? 0 : y->value.amount_fen;
      return out;
    }
    if (level == 0) {
      place.year = at.year;
      place.stage = at.stage;
    } else if (level == 1) {
      place.division = domain::ParseCode(at.key);
    } else {
      place.agency = at.key;
    }
  }
  return out;
}

}  // namespace fiscal::services
