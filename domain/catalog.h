// Divisions, agencies and classifications as they stand at one position: an immutable value that
// each catalog event turns into the next one. Lists that an event doesn't touch are shared between
// the values.
//
//   CatalogEvent --(With)--> Catalog --> validation, fold (the path of an agency), names in answers
//
// Thread-safe: const.
#ifndef FISCAL_DOMAIN_CATALOG_H_
#define FISCAL_DOMAIN_CATALOG_H_

#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "domain/event.h"
#include "domain/reason.h"

namespace fiscal::domain {

struct ListKey {
  Code division = 0;
  uint16_t year = 0;
  CatalogList list = CatalogList::kNone;
  friend bool operator<(const ListKey& a, const ListKey& b) {
    return std::tie(a.list, a.year, a.division) < std::tie(b.list, b.year, b.division);
  }
};

class Catalog {
 public:
  // By code: a classification's or division's number as a string.
  using Entries = std::map<std::string, CatalogEntry, std::less<>>;
  using CodeNames = absl::flat_hash_map<Code, const CatalogEntry*>;

  Catalog() = default;

  // The faults of `event`, in itself and against this catalog. Fields are written
  // "entries[3].code".
  std::vector<Violation> Check(const CatalogEvent& event) const;
  // Counts the entries of `event` that are new or differ; `changed` receives just those.
  struct Difference {
    size_t added = 0;
    size_t changed = 0;
    size_t unchanged = 0;
  };
  Difference Diff(const CatalogEvent& event, CatalogEvent* changed) const;
  // The catalog after `event`, which Check found nothing wrong with and which stands at `position`
  // of the log.
  std::shared_ptr<const Catalog> With(const CatalogEvent& event, Position position) const;
  // The position of the last event in it, which names it within one log; 0 without any.
  Position position() const { return position_; }

  // The division of a year; null when unknown. Divisions are one list per year, from all imports
  // together.
  const CatalogEntry* FindDivision(Code division, uint16_t year) const;
  // The division above; 0 at the top.
  Code ParentOf(Code division, uint16_t year) const;
  // The divisions directly below, ordered. Lives as long as the catalog.
  const std::vector<Code>& ChildrenOf(Code division, uint16_t year) const;
  // `division` and all below it, each once, those above before those below. REQUIRES: no cycles,
  // which Check refuses.
  std::vector<Code> SubtreeOf(Code division, uint16_t year) const;
  // `division` and all above it, nearest first. A chain longer than 8 is cut.
  std::vector<Code> ChainOf(Code division, uint16_t year) const;

  // An agency of the division's own level; null when unknown.
  const CatalogEntry* FindAgency(Code division, uint16_t year, absl::string_view code) const;
  // True when an agency of the division names it as its department.
  bool HasDepartment(Code division, uint16_t year, absl::string_view department) const;
  // The agencies and departments of a division; null when it has none.
  const Entries* AgenciesOf(Code division, uint16_t year) const;

  // The lists that serve `division`, nearest first; empty when none is loaded for the year.
  std::vector<std::shared_ptr<const CodeNames>> ListsFor(Code division, uint16_t year,
                                                         CatalogList list) const;
  // The entry of a code in such lists; null when unknown.
  static const CatalogEntry* Find(const std::vector<std::shared_ptr<const CodeNames>>& lists,
                                  Code code);
  // Name of a code as it serves a division; empty when unknown.
  absl::string_view NameOf(Code division, uint16_t year, CatalogList list, Code code) const;

  // The successor of a functional code of `from` in `to`, a later year: each year's crosswalk list
  // says what codes of the year before became; a code no list names stays itself where the later
  // year has it. 0 when it has no successor.
  Code Crosswalk(Code division, uint16_t from, uint16_t to, Code functional) const;

  const std::map<ListKey, std::shared_ptr<const Entries>>& lists() const { return lists_; }
  // The merged divisions of a year; null when none are loaded.
  const Entries* DivisionsOf(uint16_t year) const;

 private:
  Position position_;
  std::map<ListKey, std::shared_ptr<const Entries>> lists_;
  using Children = absl::flat_hash_map<Code, std::vector<Code>>;
  // Derived from lists_: classifications by number, what is below a division by year, departments.
  std::map<ListKey, std::shared_ptr<const CodeNames>> numbers_;
  std::map<uint16_t, std::shared_ptr<const Children>> children_;
  std::map<ListKey, std::shared_ptr<const std::map<std::string, size_t, std::less<>>>> departments_;
};

}  // namespace fiscal::domain

#endif  // FISCAL_DOMAIN_CATALOG_H_
